/** nginx and its `mirror`, from Debian, beside the router: one worker process, one port for each dark lane. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/demo/local-run.ts";
import { ownedByBench } from "./child.ts";

export interface Nginx {
  readonly pid: number;
  /** In the order of the dark lanes. */
  readonly ports: readonly number[];
  stop(): void;
}

export const hasNginx = (): boolean => spawnSync("nginx", ["-v"]).error === undefined;

const upstream = (name: string, port: number) =>
  `upstream ${name} { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 10000000; }`;
const toUpstream = (name: string) => `proxy_pass http://${name}$request_uri; proxy_http_version 1.1; proxy_set_header Connection "";`;

function serverOf(port: number, dark: number | null): string {
  const live = toUpstream("live");
  if (dark === null) return `server { listen 127.0.0.1:${port}; location / { ${live} } }`;
  const copy = `location = /copy { internal; ${toUpstream(`dark${port}`)} }`;
  return `${upstream(`dark${port}`, dark)} server { listen 127.0.0.1:${port}; location / { mirror /copy; ${live} } ${copy} }`;
}

async function answers(port: number): Promise<void> {
  for (let left = 50; ; left--) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (answer?.ok) return;
    if (left === 0) throw new Error("nginx does not answer");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** `darks`: ports of dark lanes; null: no mirror. The first must be one without. */
export async function startNginx(live: number, darks: readonly (number | null)[]): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "laneway-nginx-"));
  const ports: number[] = [];
  for (const _ of darks) ports.push(await freePort(0));
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`);
  const http = [
    "access_log off; keepalive_requests 10000000; keepalive_timeout 600s;",
    ...temp,
    upstream("live", live),
    ...ports.map((port, at) => serverOf(port, darks[at]!)),
  ];
  const main = [
    "daemon off;",
    process.getuid!() === 0 ? "user root;" : "",
    "worker_processes 1;",
    `pid ${folder}/pid;`,
    `error_log ${folder}/error.log crit;`,
  ];
  writeFileSync(
    join(folder, "nginx.conf"),
    `${main.join("\n")}\nworker_rlimit_nofile 16384;\nevents { worker_connections 8192; }\nhttp {\n${http.join("\n")}\n}\n`,
  );
  const child = spawn("nginx", ["-p", folder, "-e", join(folder, "error.log"), "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  ownedByBench(child);
  await answers(ports[0]!);
  const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ")[0]);
  return {
    pid,
    ports,
    stop: () => {
      child.kill("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
