/** What the pages' forms do: previews, and the writes that follow them. Each is one call of the API. */
import type { Hono } from "hono";
import type { Session } from "../admin/session.ts";
import type { Env } from "../edge/env.ts";
import { ask, groupApi, ifMatch, type Page } from "./ask.ts";
import { groupPath, Layout } from "./layout.tsx";
import { failed, html, nameOf, page } from "./page.tsx";
import type { Checked, GroupFile } from "./shapes.ts";
import { Preview } from "./weights.tsx";

interface Write {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function write(c: Page, session: Session, done: string, { method, path, body, headers = {} }: Write): Promise<Response> {
  const written = await ask<{ revision?: number } | null>(c, session, method, path, { body, headers });
  if (!written.ok) return failed(c, session, written.status, written.body);
  return c.redirect(`${groupPath(nameOf(c))}?done=${done}${written.body?.revision ? `&revision=${written.body.revision}` : ""}`, 303);
}

interface Shift {
  readonly weights: Readonly<Record<string, number>>;
  readonly reason: string;
  readonly revision: string;
}

/** `weight:<lane>` fields, in percent. */
function shiftIn(form: URLSearchParams): Shift {
  const fields = [...form].filter(([name]) => name.startsWith("weight:"));
  const weights = Object.fromEntries(fields.map(([name, value]) => [name.slice("weight:".length), Number(value)]));
  return { weights, reason: form.get("reason") ?? "", revision: form.get("revision") ?? "" };
}

/** The file with these shares, as the API will have it: the baseline takes the rest. Below 0 it refuses, and so does the check of this. */
function shifted({ published: _, ...file }: GroupFile, { weights }: Shift): object {
  const round = (share: number) => Math.round(share * 100) / 100;
  const rest = round(100 - Object.values(weights).reduce((sum, share) => sum + share, 0));
  const lanes = Object.entries(file.lanes).map(([name, lane]) => [
    name,
    { ...lane, weight: name === file.baseline ? rest : round(weights[name] ?? 0) },
  ]);
  return { ...file, lanes: Object.fromEntries(lanes) };
}

interface Confirmation {
  readonly to: string;
  readonly fields: Readonly<Record<string, string | number>>;
  readonly confirm: string;
}

/** @param query `?back=` a revision whose slots come back, too */
async function preview(c: Page, session: Session, file: unknown, confirmation: Confirmation, query = ""): Promise<Response> {
  const name = nameOf(c);
  const checked = await ask<Checked>(c, session, "POST", groupApi(name, `/check${query}`), { body: file });
  if (!checked.ok) return failed(c, session, checked.status, checked.body);
  const { problems } = checked.body;
  if (problems.length > 0)
    return failed(c, session, 422, { title: "invalid", detail: "This is not possible; nothing was written.", problems });
  return html(
    c,
    <Layout title={`Preview of ${name}`} session={session}>
      <Preview name={name} checked={checked.body} session={session} {...confirmation} />
    </Layout>,
  );
}

const previewWeights = page(async (c, session, form) => {
  const name = nameOf(c);
  const shift = shiftIn(form);
  const newest = await ask<GroupFile>(c, session, "GET", groupApi(name));
  if (!newest.ok) return failed(c, session, newest.status, newest.body);
  return await preview(c, session, shifted(newest.body, shift), {
    to: groupPath(name, "/weights"),
    fields: Object.fromEntries(form),
    confirm: `Confirm: ${shift.reason}`,
  });
});

const previewBack = page(async (c, session) => {
  const name = nameOf(c);
  const to = Number(c.req.param("revision"));
  const [newest, earlier] = await Promise.all([
    ask<GroupFile>(c, session, "GET", groupApi(name)),
    ask<{ file: unknown }>(c, session, "GET", groupApi(name, `/history/${to}`)),
  ]);
  if (!newest.ok) return failed(c, session, newest.status, newest.body);
  if (!earlier.ok) return failed(c, session, earlier.status, earlier.body);
  const confirmation = {
    to: groupPath(name, "/rollback"),
    fields: { revision: newest.body.published.revision, to, reason: `back to revision ${to}` },
    confirm: `Put back revision ${to}`,
  };
  return await preview(c, session, earlier.body.file, confirmation, `?back=${to}`);
});

/** Publishes the newest file again, with what `change` makes of it. */
const republish = (done: string, change: (file: object, form: URLSearchParams) => { file: object; reason: string }) =>
  page(async (c, session, form) => {
    const newest = await ask<GroupFile>(c, session, "GET", groupApi(nameOf(c)));
    if (!newest.ok) return failed(c, session, newest.status, newest.body);
    const { published, ...plain } = newest.body;
    const { file, reason } = change(plain, form);
    const headers = { ...ifMatch(form.get("revision") ?? published.revision), "x-reason": encodeURIComponent(reason) };
    return await write(c, session, done, { method: "PUT", path: groupApi(nameOf(c)), body: file, headers });
  });

type Mirror = { readonly name: string; readonly compare?: { readonly ignore?: readonly string[] } };

function ignoring(file: { readonly mirrors?: readonly Mirror[] }, form: URLSearchParams) {
  const [name, path] = [form.get("mirror") ?? "", form.get("path") ?? ""];
  const mirrors = (file.mirrors ?? []).map((mirror) => {
    if (mirror.name !== name) return mirror;
    return { ...mirror, compare: { ...mirror.compare, ignore: [...(mirror.compare?.ignore ?? []), path] } };
  });
  return { file: { ...file, mirrors }, reason: `ignore ${path} in ${name}` };
}

const turn = (done: "off" | "on") =>
  page((c, session, form) => {
    const body = { groups: [nameOf(c)], reason: form.get("reason") ?? "" };
    return write(c, session, done, { method: done === "off" ? "PUT" : "DELETE", path: "/api/off", body });
  });

export function addWrites(pages: Hono<{ Bindings: Env }>): void {
  const group = "/__lanes/g/:name";
  pages.post(`${group}/preview`, previewWeights);
  pages.get(`${group}/back/:revision`, previewBack);
  pages.post(
    `${group}/weights`,
    page((c, session, form) => {
      const { weights, reason, revision } = shiftIn(form);
      const path = groupApi(nameOf(c), "/weights");
      return write(c, session, "weights", { method: "POST", path, body: { weights, reason }, headers: ifMatch(revision) });
    }),
  );
  pages.post(
    `${group}/rollback`,
    page((c, session, form) => {
      const body = { revision: Number(form.get("to")), reason: form.get("reason") ?? "" };
      const path = groupApi(nameOf(c), "/rollback");
      return write(c, session, "rollback", { method: "POST", path, body, headers: ifMatch(form.get("revision")) });
    }),
  );
  pages.post(`${group}/off`, turn("off"));
  pages.post(`${group}/on`, turn("on"));
  pages.post(
    `${group}/adopt`,
    republish("adopt", (file) => ({ file, reason: "adopt the change that was made outside" })),
  );
  pages.post(`${group}/ignore`, republish("ignore", ignoring));
  pages.post(
    `${group}/forget`,
    page((c, session) => write(c, session, "forget", { method: "DELETE", path: groupApi(nameOf(c), "/differences") })),
  );
}
