/** One product as services really answer it: JSON under a wrong type, in a wrong charset, in a call, in a page; XML; a sentence. */

export interface Product {
  readonly id: number;
  readonly name: string;
  readonly price: { readonly currency: string; readonly cents: number };
  readonly servedAt: string;
  /** Its public address, as the service takes it from `X-Forwarded-Host`. */
  readonly self: string;
}

export interface Format {
  readonly name: string;
  readonly type: string;
  readonly write: (product: Product) => string | Uint8Array;
  /** Where a comparison must find the price and the time stamp. */
  readonly price: string;
  readonly servedAt: string;
}

const json = (product: Product) => JSON.stringify(product);
const PLACES = { price: "body.price.cents", servedAt: "body.servedAt" };
const IN_PAGE = "body.html.body.script.#text.props.product";

/** Every character is one byte. */
const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

export const FORMATS: readonly Format[] = [
  { name: "json-as-html", type: "text/html; charset=utf-8", write: json, ...PLACES },
  { name: "json-as-text", type: "text/plain", write: json, ...PLACES },
  { name: "latin-1", type: "application/json", write: (product) => latin1(json({ ...product, name: `café ${product.id}` })), ...PLACES },
  { name: "jsonp", type: "text/javascript", write: (product) => `/**/show(${json(product)});`, ...PLACES },
  { name: "guarded", type: "application/json", write: (product) => `)]}',\n${json(product)}`, ...PLACES },
  { name: "with-nan", type: "application/json", write: (product) => json(product).replace(/}$/, ',"rating":NaN}'), ...PLACES },
  {
    name: "xml",
    type: "application/xml",
    write: ({ id, price, servedAt }) =>
      `<product id="${id}"><price currency="EUR">${price.cents}</price><servedAt>${servedAt}</servedAt></product>`,
    price: "body.product.price.#text",
    servedAt: "body.product.servedAt.#text",
  },
  {
    name: "page",
    type: "text/html",
    write: (product) =>
      `<!doctype html><html><body><h1>Shop</h1><script id="__NEXT_DATA__" type="application/json">${JSON.stringify({ props: { product } })}</script></body></html>`,
    price: `${IN_PAGE}.price.cents`,
    servedAt: `${IN_PAGE}.servedAt`,
  },
  {
    name: "sentence",
    type: "text/plain",
    write: ({ name, price, servedAt }) => `${name} costs ${price.cents} cents; served at ${servedAt}`,
    // Nothing but words: one place for all of it.
    price: "body[]",
    servedAt: "body[]",
  },
];
