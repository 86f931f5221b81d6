/** Exceptions of our own code, told and not passed on. */

export function report(error: unknown, group: string | null): void {
  console.error(JSON.stringify({ error: "internal", group, message: error instanceof Error ? error.message : String(error) }));
}

/** What is done besides, and must not cost the client the answer. */
export function harmless(step: () => void): void {
  try {
    step();
  } catch (error) {
    report(error, null);
  }
}
