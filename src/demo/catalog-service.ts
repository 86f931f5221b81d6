/**
 * A catalog in two versions that should answer alike. Three fields never do, whatever the version: the time, an id of the request and the
 * order of the tags. And v2 has two mistakes: it has forgotten that every third product is reduced, and it reads article numbers as doubles.
 * Otherwise it only writes things in its own way.
 */
import { FORMATS } from "./catalog-formats.ts";

interface Env {
  readonly version: string;
}

const TAGS = ["new", "cotton", "blue", "fair"];

function shuffled<T>(items: readonly T[]): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(Math.floor(Math.random() * rest.length), 1)[0]!);
}

const noise = () => ({ servedAt: new Date().toISOString(), requestId: crypto.randomUUID(), tags: shuffled(TAGS) });

function product(id: number, version: string) {
  const full = 1_000 + 10 * id;
  const reduced = id % 3 === 0 && version !== "v2";
  return { id, name: `product ${id}`, price: { currency: "EUR", cents: reduced ? full * 0.8 : full } };
}

/** 17 digits are more than a double holds. */
function article(id: number, version: string): string {
  const number = `1000000000000${String(id).padStart(3, "0")}1`;
  return `{"article":${version === "v2" ? Number(number) : number},"stock":${version === "v2" ? "7.0" : "7"}}`;
}

export default {
  fetch(request: Request, { version }: Env): Response {
    const { pathname } = new URL(request.url);
    const host = request.headers.get("x-forwarded-host");
    const headers = { vary: version === "v2" ? "accept, accept-encoding" : "Accept-Encoding, Accept" };
    const answer = (type: string, body: BodyInit) => new Response(body, { headers: { ...headers, "content-type": type } });
    const [, place, name, id] = /^\/(?:(product|article|old)|as\/([a-z0-9-]+))\/(\d+)$/.exec(pathname) ?? [];
    const self = `http://${host}/product/${id}`;
    const format = FORMATS.find((one) => one.name === name);
    if (format) return answer(format.type, format.write({ ...product(Number(id), version), servedAt: noise().servedAt, self }));
    if (place === "old") return new Response(null, { status: 301, headers: { ...headers, location: self } });
    if (place === "article")
      return answer(version === "v2" ? "application/json; charset=UTF-8" : "application/json;charset=utf-8", article(Number(id), version));
    if (place === "product") return Response.json({ ...product(Number(id), version), self, ...noise() }, { headers });
    return Response.json({ names: Array.from({ length: 5 }, (_, i) => `product ${i}`), ...noise() }, { headers });
  },
};
