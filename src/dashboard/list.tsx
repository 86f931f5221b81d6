/** Before a group's page: the login, and the list of all groups. */
import type { Session } from "../admin/session.ts";
import type { Reply } from "./ask.ts";
import { Alert, groupPath, Layout, ProblemList, percent } from "./layout.tsx";
import type { GroupList, Health } from "./shapes.ts";

/** @param local it is a run on this machine, which prints its token. @param to the page that somebody came for */
export function LoginPage({ failed, access, local, to }: { failed: boolean; access: boolean; local: boolean; to: string }) {
  return (
    <Layout title="Log in" session={null}>
      <h1>Log in</h1>
      {failed && (
        <Alert title="That did not let you in: the token is not known, or Cloudflare Access has not seen you.">
          {local && (
            <p>
              This is a local run: the terminal of <code>npm run demo</code> or <code>npm run dev</code> says "Log in with:" and the token.
            </p>
          )}
        </Alert>
      )}
      {access && (
        <form method="post" action="/__lanes/login">
          <input type="hidden" name="to" value={to} />
          <button type="submit">Continue with Cloudflare Access</button>
        </form>
      )}
      <form method="post" action="/__lanes/login">
        <input type="hidden" name="to" value={to} />
        {/* Password managers file it under this name. */}
        <input type="text" name="username" autocomplete="username" value="laneway" hidden />
        <p>
          <label for="token">Admin token, or read token</label>{" "}
          <input id="token" name="token" type="password" autocomplete="current-password" required class="wide" />
        </p>
        <button type="submit">Log in</button>
      </form>
    </Layout>
  );
}

interface CardProps {
  readonly group: GroupList["groups"][number];
  readonly off: GroupList["off"];
  /** Why it is not in force. */
  readonly problem: string | undefined;
}

function Card({ group, off, problem }: CardProps) {
  const { name, lanes, hosts = [], concerns = [] } = group;
  const isOff = off === "*" || off.includes(name);
  return (
    <li>
      <h2>
        <a href={groupPath(name)}>{name}</a> {isOff && <span class="tag bad">switched off</span>}{" "}
        {concerns.length > 0 && <span class="tag bad">needs a look</span>}
      </h2>
      <p class={lanes === undefined && problem !== undefined ? "bad" : ""}>
        {lanes?.map((lane) => `${lane.name} ${percent(lane.percent)}`).join(", ") ??
          (problem === undefined ? "Published, but not in force at this location yet." : `It cannot be read: ${problem}.`)}
      </p>
      <p class="hint">{hosts.join(", ")}</p>
    </li>
  );
}

/** A router that only reads KV has groups, but nothing that a page could change. */
const inForce = (health: Reply<Health>): GroupList["groups"] =>
  health.ok
    ? health.body.groups.map(({ name, revision }) => ({ name, revision, lanes: [], hosts: [`revision ${revision} in force`] }))
    : [];

/** What somebody should look at first, of all groups. */
function Concerns({ groups }: { groups: GroupList["groups"] }) {
  const found = groups.flatMap(({ name, concerns = [] }) => concerns.map((concern) => ({ name, concern })));
  if (found.length === 0) return null;
  return (
    <p class="state look">
      <strong>Needs a look:</strong>{" "}
      {found.map(({ name, concern }, place) => (
        <>
          {place > 0 && "; "}
          <a href={`${groupPath(name)}#lanes`}>
            {name}: {concern}
          </a>
        </>
      ))}
      .
    </p>
  );
}

function problemOf(health: Reply<Health>, name: string): string | undefined {
  const [first] = health.ok ? health.body.problems.filter(({ key }) => key === `group:${name}`).flatMap(({ problems }) => problems) : [];
  return first && (first.path === "" ? first.message : `${first.path}: ${first.message}`);
}

export function GroupsPage({ list, health, session }: { list: Reply<GroupList>; health: Reply<Health>; session: Session }) {
  const { off, groups } = list.ok ? list.body : { off: [], groups: inForce(health) };
  return (
    <Layout title="Groups" session={session}>
      <h1>Lane groups</h1>
      <Concerns groups={groups} />
      {!list.ok && <Alert title={list.body.detail} />}
      {health.ok &&
        health.body.problems.map(({ key, problems }) => (
          <Alert title={`What KV holds at ${key} is not used.`}>
            <ProblemList problems={problems} />
          </Alert>
        ))}
      {list.ok && groups.length === 0 && (
        <p>
          There is no group yet. Write a first lane file with <code>npx lanes init</code>, then publish it with{" "}
          <code>npx lanes publish</code>.
        </p>
      )}
      <ul class="groups">
        {groups.map((group) => (
          <Card group={group} off={off} problem={problemOf(health, group.name)} />
        ))}
      </ul>
    </Layout>
  );
}
