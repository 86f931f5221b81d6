/** Who changed what, and the way back. */
import type { Session } from "../admin/session.ts";
import { concerns } from "../core/switched.ts";
import { Ago, groupPath, Hidden, Table, who } from "./layout.tsx";
import type { History } from "./shapes.ts";

interface HistoryProps {
  readonly name: string;
  readonly history: History;
  readonly current: number;
  readonly session: Session;
  readonly now: number;
}

/** What was done without a revision. */
function Others({ name, history, now }: { name: string; history: History; now: number }) {
  const entries = [...history.audit.filter(({ to }) => to === null), ...history.switches.filter(concerns(name))];
  if (entries.length === 0) return null;
  return (
    <details>
      <summary>Switches and deletions</summary>
      <Table label="Switches and deletions" caption="Newest first." head={["When", "Who", "What", "Reason"]}>
        {entries
          .toSorted((a, b) => (a.at < b.at ? 1 : -1))
          .map(({ at, by, action, reason }) => (
            <tr>
              <td>
                <Ago at={at} now={now} />
              </td>
              <td>{who(by)}</td>
              <td>{action}</td>
              <td>{reason}</td>
            </tr>
          ))}
      </Table>
    </details>
  );
}

/** Anybody can be refused, so these stand apart from what was done. */
function Refused({ refused, now }: { refused: History["refused"]; now: number }) {
  if (refused.length === 0) return null;
  return (
    <details>
      <summary>Refused writes</summary>
      <Table label="Refused writes" caption="Newest first. Names are as they were claimed." head={["Last", "Times", "Who", "What"]}>
        {refused.map(({ at, times, by, action }) => (
          <tr>
            <td>
              <Ago at={at} now={now} />
            </td>
            <td>{times}</td>
            <td>{by}</td>
            <td>{action}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}

const HEAD = ["Revision", "When", "Who", "What", "Reason", <Hidden>Action</Hidden>];

export function HistoryTable({ name, history, current, session, now }: HistoryProps) {
  const actions = new Map(history.audit.map(({ to, action }) => [to, action]));
  const last = history.revisions.at(-1)?.revision ?? 1;
  return (
    <section id="history" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      <Table label="Revisions" caption="Newest first. A rollback is a new revision; nothing is ever rewritten." head={HEAD}>
        {history.revisions.map(({ revision, at, by, reason, broken }) => (
          <tr>
            <th scope="row">{revision}</th>
            <td>
              {by === "kv" && "seen "}
              <Ago at={at} now={now} />
            </td>
            <td>{who(by)}</td>
            <td>{actions.get(revision)}</td>
            <td>{reason}</td>
            <td>
              {revision === current && <span class="tag">current</span>} {broken && <span class="tag bad">no lane file</span>}
              {revision !== current && !broken && session.scope === "write" && (
                <a href={groupPath(name, `/back/${revision}`)}>
                  Put back<Hidden> revision {revision}</Hidden> …
                </a>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {last > 1 && history.revisions.length > 1 && (
        <p>
          <a href={groupPath(name, `/history?before=${last}`)}>Older revisions</a>
        </p>
      )}
      <Others name={name} history={history} now={now} />
      <Refused refused={history.refused} now={now} />
    </section>
  );
}
