/** Dark traffic: what was sent and dropped, and endpoint → path → kind with counts, verdict, and sample beside sample. */
import type { Session } from "../admin/session.ts";
import { listed, sum, totals } from "./lanes.tsx";
import { Ago, groupPath, Hidden, Post, plural, Table } from "./layout.tsx";
import type { Differences, Endpoint, GroupFile, Stats } from "./shapes.ts";

/** Most alarming first. */
const MEANS = {
  regression: "the dark lane differs from the live one more often than that differs from itself; chance does this in 1 of 100 mirrors",
  suspect: "the dark lane differs, and the live one never did when asked twice",
  undecided: "the live lane was not asked twice yet, or also differs in a text whose parts cannot be told; the table says which",
  noise: "differs about as often as the live lane differs from itself",
  ignored: "the lane file says so",
};
const ORDER = Object.keys(MEANS);
const rankOf = ({ paths }: Endpoint) => Math.min(ORDER.length, ...paths.map(({ verdict }) => ORDER.indexOf(verdict)));

/** The group's page shows the worst; the page of differences shows all. */
const BRIEF = { endpoints: 5, paths: 10, groups: 3, samples: 2 };
const WHOLE = { endpoints: 1_000, paths: 1_000, groups: 100, samples: 100 };
type Limits = typeof BRIEF;

function Copies({ stats }: { stats: Stats }) {
  const copies = stats.rows.map((row) => row.copies);
  const [dropped, uncompared] = [totals(copies.map((each) => each.dropped)), totals(copies.map((each) => each.uncompared))];
  return (
    <p>
      In {stats.minutes} minutes {plural(sum(copies.map(({ sent }) => sent)), "copy", "copies")} sent,{" "}
      {sum(copies.map(({ compared }) => compared))} compared, {sum(copies.map(({ different }) => different))} differed.
      {dropped.size > 0 && ` Not sent: ${listed(dropped)}.`}
      {uncompared.size > 0 && ` Not compared: ${listed(uncompared)}.`}
    </p>
  );
}

interface EndpointProps {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly session: Session;
  readonly limits: Limits;
}

const HEAD = ["Path", "Kind", "Verdict", "Raw", "Noise", "Only raw", "Only noise", "Diffy rel. / abs.", <Hidden>Action</Hidden>];

function Paths({ endpoint, name, session, limits }: EndpointProps) {
  const { endpoint: title, mirror, compared, probed, truncated = 0, more } = endpoint;
  const paths = endpoint.paths.toSorted((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict) || b.raw - a.raw);
  const unlisted = paths.length > limits.paths ? ` ${paths.length - limits.paths} more paths are on the page of all differences.` : "";
  const cut = truncated > 0 ? ` Of ${truncated} only a beginning of the answers was compared: nothing is known of the rest.` : "";
  const caption = `${compared} compared, ${probed} of them with the live lane asked twice; mirror ${mirror}.${cut}${unlisted}`;
  return (
    <Table label={`Differences of ${title}`} caption={more > 0 ? `${caption} ${more} sightings did not fit.` : caption} head={HEAD}>
      {paths.slice(0, limits.paths).map((path) => (
        <tr>
          <th scope="row">
            <code>{path.path}</code>
          </th>
          <td>{path.kind}</td>
          <td>
            <span class={`verdict ${path.verdict}`}>{path.verdict}</span>
            {path.why !== null && <p class="hint">{path.why}</p>}
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
              <Post to={groupPath(name, "/ignore")} session={session} fields={{ mirror, path: path.path }}>
                <button type="submit" class="quiet">
                  Ignore <Hidden>{path.path}</Hidden>
                </button>
              </Post>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

type Sample = Endpoint["samples"][number];

function SampleTable({ sample: { at, sample }, now }: { sample: Sample; now: number }) {
  const caption = (
    <>
      <Ago at={at} now={now} />, trace <code>{sample.traceId}</code>
      {sample.truncated && ", cut short"}
    </>
  );
  return (
    <Table label={`A sample of trace ${sample.traceId}`} caption={caption} head={["Path", "Kind", "Live", "Dark"]}>
      {(sample.differences ?? []).map(({ path, kind, left, right }) => (
        <tr>
          <th scope="row">
            <code>{path}</code>
          </th>
          <td>{kind}</td>
          <td>
            <code>{left ?? "nothing"}</code>
          </td>
          <td>
            <code>{right ?? "nothing"}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** One cause mostly shows in one set of places: each set is told once, with how many requests had it. */
function Samples({ endpoint, limits, now }: { endpoint: Endpoint; limits: Limits; now: number }) {
  const groups = Map.groupBy(endpoint.samples, ({ paths }) => paths.map(({ path, kind }) => `${path} (${kind})`).join(", "));
  return (
    <>
      {[...groups].slice(0, limits.groups).map(([places, samples]) => (
        <details data-key={`${endpoint.mirror} ${endpoint.endpoint} ${places}`}>
          <summary>
            {plural(samples[0]!.seen, "request")} differed in <code>{places}</code>: {plural(samples.length, "sample")}, redacted
            <Hidden> of {endpoint.endpoint}</Hidden>
          </summary>
          {samples.slice(0, limits.samples).map((sample) => (
            <SampleTable sample={sample} now={now} />
          ))}
        </details>
      ))}
    </>
  );
}

function Verdicts() {
  return (
    <details data-key="verdicts">
      <summary>What the verdicts mean</summary>
      <dl>
        {Object.entries(MEANS).map(([verdict, meaning]) => (
          <>
            <dt>{verdict}</dt>
            <dd>{meaning}</dd>
          </>
        ))}
      </dl>
      <p>
        Raw: requests in which the dark lane differed. Noise: in which the live lane, asked twice, differed from itself. Only raw, only
        noise: one of the two and not the other; the verdict rests on these. Diffy's two figures are as Diffy gives them.
      </p>
    </details>
  );
}

interface EndpointsProps {
  readonly name: string;
  readonly differences: Differences;
  readonly session: Session;
  readonly now: number;
  readonly whole?: boolean;
}

/** Nobody needs to act on these. */
const isQuiet = (endpoint: Endpoint) => rankOf(endpoint) >= ORDER.indexOf("noise");

export function Endpoints({ name, differences, session, now, whole = false }: EndpointsProps) {
  const limits = whole ? WHOLE : BRIEF;
  const found = differences.endpoints
    .filter(({ paths }) => paths.length > 0)
    .toSorted((a, b) => rankOf(a) - rankOf(b) || b.compared - a.compared);
  const [loud, quiet] = [found.filter((each) => !isQuiet(each)), found.filter(isQuiet)];
  const same = differences.endpoints.filter(({ paths }) => paths.length === 0);
  const article = (endpoint: Endpoint) => (
    <article>
      {whole ? <h2 class="endpoint">{endpoint.endpoint}</h2> : <h3 class="endpoint">{endpoint.endpoint}</h3>}
      <Paths endpoint={endpoint} name={name} session={session} limits={limits} />
      <Samples endpoint={endpoint} limits={limits} now={now} />
    </article>
  );
  return (
    <>
      {found.length > 0 && <Verdicts />}
      {loud.slice(0, limits.endpoints).map(article)}
      {loud.length > limits.endpoints && <p>{loud.length - limits.endpoints} more endpoints differ.</p>}
      {quiet.length > 0 && (
        <details data-key="quiet" open={whole}>
          <summary>{plural(quiet.length, "endpoint")} with nothing but noise or ignored paths</summary>
          {quiet.slice(0, limits.endpoints).map(article)}
        </details>
      )}
      {same.length > 0 && (
        <details data-key="same">
          <summary>{plural(same.length, "endpoint")} without a difference</summary>
          <ul>
            {same.map(({ endpoint, compared }) => (
              <li>
                <code>{endpoint}</code>: {compared} compared
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

export function Mirrors({ file, stats, ...props }: EndpointsProps & { file: GroupFile; stats: Stats }) {
  const mirrors = file.mirrors ?? [];
  const none = props.differences.endpoints.length === 0;
  return (
    <section id="mirrors" data-live aria-labelledby="mirrors-title">
      <h2 id="mirrors-title">Mirrors and differences</h2>
      {mirrors.length === 0 && (
        <p class="hint">
          This group has no mirror. Add one to its lane file, under <code>mirrors</code>, to send copies to a dark lane and compare the
          answers.
        </p>
      )}
      {mirrors.length > 0 && (
        <>
          <p>
            {mirrors.map(({ name, percent, lane }) => `Mirror ${name} copies ${percent} % to lane ${lane}.`).join(" ")}{" "}
            <a href={groupPath(props.name, "/differences")}>All differences</a>
          </p>
          <Copies stats={stats} />
          {none && (
            <p class="hint">
              Nothing was compared yet. Answers are compared where the mirror has <code>compare</code> and the copy kept its credentials.
            </p>
          )}
        </>
      )}
      <Endpoints {...props} />
      {!none && props.session.scope === "write" && (
        <Post to={groupPath(props.name, "/forget")} session={props.session}>
          <button type="submit" class="quiet">
            Delete all differences and samples
          </button>
        </Post>
      )}
    </section>
  );
}
