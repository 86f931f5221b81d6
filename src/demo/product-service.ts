/** app1, app2 and app3: a greeting each. Only app1 touches the baggage, as an application may: it adds the product it was asked for. */
import { extract, inject, withBaggage } from "./otel.ts";

interface Env {
  readonly greeting: string;
  readonly upstream_url?: string;
}

function addedBy(path: string): Record<string, string> {
  const id = /^\/product\/([^/]+)$/.exec(path)?.[1];
  if (id === undefined) return {};
  return { x: "1", "product-id": id, "other-baggage": "value2", "another-baggage": "3", "url-baggage": "/test/1?attr=1" };
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (env.upstream_url === undefined) return new Response(`${env.greeting}\n`);
    const context = withBaggage(extract(request), addedBy(new URL(request.url).pathname));
    const next = await fetch(env.upstream_url, { headers: inject(context) });
    return new Response(`${env.greeting}\n${await next.text()}`, { status: next.status });
  },
};
