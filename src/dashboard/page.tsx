/** What holds for all pages: they exist only where contract section 9 has them, need a session, and take forms from ourselves alone. */
import type { Child } from "hono/jsx";
import { readText } from "../admin/body.ts";
import { hasPages, isOwnForm, isSameOrigin, type Session, sessionOf } from "../admin/session.ts";
import { problem } from "../edge/respond.ts";
import type { Page } from "./ask.ts";
import { Alert, groupPath, Layout, PAGE_HEADERS, ProblemList } from "./layout.tsx";
import type { Refused } from "./shapes.ts";
import { ChangeList } from "./weights.tsx";

export function html(c: Page, body: Child, status = 200): Response {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) c.header(name, value);
  return c.html(`<!doctype html>${body}`, status as 200);
}

export const nameOf = (c: Page): string => c.req.param("name") ?? "";

const HEADINGS: Readonly<Record<string, string>> = { "no-group": "No such group", "not-found": "No such page" };

/** What the API refused, in its words, and the way back. */
export function failed(c: Page, session: Session | null, status: number, { title, detail, problems, changes }: Refused): Response {
  const heading = HEADINGS[title] ?? "That did not work";
  const there = nameOf(c) !== "" && HEADINGS[title] === undefined;
  return html(
    c,
    <Layout title={heading} session={session}>
      <h1>{heading}</h1>
      <Alert title={detail}>{problems && <ProblemList problems={problems} />}</Alert>
      {changes && changes.length > 0 && <ChangeList title="What changed since" changes={changes} />}
      <p>{there ? <a href={groupPath(nameOf(c))}>Back to how it is now</a> : <a href="/__lanes/">All groups</a>}</p>
    </Layout>,
    status,
  );
}

/** A person in a browser reads a page where a script would read JSON. */
const isForPerson = ({ method, url, headers }: Request): boolean =>
  /^(?:GET|POST)$/.test(method) &&
  /\btext\/html\b/.test(headers.get("accept") ?? "") &&
  !/^\/__lanes\/(?:api|metrics|health)\b/.test(new URL(url).pathname);

/** An answer of the API, as a page for a person. */
export async function forPerson(c: Page, answer: Response): Promise<Response> {
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  if (!isProblem || !hasPages(c.env) || !isForPerson(c.req.raw)) return answer;
  return failed(c, sessionOf(c.req.raw, c.env, Date.now()), answer.status, await answer.json<Refused>());
}

/** The page that was asked for, or the group's whose form was sent. */
function wanted(c: Page): string {
  const { pathname, search } = new URL(c.req.url);
  if (c.req.method === "GET") return `${pathname}${search}`;
  return nameOf(c) === "" ? "/__lanes/" : groupPath(nameOf(c));
}

/**
 * A link on another site brings no `SameSite=Strict` cookie along, though there may be one (RFC 6265bis, section 5.2): our own page asks
 * again, and then it comes.
 */
function AskAgain({ to }: { to: string }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="refresh" content={`0;url=${to}`} />
        <title>Laneway</title>
      </head>
      <body>
        <a href={to}>Go on</a>
      </body>
    </html>
  );
}

type Answer = (c: Page, session: Session, form: URLSearchParams) => Response | Promise<Response>;

export const page = (answer: Answer) => async (c: Page) => {
  if (!hasPages(c.env)) return problem("not-found");
  const session = sessionOf(c.req.raw, c.env, Date.now());
  const to = wanted(c);
  if (session === null && c.req.method === "GET" && c.req.header("sec-fetch-site") === "cross-site") return html(c, <AskAgain to={to} />);
  if (session === null) return c.redirect(`/__lanes/login${to === "/__lanes/" ? "" : `?to=${encodeURIComponent(to)}`}`, 303);
  if (c.req.method === "GET") return await answer(c, session, new URLSearchParams());
  const text = await readText(c.req.raw);
  if (!text.ok) return text.error;
  const form = new URLSearchParams(text.value);
  if (isSameOrigin(c.req.raw) && isOwnForm(session, form.get("form"))) return await answer(c, session, form);
  const detail = "This form did not come from Laneway's own page, or from an earlier login. Go back, reload, and try again.";
  return failed(c, session, 403, { title: "cross-site", detail });
};

/** Even what nobody foresaw is a page that says where to go. */
export function unforeseen(error: Error, c: Page): Response {
  console.error(JSON.stringify({ error: "page", message: error.message }));
  const detail = "This page could not be made. The router itself is not concerned; its log says why.";
  return failed(c, null, 500, { title: "internal", detail });
}
