/** Names of HTTP headers, and which of them a lane file may not touch. */

/** A token (RFC 9110, section 5.6.2): header names, methods, and the keys of baggage members (W3C Baggage, section 3.3.1). */
export const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Framing, addresses, tracing and our own marks: set by the router or by the platform alone. Lower case. */
const OWNED =
  /^(host|content-length|connection|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*|forwarded|x-forwarded-.*|baggage|traceparent|tracestate|cf-.*|x-lane.*)$/;

/** They end at each hop (RFC 9110, section 7.6.1). Lower case. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
]);

/**
 * A header or member of ours begins so: contexts, marks, hops, which version of a Worker answers (contract section 4), and our baggage
 * member as Jaeger and OpenTracing write one, which OpenTelemetry's readers of both put in the place of the true one.
 */
const OURS = /^(?:x-lane|cloudflare-workers-version-|(?:uberctx|ot-baggage)-laneway-)/;

/** As an origin behind CGI reads a name: `x_lane_mirror`, and in some `x.lane.mirror` too, is `x-lane-mirror`. Lower case. */
export const folded = (name: string): string => (/[^a-z0-9-]/.test(name) ? name.replaceAll(/[^a-z0-9-]/g, "-") : name);

/** Is this header ours, in any spelling that an origin may fold into ours? Lower case. */
export const isOwnHeader = (name: string): boolean => OURS.test(folded(name));

/** May a lane file set this header on what goes to an origin, or on a stub's answer? */
export function maySet(name: string): boolean {
  return !OWNED.test(name.toLowerCase());
}

/** May a baggage member become this header? Anybody can send baggage, so it must not carry an identity either (contract section 5). */
export function mayPropagate(name: string): boolean {
  const plain = folded(name.toLowerCase());
  return maySet(plain) && !isOwnHeader(plain) && !/^(cookie|authorization)$/.test(plain);
}

/** Does every header that begins so belong to the router or the platform, or is it one that nobody may set? */
export function mayPropagatePrefix(prefix: string): boolean {
  return mayPropagate(prefix) && mayPropagate(`${prefix}x`);
}
