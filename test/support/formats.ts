/** A time stamp beside a price, as services answer them: in all that is not plain JSON. */

export interface Format {
  readonly type: string;
  readonly write: (at: string, price: string) => string | Uint8Array;
  /** Where a comparison must see the two, as `kind path`. */
  readonly at: string;
  readonly price: string;
}

const json = (at: string, price: string) => `{"at":"${at}","items":[{"price":${price}}]}`;
const page = (body: string) => `<!doctype html><html><body><h1>Shop</h1>${body}</body></html>`;
const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const utf16 = (text: string) => Uint8Array.from(Buffer.from(`\ufeff${text}`, "utf16le"));
const entities = (text: string) => text.replaceAll('"', "&quot;");

const at = (place: string, price: string) => ({ at: `value ${place}`, price: `value ${price}` });
const BODY = at("body.at", "body.items[].price");
const inPage = (place: string) => at(`body.html.body.${place}.at`, `body.html.body.${place}.items[].price`);

export const FORMATS: Readonly<Record<string, Format>> = {
  "JSON as text/html": { type: "text/html", write: json, ...BODY },
  "JSON as text/plain": { type: "text/plain", write: json, ...BODY },
  "JSON of a type that says nothing": { type: "application/octet-stream", write: json, ...BODY },
  "JSON of a type of its own": { type: "application/x-amz-json-1.1", write: json, ...BODY },
  "ISO-8859-1, as its type says": {
    type: "application/json; charset=ISO-8859-1",
    write: (at, price) => latin1(json(at, price).replace("{", '{"n":"café",')),
    ...BODY,
  },
  "ISO-8859-1, and nobody says so": {
    type: "application/json",
    write: (at, price) => latin1(json(at, price).replace("{", '{"n":"café",')),
    ...BODY,
  },
  "UTF-16 with its mark": { type: "application/json", write: (at, price) => utf16(json(at, price)), ...BODY },
  JSONP: { type: "application/javascript", write: (at, price) => `/**/ typeof show === 'function' && show(${json(at, price)});`, ...BODY },
  "a guard of brackets": { type: "application/json", write: (at, price) => `)]}',\n${json(at, price)}`, ...BODY },
  "a guard that loops": { type: "text/plain", write: (at, price) => `for(;;);${json(at, price)}`, ...BODY },
  "a guard before a list": {
    type: "application/json",
    write: (at, price) => `while(1);[{"at":"${at}"},{"price":${price}}]`,
    ...at("body[].at", "body[].price"),
  },
  "NaN and Infinity": { type: "application/json", write: (at, price) => json(at, price).replace("{", '{"n":NaN,"i":-Infinity,'), ...BODY },
  "an assignment": { type: "text/javascript", write: (at, price) => `window.__STATE__ = ${json(at, price)};\nstart();`, ...BODY },
  "XML in one line": {
    type: "application/xml",
    write: (at, price) => `<r xmlns:s="urn:s"><s:at>${at}</s:at><s:price cur="EUR"><![CDATA[${price}]]></s:price></r>`,
    ...at("body.r.s:at.#text", "body.r.s:price.#text"),
  },
  "XML in attributes, and ISO-8859-1": {
    type: "text/xml",
    write: (at, price) => latin1(`<?xml version="1.0" encoding="iso-8859-1"?><r at="${at}" price="${price}" n="café"/>`),
    ...at("body.r.@at", "body.r.@price"),
  },
  __NEXT_DATA__: {
    type: "text/html",
    write: (at, price) => page(`<script id="__NEXT_DATA__" type="application/json">${json(at, price)}</script>`),
    ...inPage("script.#text"),
  },
  "JSON for machines beside a state for scripts": {
    type: "text/html",
    write: (at, price) =>
      page(`<script type="application/ld+json">${json("x", price)}</script><p><script>window.S={at:'${at}',ok:!0,};go()</script></p>`),
    at: "value body.html.body.p.script.#text.at",
    price: "value body.html.body.script.#text.items[].price",
  },
  "JSON in an attribute": {
    type: "text/html",
    write: (at, price) => page(`<div data-page="${entities(json(at, price))}"></div>`),
    ...inPage("div.@data-page"),
  },
  "JSON in a string of JSON": {
    type: "application/json",
    write: (at, price) => JSON.stringify({ body: json(at, price) }),
    ...at("body.body.at", "body.body.items[].price"),
  },
  "a fragment of a page in JSON": {
    type: "application/json",
    write: (at, price) => JSON.stringify({ html: `<i>${at}</i><b>${price}</b>` }),
    ...at("body.html.i.#text", "body.html.b.#text"),
  },
  "lines of JSON as text/plain": {
    type: "text/plain",
    write: (at, price) => `{"at":"${at}"}\n{"price":${price}}\n`,
    ...at("body[].at", "body[].price"),
  },
  events: {
    type: "text/plain",
    write: (at, price) => `event: a\ndata: {"at":"${at}"}\n\ndata: {"price":${price}}\n\n`,
    ...at("body.data[].at", "body.data[].price"),
  },
  "a form": {
    type: "application/x-www-form-urlencoded",
    write: (at, price) => `at=${encodeURIComponent(at)}&price=${price}`,
    ...at("body.at", "body.price"),
  },
  "a table": {
    type: "text/csv",
    write: (at, price) => `at,price,name\r\n${at},${price},"x, ""y"""\r\n`,
    ...at("body[].at", "body[].price"),
  },
  "a sentence": { type: "text/plain", write: (at, price) => `costs ${price} EUR, seen at ${at}`, ...at("body[]", "body[]") },
  "a sentence as text/html": { type: "text/html", write: (at, price) => `costs ${price} EUR, seen at ${at}`, ...at("body[]", "body[]") },
  "a sentence in a page": {
    type: "text/html",
    write: (at, price) => page(`<p>costs ${price} EUR, seen at ${at}</p>`),
    ...at("body.html.body.p.#text", "body.html.body.p.#text"),
  },
  "a script without spaces": {
    type: "text/javascript",
    write: (at, price) => `var a="${at}",p=${price};go(a,p)`,
    ...at("body[]", "body[]"),
  },
  "a style in a page": {
    type: "text/html",
    write: (at, price) => page(`<style>/*${at}*/p{width:${price}px}</style>`),
    ...at("body.html.body.style.#text", "body.html.body.style.#text"),
  },
  "figures, one a line": {
    type: "text/plain; version=0.0.4",
    write: (at, price) => `price ${price}\nat ${at}\n`,
    ...at("body[]", "body[]"),
  },
};

/** The same in which nobody can tell the two apart: both in one word, or in bytes. */
export const OPAQUE: Readonly<Record<string, Omit<Format, "at" | "price"> & { readonly place: string }>> = {
  "one word": { type: "text/plain", write: (at, price) => `${at}.${price}`, place: "value body[]" },
  "one word as text/html": { type: "text/html", write: (at, price) => `${at}.${price}`, place: "value body[]" },
  bytes: { type: "application/pdf", write: (at, price) => `%PDF-1.7 ${at} ${price}`, place: "value body" },
  "a charset that nobody knows": { type: "text/plain; charset=klingon", write: (at, price) => `${at} ${price}`, place: "value body" },
  "one word of a script in a page": {
    type: "text/html",
    write: (at, price) => page(`<script>go.t${at}.${price}</script>`),
    place: "value body.html.body.script.#text",
  },
};
