/**
 * The request's body, for one origin or for two: replayable up to a cap counted as read, streamed past it (contract section 6).
 * Nothing is buffered beyond the cap, nothing is refused, and an unknown length stays unknown.
 */
import { waitUntil } from "cloudflare:workers";

export interface RequestBody {
  /** What is sent; a buffer can be sent again, a stream once. */
  readonly content: Uint8Array<ArrayBuffer> | ReadableStream | null;
  readonly replayable: boolean;
  /** Settles when the client's upload has ended, well or not; null: there is none under way that we watch. */
  readonly uploaded: Promise<void> | null;
}

export const NO_BODY: RequestBody = { content: null, replayable: true, uploaded: null };

function declaredLength(request: Request): number | null {
  const length = request.headers.get("content-length");
  return length !== null && /^\d+$/.test(length) ? Number(length) : null;
}

/** A stream of the declared length keeps `Content-Length`; any other is chunked. */
function pipe(length: number | null): { readable: ReadableStream; writable: WritableStream<Uint8Array> } {
  return length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
}

/**
 * Settles with the upload, well or not. It holds the request open: dropped when the client leaves, a chunked body would end for the
 * origin as if it were whole; broken off by us, it ends as broken.
 */
function settled(upload: Promise<void>): Promise<void> {
  const ended = upload.catch(() => {});
  waitUntil(ended);
  return ended;
}

/** Passes the stream on, and tells when the upload is over: a deadline must not run while the client still sends. */
export function streamed(request: Request): RequestBody {
  if (request.body === null) return NO_BODY;
  const { readable, writable } = pipe(declaredLength(request));
  return { content: readable, replayable: false, uploaded: settled(request.body.pipeTo(writable)) };
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

async function rest(chunks: readonly Uint8Array[], body: ReadableStream, writable: WritableStream<Uint8Array>): Promise<void> {
  const writer = writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  writer.releaseLock();
  await body.pipeTo(writable);
}

/** Buffers up to `cap` bytes; a longer body goes on as a stream that begins with what was read. Rejects where the client's upload breaks. */
export async function replayable(request: Request, cap: number): Promise<RequestBody> {
  if (request.body === null) return NO_BODY;
  const length = declaredLength(request);
  if (length !== null && length > cap) return streamed(request);
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    size += next.value.byteLength;
    if (size > cap) {
      reader.releaseLock();
      const { readable, writable } = pipe(length);
      return { content: readable, replayable: false, uploaded: settled(rest(chunks, request.body, writable)) };
    }
  }
  return { content: joined(chunks, size), replayable: true, uploaded: null };
}
