/** The pages under `/__lanes/` (contract section 9): only on `ADMIN_HOST` or in the local run, behind a login, working without a script. */
import { Hono } from "hono";
import type { Child } from "hono/jsx";
import { hasPages, type Session } from "../admin/session.ts";
import type { Env } from "../edge/env.ts";
import { problem } from "../edge/respond.ts";
import { ask, mayPost, type Page, sessionOfPage } from "./ask.ts";
import { type Explained, ExplainForm, Explanation } from "./explain.tsx";
import { GroupPage, type GroupView } from "./group-page.tsx";
import { Alert, Layout, PAGE_HEADERS, ProblemList, percent } from "./layout.tsx";
import { SCRIPT } from "./script.ts";
import type { Checked, Differences, GroupFile, GroupList, History, Refused, Stats } from "./shapes.ts";
import { STYLE } from "./style.ts";
import { Preview, type Shift } from "./weights.tsx";

export const pages = new Hono<{ Bindings: Env }>();

const html = (c: Page, body: Child, status: 200 | 403 | 404 | 409 | 422 | 502 = 200) => {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) c.header(name, value);
  return c.html(body as string, status);
};

const asset = (text: string, type: string) => new Response(text, { headers: { "content-type": type, "cache-control": "max-age=300" } });
pages.get("/__lanes/page.css", (c) => (hasPages(c.env) ? asset(STYLE, "text/css") : problem("not-found")));
pages.get("/__lanes/page.js", (c) => (hasPages(c.env) ? asset(SCRIPT, "text/javascript") : problem("not-found")));

pages.get("/__lanes/login", (c) => {
  if (!hasPages(c.env)) return problem("not-found");
  return html(
    c,
    <Layout title="Log in" session={null}>
      <h1>Log in</h1>
      {c.req.query("failed") !== undefined && <Alert title="This token is not known." />}
      <form method="post" action="/__lanes/login">
        <p>
          <label for="token">Admin token, or read token</label>{" "}
          <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
        </p>
        <button type="submit">Log in</button>
      </form>
    </Layout>,
  );
});

type Answer = (c: Page, session: Session, form: URLSearchParams) => Promise<Response>;

/** Everything else needs a session; what is posted must come from a form of ours. */
const page = (answer: Answer) => async (c: Page) => {
  if (!hasPages(c.env)) return problem("not-found");
  const session = sessionOfPage(c);
  if (session === null) return c.redirect("/__lanes/login", 303);
  if (c.req.method === "GET") return await answer(c, session, new URLSearchParams());
  const form = new URLSearchParams(await c.req.text());
  if (!mayPost(c, session, form))
    return failed(c, session, { title: "cross-site", detail: "This form did not come from Laneway's own page. Reload it and try again." });
  return await answer(c, session, form);
};

const nameOf = (c: Page) => c.req.param("name") ?? "";
const api = (c: Page, rest = "") => `/api/groups/${encodeURIComponent(nameOf(c))}${rest}`;
const back = (c: Page, done: string) => c.redirect(`/__lanes/g/${nameOf(c)}?done=${encodeURIComponent(done)}`, 303);

function failed(c: Page, session: Session, refused: Refused): Response | Promise<Response> {
  return html(
    c,
    <Layout title="That did not work" session={session}>
      <h1>That did not work</h1>
      <Alert title={refused.detail}>{refused.problems && <ProblemList problems={refused.problems} />}</Alert>
      <p>
        <a href={nameOf(c) === "" ? "/__lanes/" : `/__lanes/g/${nameOf(c)}`}>Back to the group as it is now</a>
      </p>
    </Layout>,
    409,
  );
}

pages.get(
  "/__lanes/",
  page(async (c, session) => {
    const { body } = await ask<GroupList>(c, session, "GET", "/api/groups");
    const groups = body.groups ?? [];
    return await html(
      c,
      <Layout title="Groups" session={session}>
        <h1>Lane groups</h1>
        {groups.length === 0 && (
          <p class="hint">
            There is no group yet. Write a first lane file with <code>npx lanes init</code>, then publish it with{" "}
            <code>npx lanes publish</code>.
          </p>
        )}
        <ul class="groups">
          {groups.map((group) => (
            <li>
              <h2>
                <a href={`/__lanes/g/${group.name}`}>{group.name}</a>{" "}
                {(body.off === "*" || body.off.includes(group.name)) && <span class="tag">off</span>}
              </h2>
              <p>{group.lanes?.map((lane) => `${lane.name} ${percent(lane.percent)}`).join(", ") ?? "not in force here yet"}</p>
              <p class="hint">{group.hosts?.join(", ")}</p>
            </li>
          ))}
        </ul>
      </Layout>,
    );
  }),
);

/** Null: there is no such group, or what is published is no lane file. */
async function view(c: Page, session: Session): Promise<GroupView | Refused> {
  const file = await ask<GroupFile & Refused>(c, session, "GET", api(c));
  if (file.status !== 200) return file.body;
  if (file.body.unreadable !== undefined)
    return {
      title: "unreadable",
      detail: "The newest value in KV is no lane file. The last good one serves. Publish a whole file, or roll back.",
    };
  const { published: _, ...plain } = file.body;
  const [list, stats, checked, history, differences] = await Promise.all([
    ask<GroupList>(c, session, "GET", "/api/groups"),
    ask<Stats>(c, session, "GET", api(c, "/stats")),
    ask<Checked>(c, session, "POST", api(c, "/check"), plain),
    ask<History>(c, session, "GET", api(c, "/history?limit=20")),
    ask<Differences>(c, session, "GET", api(c, "/differences")),
  ]);
  const done = c.req.query("done")?.slice(0, 200) ?? null;
  return {
    file: file.body,
    list: list.body,
    stats: stats.body,
    checked: checked.body,
    history: history.body,
    differences: differences.body,
    session,
    now: Date.now(),
    done,
  };
}

pages.get(
  "/__lanes/g/:name",
  page(async (c, session) => {
    const found = await view(c, session);
    return "file" in found ? await html(c, <GroupPage view={found} />) : await failed(c, session, found);
  }),
);

/** `weight:<lane>` fields, in percent. */
function shiftIn(form: URLSearchParams): Shift {
  const weights: Record<string, number> = {};
  for (const [name, value] of form) if (name.startsWith("weight:")) weights[name.slice("weight:".length)] = Number(value);
  return { weights, reason: (form.get("reason") ?? "").slice(0, 200), revision: Number(form.get("revision")) };
}

/** The file with these shares; the baseline takes the rest, as the API would have it. */
function shifted(file: GroupFile, { weights }: Shift): object {
  const { published: _, ...plain } = file;
  const rest = 100 - Object.values(weights).reduce((sum, share) => sum + share, 0);
  const lanes = Object.fromEntries(
    Object.entries(file.lanes).map(([name, lane]) => [
      name,
      { ...lane, weight: Math.max(0, Math.round((name === file.baseline ? rest : (weights[name] ?? 0)) * 100) / 100) },
    ]),
  );
  return { ...plain, lanes };
}

pages.post(
  "/__lanes/g/:name/preview",
  page(async (c, session, form) => {
    const shift = shiftIn(form);
    const file = await ask<GroupFile & Refused>(c, session, "GET", api(c));
    if (file.status !== 200) return await failed(c, session, file.body);
    const checked = await ask<Checked & Refused>(c, session, "POST", api(c, "/check"), shifted(file.body, shift));
    const { problems } = checked.body;
    if (checked.status !== 200 || problems.length > 0)
      return await failed(c, session, {
        title: "invalid",
        detail: checked.body.detail ?? "These shares are not possible; nothing was written.",
        problems,
      });
    return await html(
      c,
      <Layout title={`Preview of ${nameOf(c)}`} session={session}>
        <Preview file={file.body} shift={shift} checked={checked.body} session={session} />
      </Layout>,
    );
  }),
);

const ifMatch = (revision: string | number | null) => ({ "if-match": `"${Number(revision)}"` });

/** One write of the API, and back to the group with what was done. */
async function write(
  c: Page,
  session: Session,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
  done: string,
): Promise<Response> {
  const written = await ask<Refused>(c, session, method, path, body, headers);
  return written.status < 300 ? back(c, done) : await failed(c, session, written.body);
}

pages.post(
  "/__lanes/g/:name/weights",
  page((c, session, form) => {
    const { weights, reason, revision } = shiftIn(form);
    return write(
      c,
      session,
      "POST",
      api(c, "/weights"),
      { weights, reason },
      ifMatch(revision),
      "The weights are published; isolates follow within about a minute and a half.",
    );
  }),
);

pages.post(
  "/__lanes/g/:name/rollback",
  page((c, session, form) => {
    const body = { revision: Number(form.get("to")), reason: form.get("reason") ?? "" };
    return write(
      c,
      session,
      "POST",
      api(c, "/rollback"),
      body,
      ifMatch(form.get("revision")),
      `Revision ${body.revision} is put back, as a new revision.`,
    );
  }),
);

const turn = (method: "PUT" | "DELETE", done: string) =>
  page((c, session, form) => write(c, session, method, "/api/off", { groups: [nameOf(c)], reason: form.get("reason") ?? "" }, {}, done));
pages.post("/__lanes/g/:name/off", turn("PUT", "Everything goes to the baseline."));
pages.post("/__lanes/g/:name/on", turn("DELETE", "The lanes are on again."));

pages.post(
  "/__lanes/g/:name/forget",
  page((c, session) => write(c, session, "DELETE", api(c, "/differences"), undefined, {}, "All differences and samples are deleted.")),
);

pages.post(
  "/__lanes/g/:name/ignore",
  page(async (c, session, form) => {
    const [mirror, path] = [form.get("mirror") ?? "", form.get("path") ?? ""];
    const file = await ask<GroupFile & Refused>(c, session, "GET", api(c));
    if (file.status !== 200) return await failed(c, session, file.body);
    const { published, ...plain } = file.body;
    const mirrors = (plain.mirrors ?? []).map((each) => {
      if (each.name !== mirror) return each;
      const compare = (each as { compare?: { ignore?: string[] } }).compare ?? {};
      return { ...each, compare: { ...compare, ignore: [...(compare.ignore ?? []), path] } };
    });
    const headers = { ...ifMatch(published.revision), "x-reason": encodeURIComponent(`ignore ${path} in ${mirror}`) };
    return await write(c, session, "PUT", api(c), { ...plain, mirrors }, headers, `${mirror} ignores ${path} from now on.`);
  }),
);

/** `name: value` lines; what is none is not sent. */
function headersIn(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).map((line) => /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line));
  return Object.fromEntries(lines.flatMap((line) => (line ? [[line[1]!, line[2]!]] : [])));
}

pages.post(
  "/__lanes/g/:name/explain",
  page(async (c, session, form) => {
    const asked = { method: form.get("method") ?? "GET", url: form.get("url") ?? "", headers: form.get("headers") ?? "" };
    const answer = await ask<Explained & Refused>(c, session, "POST", "/api/explain", { ...asked, headers: headersIn(asked.headers) });
    if (answer.status !== 200) return await failed(c, session, answer.body);
    return await html(
      c,
      <Layout title="Explain" session={session}>
        <p>
          <a href={`/__lanes/g/${nameOf(c)}`}>Back to {nameOf(c)}</a>
        </p>
        <Explanation explained={answer.body} />
        <ExplainForm name={nameOf(c)} host="" session={session} asked={asked} />
      </Layout>,
    );
  }),
);
