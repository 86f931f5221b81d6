/** One stylesheet, system fonts, both colour schemes; state is never told by colour alone. */
export const STYLE = `:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --soft: #f3f5f8; --line: #c9d0da; --muted: #566071; --accent: #0b5cad; --bad: #b3261e; --good: #1b6e3c; --warn: #8a5300; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --paper: #12161c; --soft: #1c222b; --line: #3a4452; --muted: #a5b0bf; --accent: #7fb8f5; --bad: #ff9d94; --good: #7fd6a2; --warn: #f0c070; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
header, header form, .switch, .actions { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
header { justify-content: space-between; padding: .5rem 1.2rem; border-bottom: 1px solid var(--line); }
header form { color: var(--muted); font-size: .9rem; }
.brand { font-weight: 700; font-size: 1.15rem; color: var(--ink); text-decoration: none; }
main { max-width: 74rem; margin: 0 auto; padding: 1rem 1.2rem 4rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; } .endpoint { font: 600 1rem ui-monospace, monospace; margin: 1.4rem 0 .2rem; }
p, ul { margin: .5rem 0; }
a { color: var(--accent); }
.state, .alert, .done { padding: .6rem 1rem; background: var(--soft); border-left: 4px solid var(--good); }
.state { font-size: 1.1rem; } .state.look { border-color: var(--warn); } .state.off, .alert { border-color: var(--bad); } .done { border-color: var(--accent); }
.alert { margin: .8rem 0; } .alert h2 { margin: 0; }
.hint, caption, dt { color: var(--muted); }
.tag { font-size: .8rem; border: 1px solid; border-radius: 3px; padding: 0 .35rem; color: var(--muted); font-weight: 400; white-space: nowrap; }
.bad { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; position: relative; margin: .4rem 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding: .1rem 0 .4rem; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { font-size: .85rem; color: var(--muted); white-space: nowrap; }
td form { margin: -.2rem 0; } #lanes td { white-space: nowrap; } #lanes td .hint { display: block; font-size: .85rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 0 3rem; } .pair > * { min-width: 0; }
.services td, .services th { border: 1px solid var(--line); padding: .35rem .7rem; } .own { background: var(--soft); color: var(--good); font-weight: 600; }
.spark { display: block; min-width: 96px; } .tags { display: inline-flex; flex-wrap: wrap; gap: .2rem; max-width: 11rem; } .spark path { fill: none; stroke: var(--accent); stroke-width: 1.5; } .spark .errors { stroke: var(--bad); stroke-dasharray: 3 2; }
code { font: .9em ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; } td code, th code { display: inline-block; min-width: 6rem; max-width: 30rem; }
.verdict { color: var(--muted); white-space: nowrap; } .regression { color: var(--bad); font-weight: 600; } .regression::before { content: "▲ "; } .suspect { color: var(--warn); font-weight: 600; } .suspect::before { content: "? "; }
input, textarea, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--muted); border-radius: 4px; padding: .25rem .5rem; max-width: 100%; }
input[type=number] { width: 7rem; } #reason, #off-reason { width: 24rem; } .wide { width: 30rem; } textarea { width: 100%; display: block; }
button { cursor: pointer; background: var(--accent); color: var(--paper); border-color: var(--accent); padding: .25rem .8rem; }
button.quiet { background: none; color: var(--accent); } button.danger { background: var(--bad); border-color: var(--bad); } button:disabled { opacity: .55; cursor: default; }
.name { display: inline-block; min-width: 8rem; font-weight: 600; } .weights form { margin: .6rem 0; } .switch { margin: 1rem 0; }
summary { cursor: pointer; padding: .2rem 0; } details :is(.scroll, dl, p) { margin-left: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dd { margin: 0; }
.groups { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); gap: 1rem; } .groups li { border: 1px solid var(--line); border-radius: 6px; padding: .6rem 1rem; } .groups h2 { margin: 0; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) { main { padding: .4rem .8rem 3rem; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
@media (forced-colors: active) { .own, .state, .alert { border: 1px solid; } }
`;
