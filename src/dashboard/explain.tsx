/** What would happen to a request, and why; no request leaves. */
import type { Session } from "../admin/session.ts";
import { groupPath, Post } from "./layout.tsx";
import type { Explained } from "./shapes.ts";

export interface Question {
  readonly method: string;
  readonly url: string;
  /** `name: value` lines */
  readonly headers: string;
}

/** What is no header is not sent. */
export function headersIn(lines: string): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [, name, value] of lines.matchAll(/^[ \t]*([^:\s]+)[ \t]*:[ \t]*(.*?)\s*$/gm)) {
    if (name !== "__proto__") headers[name!] = [...(headers[name!] ?? []), value!];
  }
  return headers;
}

export function ExplainForm({ name, session, asked }: { name: string; session: Session; asked: Question }) {
  return (
    <section aria-labelledby="explain-title">
      <h2 id="explain-title">Explain a request</h2>
      <Post to={groupPath(name, "/explain")} session={session}>
        <p>
          <label for="x-method">Method</label> <input id="x-method" name="method" value={asked.method} size={8} required />{" "}
          <label for="x-url">URL</label> <input id="x-url" name="url" type="url" value={asked.url} required class="wide" />
        </p>
        <p>
          <label for="x-headers">Headers, one a line</label>
          <textarea id="x-headers" name="headers" rows={3} placeholder="baggage: pr=123">
            {asked.headers}
          </textarea>
        </p>
        <button type="submit">Explain</button> <span class="hint">Nothing is sent.</span>
      </Post>
    </section>
  );
}

function HeaderList({ title, headers }: { title: string; headers: Readonly<Record<string, string>> | undefined }) {
  return (
    <details>
      <summary>{title}</summary>
      <ul>
        {Object.entries(headers ?? {}).map(([name, value]) => (
          <li>
            <code>
              {name}: {value}
            </code>
          </li>
        ))}
      </ul>
    </details>
  );
}

function sentTo({ answered, origin, servedBy }: Explained): string | null | undefined {
  if (answered) return `nobody: it is answered ${answered.status} ${answered.reason}, since ${answered.why}`;
  return origin && `${origin}, lane ${servedBy}`;
}

function fallbackOf({ answered, origin, fallback }: Explained): string {
  const { reason, onFailure, whyOnce } = fallback ?? { reason: null, onFailure: null, whyOnce: null };
  const now = reason === null ? "" : `Already falls back: ${reason}. `;
  const because = whyOnce === null ? "" : ` (${whyOnce})`;
  if (answered) return now;
  if (onFailure === null)
    return `${now}${origin ? `Nobody else is tried${because}: a failure goes to the client.` : "Nobody can serve it."}`;
  return `${now}If that fails, or has not answered after ${onFailure.afterMs / 1000} s: lane ${onFailure.lane}, ${onFailure.origin}`;
}

/** Term and description; what is empty is "none". */
function Facts({ facts }: { facts: Readonly<Record<string, string | number | null | undefined>> }) {
  return (
    <dl>
      {Object.entries(facts).map(([term, value]) => (
        <>
          <dt>{term}</dt>
          <dd>{value === "" ? "none" : (value ?? "none")}</dd>
        </>
      ))}
    </dl>
  );
}

export function Explanation({ explained }: { explained: Explained }) {
  const { group, revision, service, lane, reason, slot, visitor, rules = [], mirrors = [] } = explained;
  if (lane === undefined && reason === "admin") return <h1>It is for Laneway's own admin app, and goes to no origin</h1>;
  if (lane === undefined) return <h1>Nobody serves it: {reason}</h1>;
  return (
    <section>
      <h1>
        {service} in lane {lane}, because of {reason}
      </h1>
      <Facts
        facts={{
          Group: `${group}, revision ${revision}`,
          "Sent to": sentTo(explained),
          Fallback: fallbackOf(explained),
          Slot: slot,
          Visitor: visitor,
          Baggage: explained.baggage?.map(({ key, value }) => `${key}=${value}`).join(", "),
          "Headers that end here": explained.removedHeaders?.map(({ name, why }) => `${name}: ${why}`).join("; "),
          "Headers of the answer that end here": explained.removedResponseHeaders?.map(({ name }) => name).join(", "),
        }}
      />
      <h2>Rules, in order</h2>
      {rules.length === 0 && <p class="hint">The group has none.</p>}
      <ol>
        {rules.map((rule) => (
          <li>
            <strong>{rule.name}</strong> {rule.matched ? "matches" : "does not match"}: {rule.why}
          </li>
        ))}
      </ol>
      {mirrors.length > 0 && <h2>Mirrors</h2>}
      <ul>
        {mirrors.map((mirror) => (
          <li>
            <strong>{mirror.name}</strong> {mirror.sent ? "copies it" : "does not copy it"}: {mirror.why}
          </li>
        ))}
      </ul>
      <HeaderList title="Headers that the origin gets" headers={explained.requestHeaders} />
      <HeaderList title="Headers that the client gets from Laneway" headers={explained.responseHeaders} />
    </section>
  );
}
