/** One name for all requests that differ only in whom or what they ask for (contract section 7): `GET /product/:id`. */
import { announcesSecret, looksIssued } from "./secret-paths.ts";

/** Longer paths end in `/…`. */
const MAX_SEGMENTS = 12;
const MAX_LENGTH = 160;

/** Of a list of GraphQL operations. */
const MAX_OPERATIONS = 3;

/**
 * `path` as it was sent, without the query. At most 160 characters. A name says nothing about a person: what is encoded is an id, too.
 * `operations`: names of what is asked for there by GraphQL, `POST /graphql#GetCart`.
 */
export function endpointName(method: string, path: string, operations: readonly string[] = []): string {
  const names = operations.slice(0, MAX_OPERATIONS).map((name) => segmentName(name.slice(0, MAX_LENGTH)));
  if (operations.length > MAX_OPERATIONS) names.push("…");
  const asked = names.length === 0 ? "" : `#${names.join("+")}`.slice(0, MAX_LENGTH / 2);
  return pathName(method, path, MAX_LENGTH - asked.length) + asked;
}

function pathName(method: string, path: string, longest: number): string {
  // The first segment of "/a/b" is the empty one before the slash.
  const segments = path.slice(0, MAX_LENGTH * MAX_SEGMENTS).split("/", MAX_SEGMENTS + 2);
  let secret = false;
  const names = segments.slice(0, MAX_SEGMENTS + 1).map((segment) => {
    const name = secret && looksIssued(segment) ? ":id" : segmentName(segment);
    secret ||= announcesSecret(segment);
    return name;
  });
  while (names.length > 1 && method.length + 1 + names.join("/").length > longest - 2) names.pop();
  const cut = names.length < segments.length;
  return `${method} ${names.join("/")}${cut ? "/…" : ""}`.slice(0, longest);
}

const segmentName = (segment: string): string => {
  if (FREE_TEXT.test(segment)) return ":id";
  const [, stem = segment, extension = ""] = /^(.+?)(\.[A-Za-z]{1,5})?$/.exec(segment) ?? [];
  return isId(stem) ? `:id${extension}` : segment;
};

/** Percent-encoding, addresses, matrix parameters: somebody's words. */
const FREE_TEXT = /[^\w.~:!$'()*,+-]/;
/** Numbers, dates and versions of digits alone: `42`, `2026-01-31`, `10.1.2`. */
const DIGITS = /^[-+]?\d[\d.,:_-]*$/;
const UUID = /^\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i;
/** Commit ids, ETags, object ids; words such as `decade` or `facade` have no digit. */
const HEX = /^(?=.*\d)[0-9a-f]{7,}$/i;
/** `order-1234567`, but not `summer-2026`; and no word of any language. */
const LONG_RUN = /\d{5}|[A-Za-z\d]{33}/;

function isId(segment: string): boolean {
  return [DIGITS, UUID, HEX, LONG_RUN].some((form) => form.test(segment)) || isToken(segment);
}

/** `cus_NffrFeUfNV2Hib`, `01ARZ3NDEKTSV4RRFFQ69G5FAV`: letters and digits take turns; they hardly do in `oauth2-callback` and `top-10-of-2026`. */
function isToken(segment: string): boolean {
  const turns = segment.match(/\d(?=[A-Za-z])|[A-Za-z](?=\d)/g)?.length ?? 0;
  return turns >= 2 && segment.length >= (turns === 2 ? 16 : 10);
}
