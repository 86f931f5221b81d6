/** Secrets in a path: links that are sent by mail, `/reset/…`, `/invite/42/…`. What stands before one says so, and it looks like no word. */

const SEGMENT = /(?:\\?\/|%2[fF])((?:(?!%2[fF])[^/\s?#"'<>\\&;])+)/g;

/** Behind such a segment stands what works once, or proves who somebody is. */
const ONCE =
  "reset|verif(?:y|ication)|confirm(?:ation)?|activat(?:e|ion)|invit(?:e|es|ation|ations)|magic|unlock|recover(?:y)?|unsubscribe|token|tokens|otp|password|secret";
/** Behind these often, and often a word, a date or a number. */
const OFTEN = "sso|login|signin|auth|oauth|callback|session|sessions|share|shared";

const announcing = (words: string): RegExp => new RegExp(`(?:^|[^a-z])(?:${words})(?:$|[^a-z])`);
const LINK = announcing(`${ONCE}|${OFTEN}`);
const LINK_ONCE = announcing(ONCE);
const MAX_ANNOUNCING = 64;

/** Does this segment of a path say that a secret follows? */
export const announcesSecret = (segment: string): boolean => segment.length <= MAX_ANNOUNCING && LINK.test(segment.toLowerCase());

/** Files of a page (`/login/app-3f2a9c.js`). */
const FILE = /\.(?:m?js|css|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?)$/i;
/** The words of `getUserByIdAndName`. */
const HUMP = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g;
/** No language writes so. */
const UNWRITTEN = /[b-df-hj-np-tv-xz]{7}|[A-Z]{10}|[A-Za-z]{20}/;

/** Letters alone: nobody writes two words without a vowel in one name, nor one so long. */
const isUnwritten = (segment: string): boolean =>
  UNWRITTEN.test(segment) || (segment.match(HUMP) ?? []).filter((word) => !/[aeiouy]/i.test(word)).length >= 2;

/** Somebody made it, nobody wrote it. */
export const looksIssued = (segment: string): boolean =>
  segment.length >= 6 && !FILE.test(segment) && (/\d/.test(segment) || isUnwritten(segment));

/** All in this text that looks issued behind a segment that `announces` it. Linear. */
export function issuedSegments(text: string, announces: (segment: string) => boolean): { readonly start: number; readonly end: number }[] {
  const found: { start: number; end: number }[] = [];
  let last = -1;
  let follows = false;
  for (const { 0: whole, 1: segment = "", index } of text.matchAll(SEGMENT)) {
    if (index !== last) follows = false;
    last = index + whole.length;
    if (follows && looksIssued(segment)) found.push({ start: last - segment.length, end: last });
    follows ||= announces(segment);
  }
  return found;
}

/** Holds this path, as it was sent, what works once? `often`: or what often does. */
export function hasIssued(path: string, often: boolean): boolean {
  const link = often ? LINK : LINK_ONCE;
  if (!link.test(path.toLowerCase())) return false;
  return issuedSegments(path, (segment) => segment.length <= MAX_ANNOUNCING && link.test(segment.toLowerCase())).length > 0;
}
