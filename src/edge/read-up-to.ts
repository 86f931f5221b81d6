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

/** Lets go of the stream at `cap` bytes or after `ms`, so that an endless one ends here. Never rejects. */
export async function readUpTo(stream: ReadableStream<Uint8Array> | null, cap: number, ms: number): Promise<Bytes> {
  if (stream === null) return { bytes: new Uint8Array(0), end: "whole" };
  const reader = stream.getReader();
  const letGo = () => void reader.cancel().catch(() => {});
  const chunks: Uint8Array[] = [];
  let size = 0;
  let late = false;
  let broken = false;
  const timer = setTimeout(() => {
    late = true;
    letGo();
  }, ms);
  try {
    for (let next = await reader.read(); !next.done && !late; next = await reader.read()) {
      chunks.push(next.value);
      size += next.value.byteLength;
      if (size > cap) break;
    }
  } catch {
    broken = true;
  }
  clearTimeout(timer);
  if (size > cap) letGo();
  const end = late ? "late" : broken ? "broken" : size > cap ? "cut" : "whole";
  return { bytes: joined(chunks, Math.min(size, cap)), end };
}
