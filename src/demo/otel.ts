/**
 * What OpenTelemetry's instrumentation does around an ordinary service: the context of the incoming request goes on with the outgoing
 * one. Its own propagators are at work, so the demo's baggage meets the same decoding and encoding as in a real service.
 */
import { type Context, propagation, ROOT_CONTEXT, type TextMapGetter, type TextMapSetter, trace } from "@opentelemetry/api";
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";

const propagator = new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] });
const getter: TextMapGetter<Headers> = { get: (headers, name) => headers.get(name) ?? undefined, keys: (headers) => [...headers.keys()] };
const setter: TextMapSetter<Headers> = { set: (headers, name, value) => headers.set(name, value) };

/** The context of a request that came in. */
export function extract(request: Request): Context {
  return propagator.extract(ROOT_CONTEXT, request.headers, getter);
}

/** What an application does with `baggage.set_baggage(key, value)`. */
export function withBaggage(context: Context, added: Readonly<Record<string, string>>): Context {
  const baggage = propagation.getBaggage(context) ?? propagation.createBaggage();
  const more = Object.entries(added).reduce((sum, [key, value]) => sum.setEntry(key, { value }), baggage);
  return propagation.setBaggage(context, more);
}

/** The headers of a call made in that context, under a span of its own. */
export function inject(context: Context): Headers {
  const headers = new Headers();
  const parent = trace.getSpanContext(context);
  const spanId = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  propagator.inject(parent === undefined ? context : trace.setSpanContext(context, { ...parent, spanId }), headers, setter);
  return headers;
}
