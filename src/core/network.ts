/** Whom an address stands for (RFC 8981): a client changes the last 64 bits of an IPv6 address as often as it likes. */

/** Eight groups of hexadecimal digits without leading zeros, of an address as URLs write it: `2001:db8::1`, `::ffff:102:304`. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const [before, after] = [groups(head), groups(tail)];
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

/** `::ffff:0:0/96`: an IPv4 address in IPv6's clothes (RFC 4291, section 2.5.5.2). */
const MAPPED = /^0:0:0:0:0:ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

function dotted(high: string, low: string): string {
  return [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]).join(".");
}

/** An IPv4 address as it is; of IPv6 the first 64 bits, whatever its spelling: `2001:db8:0:0::/64`. A text that is no address, as it is. */
export function networkOf(ip: string): string {
  if (!ip.includes(":")) return ip;
  const zone = ip.indexOf("%");
  const literal = URL.parse(`http://[${zone < 0 ? ip : ip.slice(0, zone)}]/`);
  if (literal === null) return ip;
  const groups = groupsOf(literal.hostname.slice(1, -1));
  const mapped = MAPPED.exec(groups.join(":"));
  return mapped ? dotted(mapped[1]!, mapped[2]!) : `${groups.slice(0, 4).join(":")}::/64`;
}
