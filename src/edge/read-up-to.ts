/** A body in memory: so many bytes, so many milliseconds, and no more. */
export interface Bytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `cut`: there is more; `late`: the time was up first; `broken`: the sender broke off. */
  readonly end: "whole" | "cut" | "late" | "broken";
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, size - at);
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Read at once: left to itself, the platform hands out 4 KiB at a time, at some 10 µs each. */
const BUFFER_BYTES = 16 * 1024;

/** Lets go of the stream at `cap` bytes or after `ms`, so that an endless one ends here. Never rejects. */
export async function readUpTo(stream: ReadableStream<Uint8Array> | null, cap: number, ms: number): Promise<Bytes> {
  if (stream === null) return { bytes: new Uint8Array(0), end: "whole" };
  const reader = stream.getReader({ mode: "byob" });
  const letGo = () => void reader.cancel().catch(() => {});
  const chunks: Uint8Array[] = [];
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  let size = 0;
  let late = false;
  let broken = false;
  const timer = setTimeout(() => {
    late = true;
    letGo();
  }, ms);
  try {
    while (size <= cap) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done || late) break;
      chunks.push(value.slice());
      size += value.byteLength;
      buffer = value.buffer;
    }
  } catch {
    broken = true;
  }
  clearTimeout(timer);
  if (size > cap) letGo();
  const end = late ? "late" : broken ? "broken" : size > cap ? "cut" : "whole";
  return { bytes: joined(chunks, Math.min(size, cap)), end };
}
