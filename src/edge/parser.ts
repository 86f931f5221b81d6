/**
 * The lane file's parser, with its schema and RE2, is half of all the code that an isolate would run before its first request. So it is
 * loaded when the first lane file is read, and the start-up stays short.
 */
type Parser = typeof import("../core/parse-lane-group.ts");

let loaded: Parser | null = null;

/** Before the first call of `parser()`. */
export async function loadParser(): Promise<void> {
  loaded ??= await import("../core/parse-lane-group.ts");
}

export function parser(): Parser {
  if (loaded === null) throw new Error("the parser is not loaded yet");
  return loaded;
}
