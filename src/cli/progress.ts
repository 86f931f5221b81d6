const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** What is faster needs no sign of life. */
const PATIENCE_MS = 250;
const FRAME_MS = 80;

/** Shows on a terminal's standard error that something takes its time, and leaves no trace; a pipe sees nothing. @param title as it is then */
export async function withProgress<T>(title: string | (() => string), work: Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!stderr.isTTY) return await work;
  const started = Date.now();
  let shown = false;
  const timer = setInterval(() => {
    const elapsed = Date.now() - started;
    if (elapsed < PATIENCE_MS) return;
    shown = true;
    stderr.write(
      `\r\x1b[K${FRAMES[Math.floor(elapsed / FRAME_MS) % FRAMES.length]} ${typeof title === "string" ? title : title()} … ${Math.floor(elapsed / 1000)} s`,
    );
  }, FRAME_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (shown) stderr.write("\r\x1b[K");
  }
}
