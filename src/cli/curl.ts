/** A curl command as the request it would send (curl's manual). Nothing is sent and no file is read. */
import { err, ok, type Result } from "../core/result.ts";

export interface CurlRequest {
  readonly method: string;
  /** Absolute; its host is the `Host` header's, as the Worker sees it. */
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What could not be known here. */
  readonly notes: readonly string[];
}

/** Short options and their long names; those after `=` take a value. */
const SHORT: Readonly<Record<string, string>> = Object.fromEntries(
  [
    "H=header X=request d=data b=cookie A=user-agent e=referer u=user F=form T=upload-file r=range o=output w=write-out m=max-time c=cookie-jar",
    "x=proxy U=proxy-user E=cert K=config C=continue-at D=dump-header h=help P=ftp-port Q=quote t=telnet-option y=speed-time Y=speed-limit z=time-cond",
    "G:get I:head s:silent S:show-error L:location k:insecure v:verbose i:include f:fail g:globoff N:no-buffer q:disable j:junk-session-cookies",
    "a:append B:use-ascii J:remote-header-name l:list-only M:manual n:netrc O:remote-name p:proxytunnel R:remote-time V:version Z:parallel #:progress-bar",
    "0:http1.0 1:tlsv1 2:sslv2 3:sslv3 4:ipv4 6:ipv6",
  ]
    .join(" ")
    .split(" ")
    .map((entry) => [entry[0]!, entry.slice(2)] as const),
);

/** Long options with a value that shapes no request of ours. */
const VALUED = new Set(
  [
    "output write-out max-time cookie-jar proxy proxy-user cert config continue-at dump-header ftp-port quote telnet-option speed-time speed-limit",
    "time-cond connect-timeout resolve connect-to cacert capath cert-type ciphers key key-type pass retry retry-delay retry-max-time max-redirs",
    "interface limit-rate local-port noproxy dns-servers doh-url tls-max tls13-ciphers output-dir stderr trace trace-ascii unix-socket",
    "abstract-unix-socket max-filesize keepalive-time happy-eyeballs-timeout-ms proto proto-default proto-redir pinnedpubkey aws-sigv4 netrc-file",
    "expect100-timeout crlfile curves rate help hostpubsha256 login-options service-name socks4 socks4a socks5 socks5-hostname preproxy",
  ]
    .join(" ")
    .split(" "),
);

const BODIES = new Set(["data", "data-raw", "data-ascii", "data-binary", "data-urlencode", "json", "form", "form-string"]);
const SHAPING = new Set([
  "header",
  "request",
  "cookie",
  "user-agent",
  "referer",
  "user",
  "upload-file",
  "range",
  "oauth2-bearer",
  "url",
  "url-query",
  "variable",
]);

const takesValue = (name: string): boolean => VALUED.has(name) || BODIES.has(name) || SHAPING.has(name);

/** Long options without a value are so many that only those with one are listed; a typing error among them goes unnoticed, and does nothing. */
interface Options {
  readonly urls: string[];
  readonly flags: Set<string>;
  readonly values: readonly (readonly [name: string, value: string])[];
}

/** @param words what follows `curl` */
function optionsOf(words: readonly string[]): Result<Options, string> {
  const urls: string[] = [];
  const flags = new Set<string>();
  const values: (readonly [string, string])[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--next" || word === "-:") return err("it makes more than one request; explain them one by one");
    if (word === "-" || !word.startsWith("-")) {
      urls.push(word);
      continue;
    }
    let [name, value]: [string, string | undefined] = [word.slice(2), undefined];
    if (!word.startsWith("--")) {
      // `-sSLXPOST`: flags, then at most one with a value, which may follow at once.
      let place = 1;
      for (; place < word.length - 1 && !takesValue(SHORT[word[place]!] ?? ""); place++) flags.add(SHORT[word[place]!] ?? word[place]!);
      name = SHORT[word[place]!] ?? "";
      if (name === "") return err(`curl has no option -${word[place]}`);
      value = place < word.length - 1 ? word.slice(place + 1) : undefined;
    }
    if (!takesValue(name)) {
      flags.add(name);
      continue;
    }
    value ??= words[++at];
    if (value === undefined) return err(`${word} lacks its value`);
    if (name === "url") urls.push(value);
    else values.push([name, value]);
  }
  return ok({ urls, flags, values });
}

/** A rule on `user-agent` must see that it is curl; the version is ours to choose. */
export const CURL_ADDS: Readonly<Record<string, string>> = { "user-agent": "curl/8", accept: "*/*" };

/**
 * The error completes "this is no request: …".
 * @param words what follows `curl`
 * @param adds headers that are sent unless `-H` says otherwise
 */
export function curlRequest(words: readonly string[], adds: CurlRequest["headers"]): Result<CurlRequest, string> {
  const options = optionsOf(words);
  if (!options.ok) return options;
  const { urls, flags, values } = options.value;
  if (urls.length !== 1) return err(urls.length === 0 ? "it names no URL" : `it names ${urls.length} URLs; explain them one by one`);
  const all = (...names: string[]) => values.filter(([name]) => names.includes(name)).map(([, value]) => value);
  const bodies = values.filter(([name]) => BODIES.has(name));
  const url = urlOf(urls[0]!, [...all("url-query"), ...(flags.has("get") ? bodies.map(([name, value]) => queryOf(name, value)) : [])]);
  if (url === null) return err(`"${urls[0]}" is no URL`);
  const notes: string[] = [];
  const headers = headersOf(new Map(Object.entries(adds)), options.value, flags.has("get") ? [] : bodies, notes);
  const host = headers.get("host");
  headers.delete("host");
  if (host !== undefined) {
    const named = URL.parse(`${url.protocol}//${host}`);
    if (named === null) return err(`"${host}" is no host`);
    // `url.host` would keep a port that the header does not have.
    url.hostname = named.hostname;
    url.port = named.port;
  }
  const otherwise = flags.has("head")
    ? "HEAD"
    : all("upload-file").length > 0
      ? "PUT"
      : bodies.length > 0 && !flags.has("get")
        ? "POST"
        : "GET";
  return ok({ method: all("request").at(-1) ?? otherwise, url: url.href, headers: Object.fromEntries(headers), notes });
}

function urlOf(text: string, queries: readonly string[]): URL | null {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  url.hash = "";
  url.username = "";
  url.password = "";
  const search = [url.search.slice(1), ...queries].filter((part) => part !== "").join("&");
  url.search = search;
  return url;
}

/** `--data-urlencode` encodes what follows `=`, or all. */
function queryOf(name: string, value: string): string {
  if (name !== "data-urlencode") return value;
  const equals = value.indexOf("=");
  return equals < 1
    ? encodeURIComponent(value.slice(equals + 1))
    : `${value.slice(0, equals)}=${encodeURIComponent(value.slice(equals + 1))}`;
}

type Pairs = readonly (readonly [name: string, value: string])[];

/** What other options mean, then `-H`, which overrides all. */
function headersOf(headers: Map<string, string>, { values, flags }: Options, bodies: Pairs, notes: string[]): Map<string, string> {
  const kinds = new Set(bodies.map(([name]) => name));
  if (kinds.has("form") || kinds.has("form-string")) headers.set("content-type", "multipart/form-data");
  else if (kinds.size > 0) headers.set("content-type", kinds.has("json") ? "application/json" : "application/x-www-form-urlencoded");
  if (kinds.has("json")) headers.set("accept", "application/json");
  if (flags.has("compressed")) headers.set("accept-encoding", "deflate, gzip, br, zstd");
  const cookies: string[] = [];
  for (const [name, value] of values) {
    if (name === "user-agent") headers.set("user-agent", value);
    else if (name === "referer") headers.set("referer", value.replace(/;auto$/, ""));
    else if (name === "range") headers.set("range", `bytes=${value}`);
    else if (name === "user") headers.set("authorization", `Basic ${btoa(unescape(encodeURIComponent(value)))}`);
    else if (name === "oauth2-bearer") headers.set("authorization", `Bearer ${value}`);
    else if (name === "cookie" && value.includes("=")) cookies.push(value);
    else if (name === "cookie") notes.push(`The cookies in the file ${value} are not read.`);
  }
  if (cookies.length > 0) headers.set("cookie", cookies.join("; "));
  const given = new Set<string>();
  for (const [name, value] of values) if (name === "header") addHeader(headers, value, given, notes);
  return headers;
}

/** `Name: value`; `Name;` is empty; `Name:` takes the header out. A name that comes twice is one list. */
function addHeader(headers: Map<string, string>, text: string, given: Set<string>, notes: string[]): void {
  if (text.startsWith("@")) {
    notes.push(`The headers in the file ${text.slice(1)} are not read.`);
    return;
  }
  const parts = /^([^:;]+)(?:;\s*$|:([\s\S]*)$)/.exec(text);
  if (parts === null) return;
  const name = parts[1]!.trim().toLowerCase();
  const value = parts[2]?.trim();
  if (value === "") headers.delete(name);
  else headers.set(name, given.has(name) ? `${headers.get(name)}, ${value ?? ""}` : (value ?? ""));
  given.add(name);
}
