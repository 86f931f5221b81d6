/** mocka, mockb and mockc: says who it is and calls the next. It knows nothing of lanes; OpenTelemetry carries the baggage. */
import { extract, inject } from "./otel.ts";

interface Env {
  readonly app: string;
  readonly version: string;
  readonly upstream_url?: string;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const own = `-> ${env.app}(version: ${env.version}, ip: 127.0.0.1)`;
    if (env.upstream_url === undefined) return new Response(own);
    const next = await fetch(env.upstream_url, { headers: inject(extract(request)) });
    return new Response(own + (await next.text()), { status: next.status });
  },
};
