/** Characters that nobody sees, or that turn the direction of what stands around them (Unicode Standard Annex #9): a text with them reads as another. */

/** Line ends of every kind, controls, marks and overrides of direction, white space without a width. */
const UNSEEN = "\\p{Cc}\\p{Zl}\\p{Zp}\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff";
const ONE = new RegExp(`[${UNSEEN}]`, "u");
const EACH = new RegExp(`[${UNSEEN}]`, "gu");
const RUNS = new RegExp(`[${UNSEEN}]+`, "gu");

export const hasUnseen = (text: string): boolean => ONE.test(text);

/** With each of them as JSON escapes it: `\u202e`. */
export const escapeUnseen = (text: string): string =>
  text.replace(EACH, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** With a space for each run of them. */
export const spaceUnseen = (text: string): string => text.replace(RUNS, " ");
