/** A Worker like many others: notes in Workers KV. It knows nothing of lanes, copies or overlays. */
interface Env {
  readonly KV: KVNamespace;
}

interface About {
  readonly author: string;
}

const key = (pathname: string) => `note:${decodeURIComponent(pathname.slice("/notes/".length))}`;

async function put(request: Request, { KV }: Env, url: URL): Promise<Response> {
  const seconds = Number(url.searchParams.get("seconds"));
  const metadata: About = { author: request.headers.get("x-author") ?? "nobody" };
  try {
    await KV.put(key(url.pathname), request.body ?? "", { metadata, ...(seconds > 0 && { expirationTtl: seconds }) });
  } catch (error) {
    return new Response(error instanceof Error ? error.message : String(error), { status: 400 });
  }
  return new Response(null, { status: 204 });
}

async function read({ KV }: Env, url: URL): Promise<Response> {
  const { value, metadata } = await KV.getWithMetadata<About>(key(url.pathname), "stream");
  if (value === null) return new Response("no such note", { status: 404 });
  return new Response(value, { headers: { "x-author": metadata?.author ?? "nobody" } });
}

async function list({ KV }: Env, url: URL): Promise<Response> {
  const { searchParams } = url;
  const found = await KV.list<About>({
    prefix: `note:${searchParams.get("prefix") ?? ""}`,
    limit: Number(searchParams.get("limit") ?? 100),
    cursor: searchParams.get("cursor"),
  });
  const names = found.keys.map(({ name, metadata }) => ({ name: name.slice("note:".length), author: metadata?.author }));
  return Response.json({ notes: names, cursor: found.list_complete ? null : found.cursor });
}

/** Several notes at once, as text, and how many notes were ever counted, as JSON. */
async function several({ KV }: Env, url: URL): Promise<Response> {
  const keys = (url.searchParams.get("ids") ?? "").split(",").map((id) => `note:${id}`);
  const notes = await KV.get(keys);
  const count = (await KV.get<{ count: number }>("count", "json"))?.count ?? 0;
  await KV.put("count", JSON.stringify({ count: count + 1 }));
  return Response.json({ notes: Object.fromEntries(notes), count });
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/several") return several(env, url);
    if (!url.pathname.startsWith("/notes/")) return list(env, url);
    if (request.method === "PUT") return put(request, env, url);
    if (request.method !== "DELETE") return read(env, url);
    await env.KV.delete(key(url.pathname));
    return new Response(null, { status: 204 });
  },
};
