/** The npm package reflare with one route for everything. */
import useReflare from "reflare";

let reflare: Awaited<ReturnType<typeof useReflare>> | undefined;

export default {
  async fetch(request: Request, env: { ORIGIN: string }): Promise<Response> {
    if (reflare === undefined) {
      const { hostname, port } = new URL(env.ORIGIN);
      reflare = await useReflare({
        provider: "static",
        routeList: [{ path: "/*", upstream: { domain: hostname, port: Number(port), protocol: "http" } }],
      });
    }
    return reflare.handle(request);
  },
};
