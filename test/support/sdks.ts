/**
 * What a service's SDK makes of a `baggage` header between reading it and calling the next service. OpenTelemetry's own for JavaScript is
 * run as it is; the others do what the sources named here do. null: no header is sent on.
 */
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { W3CBaggagePropagator } from "@opentelemetry/core";

export type Sdk = (header: string) => string | null;

type Member = readonly [key: string, value: string, properties: string];

const javascript = new W3CBaggagePropagator();

const otelForJavaScript: Sdk = (header) => {
  const context = javascript.extract(ROOT_CONTEXT, { baggage: header }, { get: (carrier, key) => carrier[key], keys: Object.keys });
  const sent: { baggage?: string } = {};
  javascript.inject(context, sent, {
    set: (carrier, _, value) => {
      carrier.baggage = value;
    },
  });
  return sent.baggage ?? null;
};

function split(element: string): Member {
  const [pair = "", ...properties] = element.split(";");
  const equals = pair.indexOf("=");
  return [pair.slice(0, Math.max(equals, 0)).trim(), equals < 0 ? "" : pair.slice(equals + 1).trim(), properties.join(";")];
}

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
const OCTETS = /^[!#-+\--:<-[\]-~]*$/;

/** opentelemetry-go, `baggage.Parse`: one bad or large member, and there is no baggage at all. Its map has no order. */
const otelForGo: Sdk = (header) => {
  const members = new Map<string, Member>();
  for (const element of header.split(",")) {
    const member = split(element);
    const [key, value, properties] = member;
    if (element.length > 4096 || !element.includes("=") || !TOKEN.test(key) || !OCTETS.test(value)) return null;
    // `url.PathUnescape`, since 1.21.
    if (/%(?![0-9a-f]{2})/i.test(value)) return null;
    if (properties.split(";").some((text) => text.trim() !== "" && !/^\s*[^\s="\\]+\s*(=\s*[^\s"\\]*\s*)?$/.test(text))) return null;
    members.set(key, member);
  }
  if (header.length > 8192 || members.size > 180) return null;
  const written = [...members.values()].map(([key, value, properties]) => `${key}=${queryEscape(value)}${properties && `;${properties}`}`);
  return written.sort(byHash).join(",");
};

/** Go's `url.QueryEscape` of what was not unescaped, as up to 1.20: values grow with each hop. */
const queryEscape = (text: string) =>
  text.replace(/[^A-Za-z0-9_.~-]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);

/** Any order that is not that of the header. */
const byHash = (a: string, b: string) => (hash(a) < hash(b) ? -1 : 1);
const hash = (text: string) => [...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 65_521, 7);

/** dd-trace-js, `text_map.js`: 64 members, the first that is malformed or has an empty value ends all; numbers come first in its object. */
const datadogForNode: Sdk = (header) => {
  const items: Record<string, string> = {};
  for (const element of header.split(",").slice(0, 64)) {
    if (element.trim() === "") continue;
    const [key, value] = split(element);
    if (!TOKEN.test(key) || value === "") return null;
    items[key] = utf8(value);
  }
  const written = Object.entries(items).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return written.length === 0 ? null : withinBytes(written, 8192);
};

/** opentelemetry-python before 1.24: keys are decoded, in lower case, and written as they then are. */
const otelForPython: Sdk = (header) => {
  if (header.length > 8192) return null;
  const members = new Map<string, string>();
  for (const element of header.split(",").slice(0, 180)) {
    const [key, value] = split(element);
    if (element.length > 4096 || !element.includes("=")) continue;
    members.set(utf8(key.replaceAll("+", " ")).trim().toLowerCase(), utf8(value.replaceAll("+", " ")).trim());
  }
  return [...members].map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%20", "+")}`).join(",");
};

/** One that keeps to the Recommendation's least: 64 members, 8,192 bytes, the last of those that it read first. */
const theLeast: Sdk = (header) => withinBytes(header.split(",").slice(0, 64).reverse(), 8192);

/** One that decodes values and forgets to encode them, so that a comma in a value begins a member; last come first. */
const decodesOnly: Sdk = (header) => {
  const members = header.split(",").map(split);
  return members
    .map(([key, value]) => `${key}=${utf8(value).replaceAll(/[^\x20-\x7e]/g, "")}`)
    .reverse()
    .join(",");
};

/** As of a service that appends its own to a list of lines, in capitals where the grammar has no case. */
const inFrontOfOurs: Sdk = (header) => [...Array.from({ length: 10 }, (_, i) => `service.${i}=${"x".repeat(400)}`), header].join(" , ");

function withinBytes(members: readonly string[], most: number): string {
  let header = "";
  for (const member of members) if (header.length + member.length + 1 <= most) header += (header && ",") + member;
  return header;
}

function utf8(text: string): string {
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

export const SDKS: Readonly<Record<string, Sdk>> = {
  "passes it on as it came": (header) => header,
  "OpenTelemetry for JavaScript": otelForJavaScript,
  "OpenTelemetry for Go": otelForGo,
  "OpenTelemetry for Python": otelForPython,
  "Datadog for Node": datadogForNode,
  "the least of the Recommendation": theLeast,
  "decodes and does not encode": decodesOnly,
  "adds members of its own in front": inFrontOfOurs,
};

const numbered = (count: number, member: (i: number) => string) => Array.from({ length: count }, (_, i) => member(i)).join(",");

/** What a client may send to have a mark lost among it. */
export const HOSTILE: Readonly<Record<string, string>> = {
  "sixteen foreign members": numbered(16, (i) => `laneway.x${i}=1`),
  "forty that look like contexts": numbered(40, (i) => `laneway.x${i}=1~x${i}~s1~1~${i}~~~${"A".repeat(43)}`),
  "forgeries of ours": `laneway.shop=1~shop~s1~1~1~~~x,LANEWAY.shop=2,%6Caneway.shop=3,laneway.shop+=4,laneway.shop=5;p=1`,
  "keys that decode to more than a key": `x%2Claneway.shop%3D1=1,x%2claneway.shop=1~shop~s1~1~1~~~x`,
  "values that decode to more than a value": numbered(12, (i) => `v${i}=x%2C%6Caneway.shop%3D1~shop~s1~1~${i}~~~${"A".repeat(43)}`),
  "65 members": numbered(65, (i) => `k${i}=v`),
  "180 members": numbered(180, (i) => `k${i}=v`),
  "numbers for keys": numbered(180, (i) => `${i}=////////////////`),
  "one member of 8 kB": `a=${"!".repeat(8000)}`,
  "8 kB of what grows when it is escaped": numbered(16, (i) => `k${i}=${"/@:".repeat(160)}`),
  "broken escapes": "a=%zz,b=%,c=%ff,d=%E2%82,e%zz=1,f=1;p=%zz",
  "empty values": "a=,b= ,c=;p=1,d",
  "malformed members": 'bad,=x,a b=1,q="1",k=a b,k=\\,(=1,;p=1,a=1;p="x",a=1;;,b==c',
  "bytes above ASCII": "caf\u00e9=1,a=\u00ff\u00fe,b=\u00a0 1,c=1",
  "white space": "a = 1 ,\t b\t=\t2 ; p = 1 , , c=3 ;",
  "keys of Object.prototype": "__proto__=1,constructor=2,toString=3",
};
