/** The admin API over HTTP (contract section 9). What it refuses becomes a `Failure` that says what to do next. */
import type { Change } from "../core/changes.ts";
import type { Problem } from "../core/problem.ts";
import type { Review } from "../core/review.ts";
import { cannotAsk, Failure, refused } from "./failure.ts";
import { isStarting, localRuns } from "./local-runs.ts";
import { withProgress } from "./progress.ts";
import { failureOf, unknownGroup, WHERE } from "./refusal.ts";
import type { Asking, Writing } from "./verb.ts";

/** A publisher waits for KV, which takes one write a second and may be tried three times. */
const TIMEOUT_MS = 45_000;
/** Is anybody there? */
const LOOK_MS = 5_000;

export type LaneFile = Readonly<Record<string, unknown>>;

export interface RevisionHead {
  readonly revision: number;
  readonly at: string;
  readonly by: string;
  readonly reason: string;
  /** It is no lane file, and so was never in force. */
  readonly broken?: true;
}

export interface Published {
  /** Without `published`; null: the newest value is no JSON object, as somebody may have put it into KV. */
  readonly file: LaneFile | null;
  readonly head: RevisionHead;
  /** The newest revision that is a lane file, which serves on where this one is none; null: none is known. */
  readonly good: number | null;
  readonly etag: string;
  /** With its `published`, as KV has it. */
  readonly text: string;
}

export interface Written {
  readonly revision: number;
  readonly at: string;
}

/** The preview of a write. */
export interface Preview extends Review {
  /** The revision that it is held against; null: none is known. */
  readonly against: number | null;
  readonly problems: readonly Problem[];
  readonly changes: readonly Change[];
}

interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: each call knows what it asked for.
  readonly value: any;
  readonly etag: string;
}

interface Call {
  readonly method?: string;
  /** JSON text. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a person waits for. */
  readonly title?: string;
}

export class AdminApi {
  readonly url: string;
  /** Empty: nobody said one. */
  readonly #token: string;
  readonly #timeoutMs: number;

  /**
   * @param token left out: as a person has it
   * @throws Failure without a usable URL, or with a token that is none
   */
  constructor({ url, token }: Pick<Asking, "url"> & { readonly token?: string }, timeoutMs = TIMEOUT_MS) {
    this.url = baseOf(url);
    this.#token = token ?? tokenOf(this.url);
    this.#timeoutMs = timeoutMs;
  }

  async ask(path: string, { method = "GET", body, headers, title = `Asking ${this.url}` }: Call = {}): Promise<Answer> {
    const answer = await withProgress(title, this.#send(path, method, body, headers));
    const value = jsonOf(answer.text);
    if (answer.status >= 300 || value === undefined) throw failureOf(this.url, answer.status, value);
    return { value, etag: answer.etag };
  }

  /** As `ask`, of a group; where there is no such group, the failure names those that there are. */
  async askOf(name: string, rest = "", call: Call = {}): Promise<Answer> {
    try {
      return await this.ask(`api/groups/${name}${rest}`, call);
    } catch (error) {
      if (!isUnknown(error)) throw error;
      const { groups } = (await this.ask("api/groups")).value as { groups: readonly { name: string }[] };
      throw unknownGroup(
        name,
        groups.map((group) => group.name),
      );
    }
  }

  async #send(path: string, method: string, body: string | undefined, headers: Readonly<Record<string, string>> | undefined) {
    if (this.#token === "") throw await withoutToken(this.url);
    const json = body === undefined ? {} : { body };
    try {
      const response = await fetch(`${this.url}/__lanes/${path}`, {
        method,
        ...json,
        headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json", ...headers },
        redirect: "manual",
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      return { status: response.status, etag: response.headers.get("etag") ?? "", text: await response.text() };
    } catch (error) {
      throw nothingAnswers(this.url, error);
    }
  }

  async group(name: string): Promise<Published> {
    const { value, etag } = await this.askOf(name);
    const { published, unreadable, ...file } = value;
    const { revision, at, by, reason, good, ...more } = published;
    return {
      file: unreadable === undefined ? file : null,
      head: { revision, at, by, reason },
      good,
      etag,
      text: JSON.stringify({ ...file, published: { revision, at, by, reason, ...more } }),
    };
  }

  /** An earlier one, with its `published`. */
  async revision(name: string, revision: number): Promise<Pick<Published, "head" | "text">> {
    const { file, changes: _, ...published } = (await this.askOf(name, `/history/${revision}`)).value;
    return { head: published, text: JSON.stringify({ ...file, published }) };
  }

  /** null: nothing is published under this name. */
  async groupIfAny(name: string): Promise<Published | null> {
    try {
      return await this.group(name);
    } catch (error) {
      if (isUnknown(error)) return null;
      throw error;
    }
  }

  /**
   * @param back the revision that is put back with this file, whose visitors come back to the very slots they had
   * @throws Failure with the problems, if there are any
   */
  async check(name: string, file: LaneFile, back?: number): Promise<Preview> {
    const call = { method: "POST", body: JSON.stringify(file), title: `Checking ${name}` };
    const preview: Preview = (await this.ask(`api/groups/${name}/check${back === undefined ? "" : `?back=${back}`}`, call)).value;
    if (preview.problems.length > 0) throw refused(`This Laneway cannot take ${name} so.`, "", { problems: preview.problems });
    return preview;
  }

  /** A revisioned write. @param etag what the writer has seen; null: there must be nothing yet */
  async write(
    path: string,
    method: "PUT" | "POST",
    body: object,
    etag: string | null,
    who: Pick<Writing, "actor" | "reason">,
  ): Promise<Written> {
    const seen = etag === null ? { "if-none-match": "*" } : { "if-match": etag };
    const headers = { ...seen, ...signed(who) };
    return (await this.ask(`api/${path}`, { method, body: JSON.stringify(body), headers, title: "Writing" })).value;
  }
}

const isUnknown = (error: unknown): boolean => error instanceof Failure && (error.more as { tag?: string }).tag === "no-group";

/** Other letters than ASCII's travel percent-encoded in a header. */
export function signed({ actor, reason = "" }: Pick<Writing, "actor" | "reason">): Record<string, string> {
  return { "x-actor": encodeURIComponent(actor), "x-reason": encodeURIComponent(reason) };
}

function jsonOf(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node wraps what the socket said. */
function causeOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: Error & { code?: string } };
  if (name === "TimeoutError") return "it took too long";
  return cause?.code ?? cause?.message ?? message;
}

/** Only on this machine may the token travel unencrypted. RFC 6761, section 6.3: names under `.localhost` are loopback. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

export const isLocal = (url: string): boolean => isLoopback(new URL(url).hostname);

function baseOf(text: string): string {
  const url = URL.parse(text);
  const example = "Give it as https://lanes.example.com, by --url or LANEWAY_URL.";
  if (url === null || !/^https?:$/.test(url.protocol)) throw cannotAsk(`"${text}" is no URL of a Laneway.`, example);
  if (url.protocol === "http:" && !isLoopback(url.hostname)) throw cannotAsk(`${url.origin} would carry the token unencrypted.`, example);
  return url.origin;
}

function nothingAnswers(url: string, error: unknown): Failure {
  return starting(url) ?? cannotAsk(`Nothing answers at ${url}: ${causeOf(error)}.`, WHERE, { url });
}

/** null: no run of this folder is. */
function starting(url: string): Failure | null {
  const next = "Once it says that its lane files are in force, the command line finds it; then try again.";
  return isLocal(url) && isStarting() ? cannotAsk("The local run of this folder is still starting.", next, { url }) : null;
}

/** What is missing: somebody to ask comes before the token to ask with. */
async function withoutToken(url: string): Promise<Failure> {
  try {
    await fetch(`${url}/__lanes/health`, { redirect: "manual", signal: AbortSignal.timeout(LOOK_MS) });
  } catch (error) {
    return nothingAnswers(url, error);
  }
  return starting(url) ?? cannotAsk("LANEWAY_ADMIN_TOKEN is not set.", tokenHint(url));
}

function tokenHint(url: string): string {
  return isLocal(url)
    ? "`npm run demo` and `npm run dev` print one when they start; in their own folder none is needed: export LANEWAY_ADMIN_TOKEN=…"
    : "It is the Worker's secret of that name (`npx wrangler secret put LANEWAY_ADMIN_TOKEN`): export LANEWAY_ADMIN_TOKEN=…";
}

/** The variable's, or what a local run of this folder has noted; empty: there is none. */
function tokenOf(url: string): string {
  const local = localRuns().find((run) => run.url === url.replace("//localhost:", "//127.0.0.1:"));
  const token = process.env.LANEWAY_ADMIN_TOKEN?.trim() || (local?.token ?? "");
  if (!/^[\x21-\x7e]*$/.test(token))
    throw cannotAsk("LANEWAY_ADMIN_TOKEN is no token: it has spaces or other letters in it.", tokenHint(url));
  return token;
}
