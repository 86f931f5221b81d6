/** The frame of every page, and the parts they share. No inline script or style: captured text stays text whatever it says. */
import type { Child } from "hono/jsx";
import type { Session } from "../admin/session.ts";
import type { Problem } from "./shapes.ts";

export const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  // Not `no-referrer`: forms would then have `Origin: null`.
  "referrer-policy": "same-origin",
} as const;

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M3 15V1m5 14V8q0-4 5-4' fill='none' stroke='%230b5cad' stroke-width='3'/%3E%3C/svg%3E";

export const groupPath = (name: string, rest = ""): string => `/__lanes/g/${encodeURIComponent(name)}${rest}`;

interface LayoutProps {
  readonly title: string;
  readonly session: Session | null;
  /** The page has figures that the script keeps fresh. */
  readonly live?: boolean;
  readonly children: Child;
}

export function Layout({ title, session, live = false, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} · Laneway</title>
        <link rel="icon" href={ICON} />
        <link rel="stylesheet" href="/__lanes/page.css" />
        <script src="/__lanes/page.js" defer />
      </head>
      <body>
        <header>
          <a href="/__lanes/" class="brand">
            Laneway
          </a>
          {session && (
            <form method="post" action="/__lanes/logout">
              {live && (
                <span id="fresh" role="status">
                  Reload for newer figures
                </span>
              )}
              <span>
                {session.name} {session.scope === "read" ? "may read" : "may write"}
              </span>
              <button type="submit" class="quiet">
                Log out
              </button>
            </form>
          )}
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}

/** Says what went wrong and what to do next; read aloud at once. */
export function Alert({ title, children }: { title: string; children?: Child }) {
  return (
    <div class="alert" role="alert">
      <strong>{title}</strong> {children}
    </div>
  );
}

export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  return (
    <ul>
      {problems.map(({ path, message }) => (
        <li>
          {path !== "" && <code>{path}: </code>}
          {message}
        </li>
      ))}
    </ul>
  );
}

export const Hidden = ({ children }: { children: Child }) => <span class="hidden">{children}</span>;

/** Scrolls by itself, by keyboard too, so that the page never scrolls sideways. */
export function Table({ label, caption, head, children }: { label: string; caption: Child; head: readonly Child[]; children: Child }) {
  return (
    <section class="scroll" tabindex={0} aria-label={`${label}, a table`}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {head.map((title) => (
              <th scope="col">{title}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

interface PostProps {
  readonly to: string;
  readonly session: Session;
  readonly fields?: Readonly<Record<string, string | number>>;
  readonly class?: string;
  readonly children: Child;
}

/** A form of ours; `fields` are hidden. */
export function Post({ to, session, fields = {}, class: name, children }: PostProps) {
  return (
    <form method="post" action={to} class={name}>
      {Object.entries({ form: session.form, ...fields }).map(([field, value]) => (
        <input type="hidden" name={field} value={String(value)} />
      ))}
      {children}
    </form>
  );
}

/** `2 min ago`; the exact time for whoever points at it. */
export function Ago({ at, now }: { at: string; now: number }) {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  const minutes = Math.round(seconds / 60);
  const recent = seconds < 90 ? `${seconds} s ago` : minutes < 90 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
  return (
    <time datetime={at} title={at}>
      {seconds < 129_600 ? recent : at.slice(0, 10)}
    </time>
  );
}

/** `kv`: nobody told us who it was. */
export const who = (by: string): string => (by === "kv" ? "somebody outside" : by);

/** Shares come in steps of 0.01. */
export const percent = (value: number | null, digits = 2): string => (value === null ? "–" : `${Number(value.toFixed(digits))} %`);

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
