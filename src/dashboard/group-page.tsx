/** One page a group, in the order in which a person under stress needs it: state, lanes, weights, differences, explain, history. */
import type { Session } from "../admin/session.ts";
import { ExplainForm } from "./explain.tsx";
import { HistoryTable } from "./history.tsx";
import { LanesTable, Picture } from "./lanes.tsx";
import { Layout, percent } from "./layout.tsx";
import { Mirrors } from "./mirrors.tsx";
import type { Checked, Differences, GroupFile, GroupList, History, Stats } from "./shapes.ts";
import { OffSwitch, WeightsForm } from "./weights.tsx";

export interface GroupView {
  readonly file: GroupFile;
  readonly list: GroupList;
  readonly stats: Stats;
  readonly checked: Checked;
  readonly history: History;
  readonly differences: Differences;
  readonly session: Session;
  readonly now: number;
  /** What was just done. */
  readonly done: string | null;
}

/** The state in one sentence. */
function State({ view: { file, list, stats, differences } }: { view: GroupView }) {
  const off = list.off === "*" || list.off.includes(file.name);
  const split = stats.visitors
    .filter(({ configured }) => configured > 0)
    .map(({ lane, configured }) => `${lane} ${percent(configured)}`)
    .join(", ");
  const regressions = differences.endpoints.flatMap(({ paths }) => paths).filter(({ verdict }) => verdict === "regression").length;
  const words = off ? `is switched off: everything goes to ${file.baseline}` : `sends ${split}`;
  const found = regressions === 0 ? "" : ` The dark lane shows ${regressions} ${regressions === 1 ? "regression" : "regressions"}.`;
  return (
    <p class={`state${off ? " off" : ""}`} id="state" data-live aria-live="polite">
      {file.name} {words}; revision {file.published.revision} by {file.published.by === "kv" ? "a change outside" : file.published.by}.
      {found}
    </p>
  );
}

export function GroupPage({ view }: { view: GroupView }) {
  const { file, list, stats, checked, history, differences, session, now, done } = view;
  const off = list.off === "*" || list.off.includes(file.name);
  const host = list.groups.find(({ name }) => name === file.name)?.hosts?.find((name) => !name.includes("*")) ?? "example.com";
  const previous = history.revisions.find(({ revision }) => revision < file.published.revision)?.revision ?? null;
  return (
    <Layout title={file.name} session={session}>
      <h1>{file.name}</h1>
      {done && (
        <p class="state" role="status">
          {done}
        </p>
      )}
      <State view={view} />
      {file.note && <p class="hint">{file.note}</p>}
      <OffSwitch name={file.name} off={off} session={session} />
      <LanesTable file={file} stats={stats} />
      <Picture file={file} fallsBack={checked.fallsBack} />
      <WeightsForm file={file} stats={stats} session={session} previous={previous} />
      <Mirrors file={file} stats={stats} differences={differences} session={session} now={now} />
      <ExplainForm name={file.name} host={host} session={session} />
      <HistoryTable file={file} history={history} session={session} now={now} />
    </Layout>
  );
}
