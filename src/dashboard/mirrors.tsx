/** Dark traffic: what was sent and dropped, and endpoint → path → kind with counts, verdict, and sample beside sample. */
import type { Session } from "../admin/session.ts";
import { Ago } from "./layout.tsx";
import type { Differences, GroupFile, Stats } from "./shapes.ts";

/** Most alarming first. */
const ORDER = ["regression", "suspect", "undecided", "noise", "ignored"];
const MEANS: Readonly<Record<string, string>> = {
  regression: "differs more than the live lane differs from itself",
  suspect: "differs, and the live lane never differed from itself",
  noise: "differs as the live lane differs from itself",
  ignored: "the mirror ignores it",
  undecided: "the live lane was not asked a second time yet",
};

function Copies({ stats }: { stats: Stats }) {
  const sum = (pick: (copies: Stats["rows"][number]["copies"]) => number) =>
    stats.rows.reduce((total, { copies }) => total + pick(copies), 0);
  const reasons = new Map<string, number>();
  for (const { copies } of stats.rows)
    for (const [reason, count] of [
      ...Object.entries(copies.dropped),
      ...Object.entries(copies.uncompared).map(([name, n]) => [`not compared: ${name}`, n] as const),
    ])
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  return (
    <p>
      {sum((copies) => copies.sent)} copies sent, {sum((copies) => copies.compared)} compared, {sum((copies) => copies.different)} differed.
      {reasons.size > 0 && ` Not sent or not compared: ${[...reasons].map(([reason, count]) => `${reason} ${count}`).join(", ")}.`}
    </p>
  );
}

type Endpoint = Differences["endpoints"][number];

function Paths({ endpoint, name, session }: { endpoint: Endpoint; name: string; session: Session }) {
  const paths = [...endpoint.paths].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
  return (
    <section class="scroll" tabindex={0} aria-label={`Differences of ${endpoint.endpoint}, a table`}>
      <table>
        <caption>
          {endpoint.compared} compared, {endpoint.probed} asked twice, mirror {endpoint.mirror}
        </caption>
        <thead>
          <tr>
            {["Path", "Kind", "Verdict", "Raw", "Noise", "Only raw", "Only noise", "Diffy rel. / abs.", ""].map((title) => (
              <th scope="col">{title === "" ? <span class="hidden">Action</span> : title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {paths.map((path) => (
            <tr>
              <th scope="row">
                <code>{path.path}</code>
              </th>
              <td>{path.kind}</td>
              <td>
                <span class={`verdict ${path.verdict}`} title={MEANS[path.verdict]}>
                  {path.verdict}
                </span>
              </td>
              <td>{path.raw}</td>
              <td>{path.noise}</td>
              <td>{path.onlyRaw}</td>
              <td>{path.onlyNoise}</td>
              <td>
                {path.diffy.relative.toFixed(0)} % / {path.diffy.absolute.toFixed(1)} %
              </td>
              <td>
                {session.scope === "write" && path.verdict !== "ignored" && (
                  <form method="post" action={`/__lanes/g/${name}/ignore`}>
                    <input type="hidden" name="form" value={session.form} />
                    <input type="hidden" name="mirror" value={endpoint.mirror} />
                    <input type="hidden" name="path" value={path.path} />
                    <button type="submit" class="quiet">
                      Ignore <span class="hidden">{path.path}</span>
                    </button>
                  </form>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Samples({ endpoint, now }: { endpoint: Endpoint; now: number }) {
  if (endpoint.samples.length === 0) return null;
  return (
    <details>
      <summary>
        {endpoint.samples.length} samples, redacted<span class="hidden"> of {endpoint.endpoint}</span>
      </summary>
      {endpoint.samples.map(({ at, seen, sample }) => (
        <table class="sample">
          <caption>
            <Ago at={at} now={now} />, one of {seen} that differ in the same places
          </caption>
          <thead>
            <tr>
              <th scope="col">Path</th>
              <th scope="col">Live</th>
              <th scope="col">Dark</th>
            </tr>
          </thead>
          <tbody>
            {(sample.differences ?? []).map((difference) => (
              <tr>
                <th scope="row">
                  <code>{difference.path}</code> {difference.kind}
                </th>
                <td>
                  <code>{difference.left ?? "nothing"}</code>
                </td>
                <td>
                  <code>{difference.right ?? "nothing"}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ))}
    </details>
  );
}

export function Mirrors({
  file,
  stats,
  differences,
  session,
  now,
}: {
  file: GroupFile;
  stats: Stats;
  differences: Differences;
  session: Session;
  now: number;
}) {
  const rank = (endpoint: Endpoint) => Math.min(ORDER.length, ...endpoint.paths.map(({ verdict }) => ORDER.indexOf(verdict)));
  const endpoints = [...differences.endpoints].sort((a, b) => rank(a) - rank(b));
  const mirrors = file.mirrors ?? [];
  return (
    <section id="mirrors" data-live aria-labelledby="mirrors-title">
      <h2 id="mirrors-title">Mirrors and differences</h2>
      {mirrors.length === 0 ? (
        <p class="hint">
          This group has no mirror. Add one to its lane file (<code>mirrors</code>) to send copies to a dark lane and compare the answers.
        </p>
      ) : (
        <>
          <p>{mirrors.map((mirror) => `${mirror.name}: ${mirror.percent} % to ${mirror.lane}`).join("; ")}</p>
          <Copies stats={stats} />
          {endpoints.length === 0 && (
            <p class="hint">
              Nothing was compared yet. Answers are compared where the mirror has `compare` and the copy kept its credentials.
            </p>
          )}
        </>
      )}
      {endpoints.map((endpoint) => (
        <article>
          <h3>{endpoint.endpoint}</h3>
          {endpoint.paths.length === 0 ? (
            <p>No difference in {endpoint.compared} answers.</p>
          ) : (
            <Paths endpoint={endpoint} name={file.name} session={session} />
          )}
          <Samples endpoint={endpoint} now={now} />
        </article>
      ))}
      {endpoints.length > 0 && session.scope === "write" && (
        <form method="post" action={`/__lanes/g/${file.name}/forget`}>
          <input type="hidden" name="form" value={session.form} />
          <button type="submit" class="quiet">
            Delete all differences and samples
          </button>
        </form>
      )}
    </section>
  );
}
