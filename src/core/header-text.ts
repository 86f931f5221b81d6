/**
 * Text of headers. The platform reads the bytes of a value as UTF-8, where the Fetch standard has one character a byte: bytes that are no UTF-8,
 * such as ISO-8859-1, become U+FFFD and cannot be had again (cloudflare/workerd#6927). Untouched, they pass as they are.
 */

/** Would this value lose bytes if it were written again? Then it must stay as it came. */
export const losesBytes = (value: string): boolean => value.includes("\ufffd");
