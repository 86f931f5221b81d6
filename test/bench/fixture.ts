/** The lane group and the request that contract section 12 names: cookie, baggage, five rules, three lanes, context, logging off. */

/** On plain http, which raw workerd serves, the cookie has no prefix. Slots in the order of the lanes: s1 0, s2 6000, s3 8000. */
const laneCookie = (slot: number) => `lane-mock=1.1.${slot}`;
export const SLOT_OF_S1 = 4711;
export const SLOT_OF_S2 = 7342;

/** What the decision figure varies; the rest is as a lane file has it. */
export interface BenchGroup {
  readonly services: Readonly<Record<string, object>>;
  readonly lanes: Readonly<Record<string, { readonly weight: number; readonly origins: Readonly<Record<string, string>> }>>;
  readonly rules: readonly object[];
}

/** The group as a lane file. `origins`: base URLs of the origins of lanes s1, s2 and s3. */
export function benchGroup(origins: readonly string[], name = "mock", host = "mock.example.com"): BenchGroup {
  const origin = (lane: number) => {
    const url = origins[lane]!;
    return { mocka: url, mockb: `${url}/b`, mockc: `${url}/c` };
  };
  const file = {
    schema: 1,
    name,
    hosts: [host, `*.${host}`],
    baseline: "s1",
    context: "signed",
    expose: true,
    services: {
      mocka: {},
      mockb: { hosts: [`mockb.${host}`], entry: false },
      mockc: { hosts: [`mockc.${host}`], entry: false },
    },
    lanes: {
      s1: { weight: 60, origins: origin(0) },
      s2: { weight: 20, origins: origin(1) },
      s3: { weight: 20, origins: origin(2) },
    },
    rules: [
      { name: "pr", when: { baggage: { pr: { regex: "[0-9]+" } } }, lane: "s2" },
      { name: "beta", when: { path: { prefix: "/beta" }, not: { header: { "x-bot": { exists: true } } } }, weights: { s1: 50, s3: 50 } },
      { name: "tester", when: { cookie: { tester: { in: ["1", "yes"] } } }, lane: "s3" },
      { name: "tenant", when: { header: { "x-tenant": { prefix: "acme-" } } }, lane: "s3" },
      { name: "preview", when: { query: { preview: "1" }, method: "GET" }, lane: "s2" },
    ],
    sticky: { by: "cookie", maxAgeSeconds: 2592000, epoch: 1 },
    propagate: { header: "x-asm-prefer-tag", headers: ["version", { prefix: "user-" }] },
    log: { samplePercent: 0 },
  };
  return file;
}

/** Headers of a browser's GET that matches no rule and keeps its slot. */
export function benchHeaders(slot: number): Record<string, string> {
  return {
    host: "mock.example.com",
    connection: "keep-alive",
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    accept: "application/json, text/plain, */*",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
    referer: "https://mock.example.com/products?page=2",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-GB,en;q=0.9,de;q=0.8",
    cookie: `session=9f8b7c6d5e4f3a2b1c0d; theme=dark; ${laneCookie(slot)}; _ga=GA1.1.123456789.1700000000`,
    "if-none-match": '"5f2a-0"',
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    baggage: "userId=alice,serverNode=DF%2028,isProduction=false,version=1.4.2",
  };
}

/** The request as it is sent. */
export function requestText(path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
