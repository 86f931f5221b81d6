/**
 * What the operations of a GraphQL document do (GraphQL specification of October 2021, section 2), read as far as that takes: a document that
 * any server could run is never misread, of others it is only known that they are none. Linear.
 */

export interface Operation {
  readonly type: "query" | "mutation" | "subscription";
  /** null: it has none. */
  readonly name: string | null;
}

/** What is ignored, names, strings and single characters; `#` and `"` that begin none of these are left to the last. */
const TOKEN = /[\s,\ufeff]+|#[^\n\r]*|[_A-Za-z]\w*|"(?:[^"\\\n\r]|\\.){0,10000}"|[\s\S]/y;

/** null: `text` is no executable document. */
export function operationsOf(text: string): Operation[] | null {
  const operations: Operation[] = [];
  let depth = 0;
  /** The names at the beginning of the definition at hand, two at most; null: between two. */
  let names: string[] | null = null;
  for (let at = 0; at < text.length; ) {
    const start = at;
    at = text.startsWith('"""', at) ? blockEnd(text, at + 3) : -1;
    if (at < 0) {
      TOKEN.lastIndex = start;
      at = TOKEN.test(text) ? TOKEN.lastIndex : text.length;
    }
    const token = text.slice(start, at);
    const [first, second] = [token[0]!, token[1]];
    if (/[\s,\ufeff#]/.test(first) || (first === '"' && second !== undefined)) continue;
    if (first === '"') return null;
    if ("{([".includes(first)) {
      if (depth++ === 0 && names === null && first === "{") names = ["query"];
      else if (names === null) return null;
    } else if ("})]".includes(first)) {
      if (--depth < 0) return null;
      if (depth > 0 || first !== "}") continue;
      const [type = "", name = null] = names ?? [];
      if (type === "query" || type === "mutation" || type === "subscription") operations.push({ type, name });
      else if (type !== "fragment") return null;
      names = null;
    } else if (depth === 0) {
      if (names === null) names = [token];
      // The name stands right behind the keyword: `query A(…)`, and none in `query @live`.
      else if (names.length === 1) names.push(token);
    }
  }
  if (depth !== 0 || names !== null || operations.length === 0) return null;
  return operations.map(({ type, name }) => ({ type, name: name !== null && /^\w+$/.test(name) ? name : null }));
}

/** Past the end of a block string; -1: it has none. Only `\"""` is an escape in it (section 2.9.4). */
function blockEnd(text: string, from: number): number {
  for (let at = text.indexOf('"""', from); at >= 0; at = text.indexOf('"""', at + 3)) if (text[at - 1] !== "\\") return at + 3;
  return -1;
}
