/** Shifting weights: a form, its preview, the confirmation; and the big switch. All of it works without a script. */
import type { Session } from "../admin/session.ts";
import { ProblemList, percent } from "./layout.tsx";
import type { Checked, GroupFile, Stats } from "./shapes.ts";

const isWriter = (session: Session) => session.scope === "write";

export function WeightsForm({
  file,
  stats,
  session,
  previous,
}: {
  file: GroupFile;
  stats: Stats;
  session: Session;
  previous: number | null;
}) {
  const share = (lane: string) => stats.visitors.find((each) => each.lane === lane)?.configured ?? 0;
  const { revision } = file.published;
  return (
    <section aria-labelledby="weights-title">
      <h2 id="weights-title">Weights</h2>
      <form method="post" action={`/__lanes/g/${file.name}/preview`} class="weights" data-weights>
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
                disabled={!isWriter(session)}
              />{" "}
              %
            </p>
          ),
        )}
        <p>
          <label for="reason">Reason</label>{" "}
          <input id="reason" name="reason" maxlength={200} required placeholder="why now" disabled={!isWriter(session)} />
        </p>
        <button type="submit" disabled={!isWriter(session)}>
          Preview
        </button>
        {!isWriter(session) && <span class="hint"> Log in with the admin token to write.</span>}
      </form>
      {previous !== null && isWriter(session) && (
        <form method="post" action={`/__lanes/g/${file.name}/rollback`}>
          <input type="hidden" name="form" value={session.form} />
          <input type="hidden" name="revision" value={String(revision)} />
          <input type="hidden" name="to" value={String(previous)} />
          <input type="hidden" name="reason" value={`undo of revision ${revision}`} />
          <button type="submit" class="quiet">
            Undo revision {revision}
          </button>
        </form>
      )}
    </section>
  );
}

export function OffSwitch({ name, off, session }: { name: string; off: boolean; session: Session }) {
  if (!isWriter(session)) return null;
  return (
    <form method="post" action={`/__lanes/g/${name}/${off ? "on" : "off"}`} class="off">
      <input type="hidden" name="form" value={session.form} />
      <label for="off-reason">Reason</label> <input id="off-reason" name="reason" maxlength={200} required />
      <button type="submit" class={off ? "" : "danger"}>
        {off ? "Switch the lanes on again" : "Everything to the baseline, now"}
      </button>
    </form>
  );
}

export interface Shift {
  readonly weights: Readonly<Record<string, number>>;
  readonly reason: string;
  readonly revision: number;
}

/** What would change, before it does. */
export function Preview({ file, shift, checked, session }: { file: GroupFile; shift: Shift; checked: Checked; session: Session }) {
  const { moved, warnings, fallsBack } = checked;
  return (
    <>
      <h1>{file.name}: this would change</h1>
      {moved.length === 0 ? (
        <p>Nobody would move: the shares are what they were.</p>
      ) : (
        <table>
          <caption>Visitors who would change lanes. All others stay where they are.</caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">Share of all visitors</th>
            </tr>
          </thead>
          <tbody>
            {moved.map((move) => (
              <tr>
                <td>{move.from}</td>
                <td>{move.to}</td>
                <td>{percent(move.percent)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {fallsBack.length > 0 && (
        <p>{fallsBack.map(({ lane, service, to }) => `${lane} has no ${service}: it comes from ${to}`).join("; ")}.</p>
      )}
      {warnings.length > 0 && (
        <>
          <h2>Warnings</h2>
          <ProblemList problems={warnings} />
        </>
      )}
      <p>After you confirm, isolates with traffic follow within about a minute and a half; KV says 60 seconds “or more”.</p>
      <form method="post" action={`/__lanes/g/${file.name}/weights`} class="confirm">
        <input type="hidden" name="form" value={session.form} />
        <input type="hidden" name="revision" value={String(shift.revision)} />
        <input type="hidden" name="reason" value={shift.reason} />
        {Object.entries(shift.weights).map(([lane, value]) => (
          <input type="hidden" name={`weight:${lane}`} value={String(value)} />
        ))}
        <button type="submit">Confirm: {shift.reason}</button> <a href={`/__lanes/g/${file.name}`}>Back, change nothing</a>
      </form>
    </>
  );
}
