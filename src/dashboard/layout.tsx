/** The frame of every page. No inline script or style: captured text stays text whatever it says. */
import type { Child } from "hono/jsx";
import type { Session } from "../admin/session.ts";

export const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
} as const;

export function Layout({ title, session, children }: { title: string; session: Session | null; children: Child }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} · Laneway</title>
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
              <span>{session.scope === "read" ? "read only" : "may write"}</span> <button type="submit">Log out</button>
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
      <strong>{title}</strong>
      {children}
    </div>
  );
}

export function ProblemList({ problems }: { problems: readonly { readonly path: string; readonly message: string }[] }) {
  return (
    <ul>
      {problems.map(({ path, message }) => (
        <li>
          <code>{path}</code>: {message}
        </li>
      ))}
    </ul>
  );
}

/** `2 min ago`; the exact time for whoever points at it. */
export function Ago({ at, now }: { at: string; now: number }) {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  const text =
    seconds < 90
      ? `${seconds} s ago`
      : seconds < 5400
        ? `${Math.round(seconds / 60)} min ago`
        : seconds < 129_600
          ? `${Math.round(seconds / 3600)} h ago`
          : at.slice(0, 10);
  return (
    <time datetime={at} title={at}>
      {text}
    </time>
  );
}

export const percent = (value: number | null): string =>
  value === null ? "–" : `${(Math.round(value * 100) / 100).toFixed(value % 1 === 0 ? 0 : 1)} %`;
