import { expect, it } from "vitest";
import { GROUPS } from "../../src/demo/cast.ts";
import { freePort, startLocalRun } from "../../src/demo/local-run.ts";

it("opens the running demo's dashboard with the token that it prints", { timeout: 60_000 }, async () => {
  const run = await startLocalRun({ port: await freePort(0), onLog: () => {} });
  const url = `http://127.0.0.1:${run.port}/__lanes`;
  const sent = { method: "POST", redirect: "manual", headers: { "sec-fetch-site": "same-origin" } } as const;
  const login = await fetch(`${url}/login`, { ...sent, body: new URLSearchParams({ token: run.adminToken }) });
  const headers = { cookie: login.headers.get("set-cookie")!.split(";")[0]! };
  for (const group of GROUPS) {
    const page = await (await fetch(`${url}/g/${group}`, { headers })).text();
    expect(page).toContain("Revision 2 by npm run demo");
    expect(page).not.toContain('id="outside"');
  }
  await run.dispose();
});
