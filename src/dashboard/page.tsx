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

/** What the API refused, in its words, and the way back. */
export function failed(c: Page, session: Session | null, status: number, { detail, problems, changes }: Refused): Response {
  return html(
    c,
    <Layout title="That did not work" session={session}>
      <h1>That did not work</h1>
      <Alert title={detail}>{problems && <ProblemList problems={problems} />}</Alert>
      {changes && changes.length > 0 && <ChangeList title="What changed since" changes={changes} />}
      <p>
        <a href={nameOf(c) === "" ? "/__lanes/" : groupPath(nameOf(c))}>Back to how it is now</a>
      </p>
    </Layout>,
    status,
  );
}

type Answer = (c: Page, session: Session, form: URLSearchParams) => Response | Promise<Response>;

export const page = (answer: Answer) => async (c: Page) => {
  if (!hasPages(c.env)) return problem("not-found");
  const session = sessionOf(c.req.raw, c.env, Date.now());
  if (session === null) return c.redirect("/__lanes/login", 303);
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
