/** Length of the answer at the start of `bytes`, or 0 while it is incomplete. Understands content-length and chunked. */
export function answerLength(bytes: Buffer): number {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return 0;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length !== null) {
    const end = headEnd + 4 + Number(length[1]);
    return bytes.length >= end ? end : 0;
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head))
    return bytes.toString("latin1", bytes.length - 7) === "\r\n0\r\n\r\n" ? bytes.length : 0;
  throw new Error(`answer without a length: ${head.slice(0, 200)}`);
}
