const WIDTH = 30;

/** Runs `step` `total` times, one after the other, behind a bar that a terminal shows and a pipe does not. */
export async function withProgress(title: string, total: number, step: () => Promise<void>): Promise<void> {
  const { stderr } = process;
  for (let done = 1; done <= total; done++) {
    await step();
    if (!stderr.isTTY) continue;
    const filled = Math.round((WIDTH * done) / total);
    stderr.write(`\r${title} ${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${done}/${total}`);
  }
  if (stderr.isTTY) stderr.write("\r\x1b[K");
}
