/**
 * References to characters in markup: `&#39;`, `&#x27;` and `&apos;` are one. All numeric ones, and of the named ones (HTML Standard, section
 * 13.5) XML's, Latin-1's and the commonest signs. Others stay as they stand.
 */

const REFERENCE = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,7}));/g;

/** From U+00A0 on, in order. */
const LATIN_1 = (
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 " +
  "ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc " +
  "Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml " +
  "aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave " +
  "uacute ucirc uuml yacute thorn yuml"
).split(" ");

const NAMED: ReadonlyMap<string, string> = new Map([
  ...LATIN_1.map((name, at) => [name, String.fromCharCode(0xa0 + at)] as const),
  ...Object.entries({ quot: '"', apos: "'", amp: "&", lt: "<", gt: ">", QUOT: '"', AMP: "&", LT: "<", GT: ">", COPY: "©", REG: "®" }),
  ...Object.entries({ ndash: "–", mdash: "—", lsquo: "‘", rsquo: "’", sbquo: "‚", ldquo: "“", rdquo: "”", bdquo: "„", hellip: "…" }),
  ...Object.entries({ euro: "€", trade: "™", bull: "•", dagger: "†", permil: "‰", lsaquo: "‹", rsaquo: "›", minus: "−", infin: "∞" }),
  ...Object.entries({ larr: "←", uarr: "↑", rarr: "→", darr: "↓", harr: "↔", ne: "≠", le: "≤", ge: "≥", asymp: "≈", star: "☆" }),
  ...Object.entries({ ensp: "\u2002", emsp: "\u2003", thinsp: "\u2009", zwnj: "\u200c", zwj: "\u200d", lrm: "\u200e", rlm: "\u200f" }),
  ...Object.entries({ OElig: "Œ", oelig: "œ", Scaron: "Š", scaron: "š", Yuml: "Ÿ", fnof: "ƒ", circ: "ˆ", tilde: "˜", check: "✓" }),
]);

/** `text` of an element or an attribute, as its reader sees it. */
export const decoded = (text: string): string =>
  !text.includes("&")
    ? text
    : text.replace(REFERENCE, (whole, decimal?: string, hex?: string, name?: string) => {
        if (name !== undefined) return NAMED.get(name) ?? whole;
        const point = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal);
        return point > 0x10ffff ? whole : String.fromCodePoint(point);
      });
