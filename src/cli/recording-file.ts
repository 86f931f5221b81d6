/** A file of recorded requests, read piece by piece: it may be longer than memory. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { cannotAsk } from "./failure.ts";
import { type Read, readHar, readLine } from "./recordings.ts";

/** Characters. A longer line is no request of anybody. */
const MAX_LINE = 1024 * 1024;
/** Characters. A HAR is one JSON value, so it is read as a whole. */
const MAX_HAR = 256 * 1024 * 1024;
const HAR = /^\ufeff?\s*\{\s*"log"\s*:/;
/** As much as is needed to tell a HAR by. */
const HEAD = 64;

/** Logpush and others compress (RFC 1952, section 2.3.1). */
async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close());
  return buffer[0] === 0x1f && buffer[1] === 0x8b;
}

/** @throws Failure where it cannot be read, or is too long to be */
export async function* readRecording(path: string): AsyncGenerator<Read> {
  try {
    const unpacked = (await isGzip(path)) ? createGunzip() : new PassThrough();
    const source = pipeline(createReadStream(path), unpacked, () => {});
    yield* readTexts(source.setEncoding("utf8"), path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === "EISDIR") throw cannotAsk(`${path} is a folder.`, `Name one file in it, such as ${join(path, "requests.jsonl")}.`);
    throw cannotAsk(code === "ENOENT" ? `There is no file ${path}.` : `${path} cannot be read: ${code}.`);
  }
}

async function* readTexts(texts: AsyncIterable<string>, path: string): AsyncGenerator<Read> {
  let [rest, line, har] = ["", 0, null as boolean | null];
  for await (const text of texts) {
    rest += text;
    if (har === null && rest.length >= HEAD) har = HAR.test(rest);
    if (har === null) continue;
    const most = har ? MAX_HAR : MAX_LINE;
    if (!har) {
      const lines = rest.split("\n");
      rest = lines.pop()!;
      for (const each of lines) if (++line && each.trim() !== "") yield readLine(each, line);
    }
    if (rest.length > most)
      throw cannotAsk(
        har
          ? `${path} is longer than ${most / 1024 / 1024} MiB, which is too long for a HAR.`
          : `${path}, line ${line + 1}, is longer than 1 MiB.`,
        har
          ? 'Save it without the answers\' content, or turn it into lines: jq -c ".log.entries[].request | {method, url}".'
          : "One request a line.",
      );
  }
  if (har ?? HAR.test(rest)) yield* readHar(rest);
  else for (const each of rest.split("\n")) if (++line && each.trim() !== "") yield readLine(each, line);
}
