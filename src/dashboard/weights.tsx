/** Shifting weights: a form, its preview, the confirmation; and the big switch. All of it works without a script. */
import type { Session } from "../admin/session.ts";
import { groupPath, Post, ProblemList, percent, Table } from "./layout.tsx";
import type { Change, Checked, GroupFile, Stats } from "./shapes.ts";

interface WeightsProps {
  readonly name: string;
  readonly file: GroupFile;
  readonly stats: Stats;
  readonly session: Session;
  /** The revision before the newest; null: there is none. */
  readonly previous: number | null;
}

export function WeightsForm({ name, file, stats, session, previous }: WeightsProps) {
  const share = (lane: string) => stats.visitors.find((each) => each.lane === lane)?.configured ?? 0;
  const { revision } = file.published;
  const disabled = session.scope !== "write";
  const undo = { revision, to: previous ?? 0, reason: `undo of revision ${revision}` };
  return (
    <section aria-labelledby="weights-title" class="weights">
      <h2 id="weights-title">Weights</h2>
      <form method="post" action={groupPath(name, "/preview")} data-weights>
        <input type="hidden" name="form" value={session.form} />
        <input type="hidden" name="revision" value={String(revision)} />
        {Object.keys(file.lanes).map((lane) =>
          lane === file.baseline ? (
            <p>
              <span class="name">{lane}</span> <output data-rest>{percent(share(lane))}</output>{" "}
              <span class="hint">the baseline takes the rest</span>
            </p>
          ) : (
            <p>
              <label for={`w-${lane}`} class="name">
                {lane}
              </label>{" "}
              <input
                id={`w-${lane}`}
                type="number"
                name={`weight:${lane}`}
                min="0"
                max="100"
                step="0.01"
                value={String(share(lane))}
                required
                disabled={disabled}
              />{" "}
              %
            </p>
          ),
        )}
        <p>
          <label for="reason" class="name">
            Reason
          </label>{" "}
          <input id="reason" name="reason" maxlength={200} required placeholder="why now" disabled={disabled} />
        </p>
        <button type="submit" disabled={disabled}>
          Preview
        </button>
        {disabled && <span class="hint"> Log in with the admin token to write.</span>}
      </form>
      {previous !== null && !disabled && (
        <Post to={groupPath(name, "/rollback")} session={session} fields={undo}>
          <button type="submit" class="quiet">
            Undo revision {revision}
          </button>
        </Post>
      )}
    </section>
  );
}

export function OffSwitch({ name, off, session }: { name: string; off: boolean; session: Session }) {
  if (session.scope !== "write") return null;
  return (
    <Post to={groupPath(name, off ? "/on" : "/off")} session={session} class="switch">
      <label for="off-reason">Reason</label> <input id="off-reason" name="reason" maxlength={200} required />
      <button type="submit" class={off ? "" : "danger"}>
        {off ? "Switch the lanes on again" : "Everything to the baseline, now"}
      </button>
    </Post>
  );
}

export function ChangeList({ title, changes }: { title: string; changes: readonly Change[] }) {
  return (
    <Table label={title} caption={title} head={["In the lane file", "Was", "Is"]}>
      {changes.map(({ path, from, to }) => (
        <tr>
          <th scope="row">
            <code>{path || "the whole file"}</code>
          </th>
          <td>
            <code>{from ?? "nothing"}</code>
          </td>
          <td>
            <code>{to ?? "nothing"}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

interface PreviewProps {
  readonly name: string;
  readonly checked: Checked;
  readonly session: Session;
  /** Where the confirmation goes, what goes with it, and what its button says. */
  readonly to: string;
  readonly fields: Readonly<Record<string, string | number>>;
  readonly confirm: string;
}

/** What would change, before it does. */
export function Preview({ name, checked, session, to, fields, confirm }: PreviewProps) {
  const { against, moved, warnings, fallsBack, changes } = checked;
  const nobody =
    against === null
      ? "Who moves is not known: what is published is no lane file, nor was anything before it."
      : "Nobody would change lanes.";
  return (
    <>
      <h1>{name}: this would change</h1>
      {moved.length === 0 ? (
        <p>{nobody}</p>
      ) : (
        <Table
          label="Who moves"
          caption="Visitors who would change lanes. All others stay where they are."
          head={["From", "To", "Of all visitors"]}
        >
          {moved.map((move) => (
            <tr>
              <td>{move.from}</td>
              <td>{move.to}</td>
              <td>{percent(move.percent)}</td>
            </tr>
          ))}
        </Table>
      )}
      {changes.length > 0 && <ChangeList title="What becomes different" changes={changes} />}
      {fallsBack.length > 0 && (
        <p class="hint">{fallsBack.map(({ lane, service, to }) => `${lane} has no ${service}: it comes from ${to}`).join("; ")}.</p>
      )}
      {warnings.length > 0 && (
        <>
          <h2>Warnings</h2>
          <ProblemList problems={warnings} />
        </>
      )}
      <p>After you confirm, each location with traffic follows within about a minute and a half. Undo is one click.</p>
      {session.scope === "write" && (
        <Post to={to} session={session} fields={fields} class="confirm">
          <button type="submit">{confirm}</button>
        </Post>
      )}
      <p>
        <a href={groupPath(name)}>Back, change nothing</a>
      </p>
    </>
  );
}
