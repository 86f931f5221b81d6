/** One page a group, in the order in which a person under stress needs it: state, lanes, weights, differences, explain, history. */
import type { Session } from "../admin/session.ts";
import { type Done, doneNote } from "./done.ts";
import { ExplainForm } from "./explain.tsx";
import { HistoryTable } from "./history.tsx";
import { Lanes, Services } from "./lanes.tsx";
import { Ago, Alert, groupPath, Layout, Post, ProblemList, percent, who } from "./layout.tsx";
import { Mirrors } from "./mirrors.tsx";
import type { GroupView } from "./view.ts";
import { ChangeList, OffSwitch, WeightsForm } from "./weights.tsx";

/** The revision to go back to; null: there is none. */
const before = ({ history, published }: GroupView): number | null =>
  history.revisions.find(({ revision, broken }) => revision < published.revision && !broken)?.revision ?? null;

const capital = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}`;

const outsideTitle = ({ history }: GroupView) => (history.revisions.length > 1 ? "KV was changed outside" : "it was put into KV by hand");

/** Where the newest value is no lane file. */
const lastGood = ({ published: { good } }: GroupView): string =>
  typeof good === "number" ? `serves revision ${good}` : "serves what it had";

/** What somebody should look at, in words, with the place. */
function concerns(view: GroupView): { text: string; where: string }[] {
  const { stats, published, health, name, checked } = view;
  const found: { text: string; where: string }[] = [];
  const say = (holds: boolean, text: string, where: string) => holds && found.push({ text, where });
  for (const concern of stats.concerns) say(true, concern, /\bregressions?$/.test(concern) ? "#mirrors" : "#lanes");
  const wrong = checked.problems.length > 0 || health.problems.some(({ key }) => key === `group:${name}`);
  say(wrong, "the newest value has problems", "#problems");
  say(published.by === "kv", outsideTitle(view), "#outside");
  return found;
}

/** The state in one sentence. */
function State({ view }: { view: GroupView }) {
  const { name, file, stats, off } = view;
  const found = concerns(view);
  const shares = stats.visitors.filter(({ configured }) => configured > 0).map(({ lane, configured }) => `${lane} ${percent(configured)}`);
  const sends = shares.length === 0 ? "serves" : `sends ${shares.join(", ")}`;
  const split = file === null ? lastGood(view) : sends;
  const [mood, word] = off ? ["off", "Switched off"] : found.length > 0 ? ["look", "Needs a look"] : ["", "Normal"];
  return (
    <p class={`state ${mood}`} id="state" data-live aria-live="polite">
      <strong>{word}:</strong> {off && `${name} sends everything to ${file?.baseline ?? "the baseline"}. `}
      {found.map(({ text, where }, place) => (
        <>
          <a href={where}>{text}</a>
          {place < found.length - 1 ? "; " : ". "}
        </>
      ))}
      {!off && `${name} ${split}.`}
    </p>
  );
}

/** Which revision, and who has it yet. Apart from the state, so that the passing of time is not read aloud. */
function Spread({ view }: { view: GroupView }) {
  const { published, file, history, inForce, health, now } = view;
  const { revision, at, by, reason } = published;
  const { busySeconds } = health.staleness;
  const left = busySeconds - Math.floor((now - Date.parse(at)) / 1000);
  // A value without our number is known by its hash, which tells nothing here.
  const awaited = published.good ?? revision;
  const behind = inForce !== null && /^\d+$/.test(inForce) && Number(inForce) < awaited ? inForce : null;
  return (
    <p id="spread" data-live class="hint">
      Revision {revision} by {who(by)}, {by === "kv" && `seen at ${at.slice(11, 19)} UTC, `}
      <Ago at={at} now={now} />
      {reason && `: ${reason}`}.{history.written < revision && <strong> KV has not taken it yet; it is tried again until it does.</strong>}
      {behind !== null && ` Here revision ${behind} still serves.`}
      {left > 0 && file !== null && ` It is spreading: all locations with traffic have it in about ${left} s.`}
    </p>
  );
}

function Outside({ view, session }: { view: GroupView; session: Session }) {
  const { name, file, outside, published, checked } = view;
  if (outside === null) return null;
  const { revision } = published;
  const previous = before(view);
  const sound = file !== null && checked.problems.length === 0;
  return (
    <section id="outside" class="alert" aria-labelledby="outside-title">
      <h2 id="outside-title">{capital(outsideTitle(view))}</h2>
      <p>
        This value came into KV beside the publisher. It is revision {revision} now
        {file === null ? `, but no lane file, so it was never in force: the group ${lastGood(view)}.` : " and serves as it is."}
        {sound && " Adopting it publishes the same file, with each visitor's lane kept; until then new visitors are not counted."}
      </p>
      {outside.length > 0 && <ChangeList title={`What revision ${revision} changed`} changes={outside} />}
      {session.scope === "write" && (
        <div class="actions">
          {sound && (
            <Post to={groupPath(name, "/adopt")} session={session} fields={{ revision }}>
              <button type="submit">Adopt it</button>
            </Post>
          )}
          {previous !== null && <a href={groupPath(name, `/back/${previous}`)}>Put back revision {previous} …</a>}
        </div>
      )}
    </section>
  );
}

/** What is wrong with the newest value, or with what this location could read. */
function Problems({ view }: { view: GroupView }) {
  const { checked, health, missing, name, file, inForce } = view;
  const found = [...checked.problems, ...health.problems.filter(({ key }) => key === `group:${name}`).flatMap(({ problems }) => problems)];
  const unique = [...new Map(found.map((each) => [`${each.path}\n${each.message}`, each])).values()];
  const source = health.groups.find((group) => group.name === name)?.source;
  return (
    <div id="problems" data-live>
      {(unique.length > 0 || file === null) && (
        <Alert
          title={file === null ? `The newest value is no lane file; the group ${lastGood(view)}.` : "The newest lane file has problems."}
        >
          <ProblemList problems={unique} />
          Publish a corrected file{before(view) === null ? "." : ", or put back an earlier revision."}
        </Alert>
      )}
      {source === "fallback" && <Alert title="KV gave nothing usable here: everything goes to the baseline of the bundled file." />}
      {inForce === null && <Alert title="This location does not serve the group yet." />}
      {health.missingSecrets.length > 0 && <Alert title={`Not set: ${health.missingSecrets.join(", ")}.`} />}
      {missing.map((detail) => (
        <Alert title={`Something is left out here. ${detail}`} />
      ))}
    </div>
  );
}

/** @param done what the address says was done; the note stands only while that is so */
export function GroupPage({ view, session, done }: { view: GroupView; session: Session; done: Done }) {
  const { name, file, stats, checked, history, differences, published, off, now } = view;
  const host = file?.hosts.find((one) => !one.includes("*")) ?? "example.com";
  const previous = before(view);
  const note = doneNote(view, done);
  return (
    <Layout title={name} session={session} live>
      <h1>{name}</h1>
      <div id="done" data-live>
        {note && (
          <p class="done" role="status">
            {note}
          </p>
        )}
      </div>
      <State view={view} />
      <Spread view={view} />
      {typeof file?.note === "string" && <p>{file.note}</p>}
      <OffSwitch name={name} off={off} session={session} />
      <Problems view={view} />
      <Outside view={view} session={session} />
      {file && (
        <>
          <Lanes file={file} stats={stats} now={now} />
          <div class="pair">
            {stats.visitors.length > 0 && <WeightsForm name={name} file={file} stats={stats} session={session} previous={previous} />}
            <Services file={file} fallsBack={checked.fallsBack} />
          </div>
          <Mirrors name={name} file={file} stats={stats} differences={differences} session={session} now={now} />
        </>
      )}
      <ExplainForm name={name} session={session} asked={{ method: "GET", url: `https://${host}/`, headers: "" }} />
      <HistoryTable name={name} history={history} current={published.revision} session={session} now={now} />
    </Layout>
  );
}
