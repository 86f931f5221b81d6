/** What would happen to a request, and why; no request leaves. */
import type { Session } from "../admin/session.ts";

export interface Explained {
  readonly group: string | null;
  readonly service?: string;
  readonly lane?: string;
  readonly reason: string;
  readonly slot?: number | null;
  readonly origin?: string | null;
  readonly servedBy?: string | null;
  readonly rules?: readonly { readonly name: string; readonly matched: boolean; readonly why: string }[];
  readonly mirrors?: readonly { readonly name: string; readonly sent: boolean; readonly why: string }[];
  readonly removedHeaders?: readonly string[];
  readonly requestHeaders?: Readonly<Record<string, string>>;
}

export function ExplainForm({
  name,
  host,
  session,
  asked,
}: {
  name: string;
  host: string;
  session: Session;
  asked?: { url: string; method: string; headers: string };
}) {
  return (
    <section aria-labelledby="explain-title">
      <h2 id="explain-title">Explain a request</h2>
      <form method="post" action={`/__lanes/g/${name}/explain`} class="explain">
        <input type="hidden" name="form" value={session.form} />
        <p>
          <label for="x-method">Method</label> <input id="x-method" name="method" value={asked?.method ?? "GET"} size={8} required />{" "}
          <label for="x-url">URL</label>{" "}
          <input id="x-url" name="url" type="url" value={asked?.url ?? `https://${host}/`} required class="wide" />
        </p>
        <p>
          <label for="x-headers">Headers, one a line</label>
          <textarea id="x-headers" name="headers" rows={3} placeholder="baggage: pr=123">
            {asked?.headers ?? ""}
          </textarea>
        </p>
        <button type="submit">Explain</button>
      </form>
    </section>
  );
}

export function Explanation({ explained }: { explained: Explained }) {
  const { group, service, lane, reason, slot, origin, servedBy, rules, mirrors, removedHeaders, requestHeaders } = explained;
  return (
    <section aria-labelledby="answer-title">
      <h2 id="answer-title">{lane === undefined ? `Nobody serves it: ${reason}` : `${service} in lane ${lane}, because of ${reason}`}</h2>
      <dl>
        <dt>Group</dt>
        <dd>{group ?? "none"}</dd>
        <dt>Slot</dt>
        <dd>{slot ?? "none"}</dd>
        <dt>Sent to</dt>
        <dd>
          {origin ?? "nobody"} {servedBy && `(lane ${servedBy})`}
        </dd>
        <dt>Headers that end here</dt>
        <dd>{removedHeaders?.length ? removedHeaders.join(", ") : "none"}</dd>
      </dl>
      {rules && rules.length > 0 && (
        <>
          <h3>Rules, in order</h3>
          <ol>
            {rules.map((rule) => (
              <li>
                <strong>{rule.name}</strong> {rule.matched ? "matches" : "does not match"}: {rule.why}
              </li>
            ))}
          </ol>
        </>
      )}
      {mirrors && mirrors.length > 0 && (
        <>
          <h3>Mirrors</h3>
          <ul>
            {mirrors.map((mirror) => (
              <li>
                <strong>{mirror.name}</strong> {mirror.sent ? "copies it" : `does not: ${mirror.why}`}
              </li>
            ))}
          </ul>
        </>
      )}
      {requestHeaders && (
        <details>
          <summary>Headers the origin gets</summary>
          <ul>
            {Object.entries(requestHeaders).map(([name, value]) => (
              <li>
                <code>
                  {name}: {value}
                </code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
