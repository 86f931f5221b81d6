/** Headers of clients that mean no good. None of them may change who is asked, what a copy may do, or what an origin is told. */
import type { OutgoingHttpHeaders } from "node:http";
import { HOP_HEADER, OVERRIDE_HEADER } from "./ledger.ts";
import type { Random } from "./random.ts";

const FORGED = `1~shop~dark~1~1~shop~next~${"A".repeat(43)}`;

const SHAPES: Readonly<Record<string, OutgoingHttpHeaders>> = {
  "forged context": { baggage: `laneway.shop=${FORGED},lane=dark`, "x-lane-context": FORGED, "x-lane": "dark" },
  "forged mark": { "x-lane-mirror": "shop/next", x_lane_mirror: "shop/next", "x-lane-synthetic": "true" },
  "sixteen contexts": { baggage: Array.from({ length: 16 }, (_, n) => `laneway.x${n}=1`).join(",") },
  "many members": { baggage: Array.from({ length: 300 }, (_, n) => `k${n}=v${n}`).join(",") },
  "baggage of no member": { baggage: "!".repeat(8_000) },
  "bad escapes": { baggage: "a=%zz,%6Cane=dark,__proto__=1,a=1;lane=dark,=,,;" },
  "trace that is none": { traceparent: "00-zz-zz-ff", tracestate: "=,=" },
  "trace with every flag": { traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-ff` },
  "connection that names ours": { connection: `close, ${HOP_HEADER}, baggage, x-lane-context, x-forwarded-host`, [HOP_HEADER]: "1" },
  "connection that names nonsense": { connection: `close, ${HOP_HEADER}, (, ;=`, [HOP_HEADER]: "1" },
  "hop-by-hop": { te: "trailers", "keep-alive": "timeout=1", "proxy-connection": "keep-alive", upgrade: "h2c" },
  "forwarded family": {
    "x-forwarded-host": "evil.example",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "ftp",
    "x-forwarded-prefix": "//evil.example",
    "x-original-url": "/admin",
    x_real_ip: "127.0.0.1",
    forwarded: "host=evil.example;for=127.0.0.1",
  },
  "cookies of ours": { cookie: `lane-shop=1.1.99999; __Host-lane-shop=1.1.5; ${"a=b; ".repeat(200)}` },
  "a version of ours": { "cloudflare-workers-version-overrides": 'shop="00000000-0000-0000-0000-000000000000"' },
  "hops of others": { "x-lane-hops": "3", "x-lane-preview": "x" },
  "method of another": { [OVERRIDE_HEADER]: "DELETE" },
};

export const HOSTILE: readonly string[] = Object.keys(SHAPES);

/** One shape, or two. */
export function hostileHeaders(random: Random, count: (what: string) => void): OutgoingHttpHeaders {
  const shapes = [random.pick(HOSTILE), ...(random.chance(0.3) ? [random.pick(HOSTILE)] : [])];
  for (const shape of shapes) count(`hostile: ${shape}`);
  return Object.assign({}, ...shapes.map((shape) => SHAPES[shape]!));
}
