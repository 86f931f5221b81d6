/** The pages under `/__lanes/` (contract section 9): only on `ADMIN_HOST` or in the local run, behind a login, working without a script. */
import { Hono } from "hono/tiny";
import { hasPages, type Session } from "../admin/session.ts";
import type { Env } from "../edge/env.ts";
import { problem } from "../edge/respond.ts";
import { ask, groupApi, type Page } from "./ask.ts";
import { ExplainForm, Explanation, headersIn } from "./explain.tsx";
import { GroupPage } from "./group-page.tsx";
import { HistoryTable } from "./history.tsx";
import { Alert, groupPath, Layout, ProblemList } from "./layout.tsx";
import { GroupsPage, LoginPage } from "./list.tsx";
import { Endpoints } from "./mirrors.tsx";
import { failed, html, nameOf, page, unforeseen } from "./page.tsx";
import { SCRIPT } from "./script.ts";
import type { Differences, Explained, GroupFile, GroupList, Health, History } from "./shapes.ts";
import { STYLE } from "./style.ts";
import { groupView } from "./view.ts";
import { addWrites } from "./writes.tsx";

export const pages = new Hono<{ Bindings: Env }>();

const asset = (text: string, type: string) => (c: Page) =>
  hasPages(c.env) ? new Response(text, { headers: { "content-type": `${type}; charset=utf-8` } }) : problem("not-found");
pages.get("/__lanes/page.css", asset(STYLE, "text/css"));
pages.get("/__lanes/page.js", asset(SCRIPT, "text/javascript"));

/** What a person types: `ADMIN_HOST` alone. */
pages.get("/", (c) => (hasPages(c.env) ? c.redirect("/__lanes/", 303) : problem("not-found")));

pages.get("/__lanes/login", (c) => {
  if (!hasPages(c.env)) return problem("not-found");
  const access = c.env.ACCESS_TEAM !== undefined && c.env.ACCESS_AUD !== undefined;
  return html(
    c,
    <LoginPage
      failed={c.req.query("failed") !== undefined}
      access={access}
      local={c.env.ADMIN_HOST === undefined}
      to={c.req.query("to") ?? ""}
    />,
  );
});

pages.get(
  "/__lanes/",
  page(async (c, session) => {
    const [list, health] = await Promise.all([ask<GroupList>(c, session, "GET", "/api/groups"), ask<Health>(c, session, "GET", "/health")]);
    return html(c, <GroupsPage list={list} health={health} session={session} />);
  }),
);

pages.get(
  "/__lanes/g/:name",
  page(async (c, session) => {
    const view = await groupView(c, session, nameOf(c));
    if (!view.ok) return failed(c, session, view.status, view.body);
    return html(
      c,
      <GroupPage view={view.body} session={session} done={{ done: c.req.query("done") ?? "", revision: c.req.query("revision") ?? "" }} />,
    );
  }),
);

const Back = ({ name }: { name: string }) => (
  <p>
    <a href={groupPath(name)}>Back to {name}</a>
  </p>
);

pages.get(
  "/__lanes/g/:name/history",
  page(async (c, session) => {
    const name = nameOf(c);
    const before = Number(c.req.query("before") ?? Number.MAX_SAFE_INTEGER);
    const [newest, past] = await Promise.all([
      ask<GroupFile>(c, session, "GET", groupApi(name)),
      ask<History>(c, session, "GET", groupApi(name, `/history?limit=100&before=${before}`)),
    ]);
    if (!newest.ok) return failed(c, session, newest.status, newest.body);
    if (!past.ok) return failed(c, session, past.status, past.body);
    const { revision } = newest.body.published;
    return html(
      c,
      <Layout title={`History of ${name}`} session={session}>
        <h1>{name}</h1>
        <HistoryTable name={name} history={past.body} current={revision} session={session} now={Date.now()} />
        <Back name={name} />
      </Layout>,
    );
  }),
);

pages.get(
  "/__lanes/g/:name/differences",
  page(async (c, session) => {
    const name = nameOf(c);
    const found = await ask<Differences>(c, session, "GET", groupApi(name, "/differences"));
    if (!found.ok) return failed(c, session, found.status, found.body);
    return html(
      c,
      <Layout title={`Differences of ${name}`} session={session}>
        <h1>{name}: all differences</h1>
        {found.body.endpoints.length === 0 && <p class="hint">Nothing was compared yet.</p>}
        <Endpoints name={name} differences={found.body} session={session} now={Date.now()} whole />
        <Back name={name} />
      </Layout>,
    );
  }),
);

async function explain(c: Page, session: Session, form: URLSearchParams): Promise<Response> {
  const name = nameOf(c);
  const asked = { method: form.get("method") ?? "GET", url: form.get("url") ?? "", headers: form.get("headers") ?? "" };
  const body = { ...asked, headers: headersIn(asked.headers) };
  const answer = await ask<Explained>(c, session, "POST", "/api/explain", { body });
  return html(
    c,
    <Layout title="Explain" session={session}>
      {answer.ok ? (
        <Explanation explained={answer.body} />
      ) : (
        <Alert title={answer.body.detail}>
          <ProblemList problems={answer.body.problems ?? []} />
        </Alert>
      )}
      <ExplainForm name={name} session={session} asked={asked} />
      <Back name={name} />
    </Layout>,
    answer.ok ? 200 : answer.status,
  );
}
pages.post("/__lanes/g/:name/explain", page(explain));

addWrites(pages);
pages.onError(unforeseen);
