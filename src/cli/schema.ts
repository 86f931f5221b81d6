/** Writes `lanes/lane-group.schema.json`, by which editors complete and check lane files: `node src/cli/schema.ts`. */
import { writeFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import { laneFile } from "../core/lane-file.ts";
import { textMatcher, when } from "../core/lane-file-when.ts";

const LINE = 140;

/** Checks that JSON Schema cannot express stand in the descriptions, and are the parser's. */
export function jsonSchemaText(): string {
  const schema = toJsonSchema(laneFile, {
    target: "draft-07",
    typeMode: "input",
    errorMode: "ignore",
    definitions: { When: when, Matcher: textMatcher },
  });
  const titled = { $schema: "http://json-schema.org/draft-07/schema#", title: "Laneway lane group", ...schema };
  // Lists of short values on one line, as the formatter has them.
  const text = JSON.stringify(titled, null, 2).replace(
    /^(.*)\[\n\s+([^[\]{}]*?)\n\s+\](,?)$/gm,
    (block, head: string, items: string, comma: string) => {
      const line = `${head}[${items.replace(/\n\s+/g, " ")}]${comma}`;
      return line.length > LINE ? block : line;
    },
  );
  return `${text}\n`;
}

if (import.meta.main) writeFileSync(`${import.meta.dirname}/../../lanes/lane-group.schema.json`, jsonSchemaText());
