/** One stylesheet, system fonts, both colour schemes; state is never told by colour alone. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --soft: #f3f5f8; --line: #c9d0da; --muted: #5a6575; --accent: #0b5cad; --bad: #b3261e; --good: #1b6e3c; --warn: #8a5300; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --paper: #12161c; --soft: #1c222b; --line: #3a4452; --muted: #a5b0bf; --accent: #7fb8f5; --bad: #ff9d94; --good: #7fd6a2; --warn: #f0c070; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { display: flex; justify-content: space-between; align-items: center; flex-wrap: wrap; gap: .5rem; padding: .6rem 1.2rem; border-bottom: 1px solid var(--line); }
header form { display: flex; gap: .8rem; align-items: center; color: var(--muted); }
.brand { font-weight: 700; font-size: 1.15rem; color: var(--ink); text-decoration: none; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem 1.2rem 4rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
a { color: var(--accent); }
.state { font-size: 1.1rem; padding: .7rem 1rem; background: var(--soft); border-left: 4px solid var(--good); }
.state.off, .state.degraded { border-color: var(--bad); }
.alert { padding: .7rem 1rem; margin: 1rem 0; border: 1px solid var(--bad); border-left-width: 4px; background: var(--soft); }
.hint, caption { color: var(--muted); }
.tag { font-size: .8rem; border: 1px solid var(--line); border-radius: 3px; padding: 0 .35rem; color: var(--muted); font-weight: 400; }
.bad { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .2rem 0 .5rem; font-size: .9rem; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { font-size: .85rem; color: var(--muted); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
.picture td, .picture th { text-align: center; border: 1px solid var(--line); padding: .4rem; }
.picture th[scope=row] { text-align: left; }
.own { background: var(--soft); color: var(--good); font-weight: 600; } .other { color: var(--muted); }
.spark path { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
.verdict { font-weight: 600; } .verdict.regression { color: var(--bad); } .verdict.regression::before { content: "▲ "; } .verdict.suspect { color: var(--warn); } .verdict.suspect::before { content: "? "; } .verdict.noise, .verdict.ignored, .verdict.undecided { color: var(--muted); font-weight: 400; }
input, textarea, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--muted); border-radius: 4px; padding: .3rem .5rem; }
input[type=number] { width: 7rem; } #reason, #off-reason { width: min(24rem, 100%); } textarea, .wide { width: 100%; } .wide { max-width: 40rem; }
button { cursor: pointer; background: var(--accent); color: var(--paper); border-color: var(--accent); }
button.quiet { background: none; color: var(--accent); } button.danger { background: var(--bad); border-color: var(--bad); } button:disabled { opacity: .55; cursor: default; }
.name { display: inline-block; min-width: 8rem; font-weight: 600; }
.weights p, .explain p { margin: .4rem 0; } .off { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .8rem 0; } .confirm { margin-top: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
.groups { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; } .groups li { border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) { main { padding: .6rem .8rem 3rem; } dl { grid-template-columns: 1fr; } }
@media (forced-colors: active) { .own, .state { border: 1px solid; } }
`;
