/** Services as an operator starts them: processes that say on which port they listen, with OpenTelemetry's own instrumentation. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const processes: ChildProcess[] = [];
const folders: string[] = [];

/** The documented flag and variables. No traces are recorded, the context travels all the same. */
export const OPENTELEMETRY = {
  NODE_OPTIONS: "--require @opentelemetry/auto-instrumentations-node/register",
  OTEL_PROPAGATORS: "baggage,tracecontext",
  OTEL_TRACES_SAMPLER: "always_off",
  OTEL_METRICS_EXPORTER: "none",
  OTEL_LOGS_EXPORTER: "none",
  OTEL_NODE_RESOURCE_DETECTORS: "none",
};

/** A Node service of this folder, or a program. Its address, once it listens. */
export async function startService(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  const [command, ...words] = file.endsWith(".cjs") ? [process.execPath, `${import.meta.dirname}/${file}`] : [file];
  const service = spawn(command!, words, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  processes.push(service);
  const { value: port } = await createInterface(service.stdout)[Symbol.asyncIterator]().next();
  if (!/^\d+$/.test(port ?? "")) throw new Error(`${env.app} did not start: ${port}`);
  return `http://127.0.0.1:${port}`;
}

/** Debian's packages, which need no network: `golang-go` and `golang-opentelemetry-otel-dev`. */
export function buildGoService(): string {
  const folder = mkdtempSync(join(tmpdir(), "laneway-go-"));
  folders.push(folder);
  const env = {
    ...process.env,
    GO111MODULE: "off",
    GOPATH: "/usr/share/gocode",
    GOCACHE: join(folder, "cache"),
    GOFLAGS: "",
    CGO_ENABLED: "0",
  };
  const program = join(folder, "service");
  execFileSync(process.env.GO ?? "/usr/bin/go", ["build", "-o", program, "service.go"], { cwd: import.meta.dirname, env });
  return program;
}

export function stopServices(): void {
  // OpenTelemetry takes SIGTERM for itself, so it would not end a service.
  for (const service of processes) service.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
