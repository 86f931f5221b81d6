/** The way back from the host that tells an origin that a request is a copy, where the origin builds its links from it. */
import { shadowHost } from "./mirror.ts";

/** As URLs within URLs write them, too (RFC 3986, section 2.1). */
const CODED: Readonly<Record<string, string>> = { ".": "(?:\\.|%2e)", ":": "(?::|%3a)", "[": "(?:\\[|%5b)", "]": "(?:\\]|%5d)" };

/**
 * Takes `-shadow` off wherever a text names the host, one below it, or the domain above it that a cookie may be for: `shop.example-shadow`,
 * `api.shop.example-shadow`, `.example.com-shadow` of `shop.example.com`. Scheme, port and escapes around it stay as they are.
 */
export function unshadowed(authority: string): (text: string) => string {
  let pattern: RegExp | null = null;
  return (text) => {
    if (!text.includes("-shadow")) return text;
    pattern ??= patternOf(authority);
    return text.replace(pattern, "$1");
  };
}

function patternOf(authority: string): RegExp {
  const shadow = shadowHost(authority);
  const host = shadow.slice(0, shadow.lastIndexOf("-shadow"));
  const domain = host.startsWith("[") ? host : host.split(".").slice(-2).join(".");
  const coded = domain.replace(/[^a-z0-9_-]/gi, (char) => CODED[char] ?? `\\${char}`);
  // Neither the end of another name, nor the beginning of a longer one. `%2F` and `\u002f` may stand before it.
  return new RegExp(`(?<=^|[^a-z0-9-]|%[0-9a-f]{2}|\\\\u[0-9a-f]{4})(${coded})-shadow(?![\\w-]|\\.[a-z0-9])`, "gi");
}
