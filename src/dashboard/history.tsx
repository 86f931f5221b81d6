/** Who changed what, and the way back. */
import type { Session } from "../admin/session.ts";
import { Ago } from "./layout.tsx";
import type { GroupFile, History } from "./shapes.ts";

export function HistoryTable({ file, history, session, now }: { file: GroupFile; history: History; session: Session; now: number }) {
  const current = file.published.revision;
  const actions = new Map(history.audit.map((entry) => [entry.to, entry.action]));
  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      <section class="scroll" tabindex={0} aria-label="Revisions, a table">
        <table>
          <caption>Newest first. A rollback is a new revision; nothing is ever rewritten.</caption>
          <thead>
            <tr>
              {["Revision", "When", "Who", "What", "Reason", ""].map((title) => (
                <th scope="col">{title === "" ? <span class="hidden">Action</span> : title}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {history.revisions.map((revision) => (
              <tr>
                <th scope="row">{revision.revision}</th>
                <td>
                  <Ago at={revision.at} now={now} />
                </td>
                <td>{revision.by === "kv" ? "changed outside" : revision.by}</td>
                <td>{actions.get(revision.revision) ?? "publish"}</td>
                <td>{revision.reason}</td>
                <td>
                  {revision.revision === current ? (
                    <span class="tag">current</span>
                  ) : (
                    session.scope === "write" && (
                      <form method="post" action={`/__lanes/g/${file.name}/rollback`}>
                        <input type="hidden" name="form" value={session.form} />
                        <input type="hidden" name="revision" value={String(current)} />
                        <input type="hidden" name="to" value={String(revision.revision)} />
                        <input type="hidden" name="reason" value={`back to revision ${revision.revision}`} />
                        <button type="submit" class="quiet">
                          Put back <span class="hidden">revision {revision.revision}</span>
                        </button>
                      </form>
                    )
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
