/** The lane files of `lanes/`, put in force at a local run as they change: by the admin API, so that they have revisions like all others. */
import { isDeepStrictEqual } from "node:util";
import { Miniflare } from "miniflare";
import { AdminApi } from "../cli/admin-api.ts";
import { Failure } from "../cli/failure.ts";
import { FOLDER, localNames, pathOf } from "../cli/folder.ts";
import { fileOf, readFile } from "../cli/lane-files.ts";
import { sayChanges } from "../cli/preview.ts";
import { bold, green, lineOf, red, say } from "../cli/say.ts";
import { parseLaneGroupText } from "../core/parse-lane-group.ts";
import type { Problem } from "../core/problem.ts";
import { compatibility, localKvId } from "./bundle.ts";

/** The router takes its time to start, and starts anew when its own code changes. */
const TRIES = 120;
const TRY_MS = 500;
/** What has not been seen in force by then is said to be, all the same: the log says more. */
const IN_FORCE_MS = 15_000;
const LOOK_MS = 1_000;

const after = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

interface Options {
  readonly url: string;
  readonly token: string;
  /** Folder of the run's store. */
  readonly store: string;
}

export class LaneFolder {
  readonly #api: AdminApi;
  readonly #store: string;
  /** Name → text that was last looked at, so that a shift stands until its file changes. */
  readonly #seen = new Map<string, string>();
  /** The names, as KV has them if it has a list. */
  #listed = "";
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ url, token, store }: Options) {
    this.#api = new AdminApi({ url, token });
    this.#store = store;
  }

  /** Another run's groups, and those of files that are gone, are served no more. The first publish makes a list where there is none. */
  async list(): Promise<void> {
    const modules = { "kv.mjs": { type: "esm" as const, contents: "export default {}" } };
    const config = { name: "kv", ...compatibility(), manifest: { mainModule: "kv.mjs", modules } };
    const miniflare = new Miniflare({
      resourcePersistencePath: this.#store,
      enableDevRegistry: false,
      workers: [{ config: { ...config, env: { LANES: { type: "kv", id: localKvId() } } } }],
    });
    const kv = await miniflare.getKVNamespace("LANES", "kv");
    const listed = await kv.get("groups", "text");
    this.#listed = JSON.stringify(localNames());
    if (listed !== null && listed !== this.#listed) await kv.put("groups", this.#listed);
    await miniflare.dispose();
  }

  /** Resolves when all files that have changed are in force, or it is said why not; calls follow one another. Never rejects. */
  publish(): Promise<void> {
    this.#working = this.#working
      .then(() => this.#publishAll())
      .catch((error: unknown) => (error instanceof Failure ? say(failureText(error.message, error.more)) : console.error(error)));
    return this.#working;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  async #publishAll(): Promise<void> {
    const names = localNames();
    const gone = [...this.#seen.keys()].filter((name) => !names.includes(name));
    for (const name of gone) {
      this.#seen.delete(name);
      say(`${pathOf(name)} is gone, and its group with it.`);
    }
    // A file that comes back as it was is not published again.
    if (JSON.stringify(names) !== this.#listed) await this.list();
    if (names.length === 0) say(`There is no lane file in ${FOLDER}/ yet: \`npx lanes init\` writes a first one.`);
    for (const name of names) {
      const text = readFile(name);
      if (this.#seen.get(name) === text.text) continue;
      const isNew = !this.#seen.has(name);
      this.#seen.set(name, text.text);
      const parsed = parseLaneGroupText(text.text, { insecureOrigins: true });
      if (!parsed.ok) sayWrong(name, "is not right. What was in force stays.", parsed.error);
      else if (parsed.value.group.name !== name) sayWrong(name, `must have its own name in it, not "${parsed.value.group.name}".`, []);
      else if (await this.#whenUp(() => this.#publishOne(name, fileOf(text)))) {
        const host = parsed.value.group.hosts.find((one) => !one.includes("*"));
        if (isNew) say(`  curl ${this.#api.url}/${host === undefined ? "" : ` -H "Host: ${host}"`}`);
      }
    }
  }

  async #publishOne(name: string, file: Readonly<Record<string, unknown>>): Promise<void> {
    const before = await this.#api.groupIfAny(name);
    if (before !== null && isDeepStrictEqual(before.file, file)) {
      say(`${green("✓")} ${bold(pathOf(name))} is in force, as revision ${before.head.revision}.`);
      return;
    }
    const { changes } = await this.#api.check(name, file);
    const who = { actor: "npm run dev", reason: `${pathOf(name)} as it is` };
    const { revision } = await this.#api.write(`groups/${name}`, "PUT", file, before?.etag ?? null, who);
    await this.#inForce(name, revision);
    say(`${green("✓")} ${bold(pathOf(name))} is in force, as revision ${revision}.`);
    if (before !== null) sayChanges(changes);
  }

  /** The router looks into KV every few seconds, behind a request. */
  async #inForce(name: string, revision: number): Promise<void> {
    for (const end = Date.now() + IN_FORCE_MS; Date.now() < end && !this.#closed; await after(LOOK_MS)) {
      const { groups } = (await this.#api.ask("health")).value as { groups: readonly { name: string; revision: string }[] };
      if (groups.some((group) => group.name === name && Number(group.revision) >= revision)) return;
    }
  }

  /** True: done. What is refused is said; nobody there yet is asked again. */
  async #whenUp(work: () => Promise<void>): Promise<boolean> {
    for (let tries = 1; !this.#closed; tries++) {
      try {
        await work();
        return true;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const { message, exitCode, more } = error;
        if (exitCode === 1 || tries === TRIES) {
          say(failureText(message, more));
          return false;
        }
      }
      await after(TRY_MS);
    }
    return false;
  }
}

function failureText(message: string, more: object): string {
  const { problems = [] } = more as { readonly problems?: readonly Problem[] };
  return [`${red("✗")} ${message}`, ...problems.map((problem) => `  ${red("problem")}  ${lineOf(problem)}`)].join("\n");
}

const sayWrong = (name: string, what: string, problems: readonly Problem[]): void =>
  say(failureText(`${bold(pathOf(name))} ${what}`, { problems }));
