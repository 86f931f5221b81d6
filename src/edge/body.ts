/**
 * The request's body, for one origin or for two: replayable up to a cap counted as read, streamed past it (contract section 6).
 * Nothing is buffered beyond the cap, nothing is refused, and an unknown length stays unknown.
 */
import { isContentless } from "../core/fallback.ts";

export interface RequestBody {
  /** What is sent; a buffer can be sent again, a stream once. */
  readonly content: Uint8Array<ArrayBuffer> | ReadableStream | null;
  readonly replayable: boolean;
  /** Resolves when the client's upload has ended: is the body whole? null: there is none under way that we watch. */
  readonly uploaded: Promise<boolean> | null;
}

/** What the client sends. */
export type Upload = Pick<Request, "body" | "headers">;

export const NO_BODY: RequestBody = { content: null, replayable: true, uploaded: null };

/** Bytes; null: the length is not known beforehand. */
export function declaredLength(headers: Headers): number | null {
  const length = headers.get("content-length");
  return length !== null && /^\d+$/.test(length) ? Number(length) : null;
}

export const isEmpty = ({ body, headers }: Upload): boolean => body === null || declaredLength(headers) === 0;

/** The platform takes content of a GET or HEAD on only with the Request that brought it, unread: it goes once, as it came. */
export const goesAsItCame = (request: Request): boolean => isContentless(request.method) && !isEmpty(request);

export const asItCame = (upload: Upload): RequestBody =>
  isEmpty(upload) ? NO_BODY : { content: upload.body, replayable: false, uploaded: null };

/** A stream of the declared length keeps `Content-Length`; any other is chunked. */
function pipe(length: number | null): { readable: ReadableStream; writable: WritableStream<Uint8Array> } {
  return length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
}

/**
 * The rest of the upload; false where it broke. `writable` is left open then: closed or aborted, a chunked body would end for the
 * origin as if it were whole (the platform drops the error), so whoever fetches must break off.
 */
const passOn = (body: ReadableStream, writable: WritableStream<Uint8Array>): Promise<boolean> =>
  body.pipeTo(writable, { preventAbort: true }).then(
    () => true,
    () => false,
  );

/** Passes the stream on, and tells when the upload is over: a deadline must not run while the client still sends. */
export function streamed(upload: Upload): RequestBody {
  const { body, headers } = upload;
  if (body === null || isEmpty(upload)) return NO_BODY;
  const { readable, writable } = pipe(declaredLength(headers));
  return { content: readable, replayable: false, uploaded: passOn(body, writable) };
}

/** An origin that fails breaks off what we pass on within this; an upload that its client keeps back goes on waiting (measured). */
const BROKEN_OFF_MS = 50;

/** Asked when the origin has failed: was it waiting for the client? Servers hang up on those who keep them waiting. */
export async function awaitsClient({ uploaded }: RequestBody): Promise<boolean> {
  if (uploaded === null) return false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const still = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, BROKEN_OFF_MS, true);
  });
  const waits = await Promise.race([uploaded.then(() => false), still]);
  clearTimeout(timer);
  return waits;
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

async function rest(chunks: readonly Uint8Array[], body: ReadableStream, writable: WritableStream<Uint8Array>): Promise<boolean> {
  const writer = writable.getWriter();
  try {
    for (const chunk of chunks) await writer.write(chunk);
  } catch {
    return false;
  }
  writer.releaseLock();
  return await passOn(body, writable);
}

/** null where the client's upload breaks. */
async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array> | null> {
  try {
    return await reader.read();
  } catch {
    return null;
  }
}

/** Buffers up to `cap` bytes; a longer body goes on as a stream that begins with what was read. null: the client's upload broke. */
export async function replayable(upload: Upload, cap: number): Promise<RequestBody | null> {
  const { body, headers } = upload;
  if (body === null || isEmpty(upload)) return NO_BODY;
  const length = declaredLength(headers);
  if (length !== null && length > cap) return streamed(upload);
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const next = await read(reader);
    if (next === null) return null;
    if (next.done) return { content: joined(chunks, size), replayable: true, uploaded: null };
    chunks.push(next.value);
    size += next.value.byteLength;
    if (size > cap) {
      reader.releaseLock();
      const { readable, writable } = pipe(length);
      return { content: readable, replayable: false, uploaded: rest(chunks, body, writable) };
    }
  }
}
