import { isIP } from "node:net";
import { text } from "node:stream/consumers";
import { type Command, InvalidArgumentError } from "commander";
import { AdminApi } from "./admin-api.ts";
import { CURL_ADDS, type CurlRequest, curlRequest } from "./curl.ts";
import { sayExplained, sayNobody } from "./explained.ts";
import { cannotAsk, type ExitCode } from "./failure.ts";
import { bold, say, sayJson, yellow } from "./say.ts";
import { cmdWords, isCmd, shellWords } from "./shell-words.ts";
import { type Asking, asking, exits } from "./verb.ts";

/** A described request's options are curl's own, so that both ways mean the same. */
interface Options extends Asking {
  readonly header?: readonly string[];
  readonly request?: string;
  readonly data?: string;
  readonly cookie?: string;
  readonly userAgent?: string;
  readonly head?: boolean;
  readonly slot?: number;
  readonly ip?: string;
  readonly at?: number;
}

/** RFC 9110, section 5.1: a name and a colon; curl takes `Name;` for an empty value, too, and leaves out what is neither. */
function gather(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^[\w!#$%&'*+.^`|~-]+\s*[:;]/.test(text)) throw new InvalidArgumentError("Expected 'Name: value'.");
  return [...before, text];
}

function address(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError("Expected an IPv4 or IPv6 address.");
  return text;
}

export const explain = (): Command =>
  asking("explain", "why a request goes where it goes; nothing is sent to it", "no group or service takes the request")
    .argument("<request...>", "a URL, or a whole curl command, in quotes or not; - reads it from standard input")
    .option("-H, --header <header>", "'Name: value', as often as needed", gather)
    .option("-X, --request <method>", "the method (default: GET)")
    .option("-d, --data <body>", "makes it a POST; the body decides nothing")
    .option("-b, --cookie <cookies>", "'name=value; other=value'")
    .option("-A, --user-agent <agent>")
    .option("-I, --head", "the method HEAD")
    .option("--slot <n>", "the visitor's slot, 0 to 9999, where one is drawn", slot)
    .option("--ip <address>", "the visitor's address", address)
    .option("--at <time>", "as if it were that time (2027-01-31T00:00:00Z)", time)
    .addHelpText(
      "after",
      `
Examples:
  npx lanes explain https://shop.example.com/cart -H 'baggage: pr=142'
  npx lanes explain 'curl -X POST https://shop.example.com/cart -b "plan=pro" -d item=1'
  pbpaste | npx lanes explain -      after "Copy as cURL" in the browser's network tab; of bash, of cmd, and Firefox's`,
    )
    .action(exits(run));

function slot(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number)) throw new InvalidArgumentError("Expected a number from 0 to 9999.");
  return number;
}

function time(text: string): number {
  const seconds = Math.floor(Date.parse(text) / 1000);
  if (Number.isNaN(seconds)) throw new InvalidArgumentError("Expected a time such as 2027-01-31T00:00:00Z.");
  return seconds;
}

async function run(request: string[], options: Options): Promise<ExitCode> {
  const given = request.length === 1 && request[0] === "-" ? [(await text(process.stdin)).trim()] : request;
  const { notes, ...described } = requestOf(given, options);
  const { slot, ip, at: now } = options;
  const body = JSON.stringify({
    ...described,
    ...(slot !== undefined && { slot }),
    ...(ip !== undefined && { ip }),
    ...(now !== undefined && { now }),
  });
  const { value } = await new AdminApi(options).ask("api/explain", { method: "POST", body });
  if (options.json) sayJson(value);
  else {
    say(`${bold(described.method)} ${described.url}`);
    for (const note of notes) say(yellow(`  ${note}`));
    say();
    if (value.lane === undefined) sayNobody(value);
    else sayExplained(value);
  }
  return value.lane === undefined ? 1 : 0;
}

const CURL = /^\s*(?:\$\s+)?curl(?:\.exe)?\s/;
/** What browsers copy besides, and what these begin with. */
const OTHERS: Readonly<Record<string, RegExp>> = {
  PowerShell: /^\s*(?:\$\w+\s*=|Invoke-(?:WebRequest|RestMethod)\b|iwr\b|irm\b)/i,
  JavaScript: /^\s*(?:await\s+)?fetch\s*\(/,
  wget: /^\s*wget\s/,
};

/** @throws Failure where it describes no request */
function requestOf(given: readonly string[], options: Options): CurlRequest {
  const [first = ""] = given;
  for (const [name, pattern] of Object.entries(OTHERS)) {
    if (pattern.test(first))
      throw cannotAsk(
        `This is ${name}, which is not read.`,
        'In the browser\'s network tab take "Copy as cURL" instead, of bash or of cmd.',
      );
  }
  const pasted = CURL.test(first) ? (isCmd(first) ? cmdWords(first) : shellWords(first)) : null;
  if (pasted?.ok === false) throw cannotAsk(`This is no command: ${pasted.error}.`);
  const words = pasted === null ? [...given] : pasted.value.slice(pasted.value.findIndex((word) => /^curl(?:\.exe)?$/.test(word)) + 1);
  const also = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  const more = [
    ...(options.header ?? []).flatMap((header) => ["-H", header]),
    ...also("-X", options.request),
    ...also("-d", options.data),
    ...also("-b", options.cookie),
    ...also("-A", options.userAgent),
    ...(options.head ? ["-I"] : []),
  ];
  // A URL alone says nothing of the client.
  const request = curlRequest([...words, ...more], pasted === null ? {} : CURL_ADDS);
  if (!request.ok)
    throw cannotAsk(
      `This is no request: ${request.error}.`,
      "`npx lanes explain --help` shows how to write one; options of ours stand before curl.",
    );
  return request.value;
}
