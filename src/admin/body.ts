/** Bodies of admin requests: read to a cap, whatever length they declare. */
import { err, ok, type Result } from "../core/result.ts";
import { refuse } from "./refuse.ts";

/** As long as a lane file may be. */
const MAX_BODY_BYTES = 1024 * 1024;

export async function readText(request: Request, most = MAX_BODY_BYTES): Promise<Result<string, Response>> {
  const tooLarge = () => err(refuse("too-large", `A body may have ${most} bytes here.`));
  if (Number(request.headers.get("content-length") ?? 0) > most) return tooLarge();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > most) return tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return ok(text + decoder.decode());
}

/** A JSON object. */
export async function readObject(request: Request): Promise<Result<Readonly<Record<string, unknown>>, Response>> {
  const text = await readText(request);
  if (!text.ok) return text;
  try {
    const value: unknown = JSON.parse(text.value);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return ok(value as Record<string, unknown>);
  } catch {
    // Said below.
  }
  return err(refuse("not-json", "Send a JSON object.", { problems: [{ path: "", message: "expected a JSON object" }] }));
}
