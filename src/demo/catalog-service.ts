/**
 * A catalog in two versions that should answer alike. Three fields never do, whatever the version: the time, an id of the request and the
 * order of the tags. And v2 has forgotten that every third product is reduced.
 */
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

export default {
  fetch(request: Request, { version }: Env): Response {
    const { pathname } = new URL(request.url);
    const id = /^\/product\/(\d+)$/.exec(pathname)?.[1];
    if (id !== undefined) return Response.json({ ...product(Number(id), version), ...noise() });
    return Response.json({ names: Array.from({ length: 5 }, (_, i) => `product ${i}`), ...noise() });
  },
};
