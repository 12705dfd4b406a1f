"""How the report looks: on a screen, light or dark, and on paper."""

STYLE = """
:root { --ink: #1b2330; --soft: #5a6677; --paper: #ffffff; --panel: #f4f6f9; --line: #d8dee7;
  --pass: #17693a; --pass-bg: #e2f4e8; --fail: #a3152a; --fail-bg: #fde6e9; --unknown: #7a4d00; --unknown-bg: #fdf0d5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a3afbf; --paper: #12161d; --panel: #1b212b;
  --line: #333d4b; --pass: #7fd8a0; --pass-bg: #14331f; --fail: #ff9aa8; --fail-bg: #431520; --unknown: #f2c66d;
  --unknown-bg: #3a2c0c; color-scheme: dark; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; } p { margin: .4rem 0; } .soft { color: var(--soft); }
.verdict { border-left: .5rem solid; border-radius: .4rem; padding: 1rem 1.25rem; margin: 1.25rem 0; }
.verdict strong { font-size: 1.15rem; }
.PASS, .SAMPLED { color: var(--pass); background: var(--pass-bg); border-color: var(--pass); }
.FAIL { color: var(--fail); background: var(--fail-bg); border-color: var(--fail); }
.UNKNOWN { color: var(--unknown); background: var(--unknown-bg); border-color: var(--unknown); }
.badge { display: inline-block; font-weight: 600; font-size: .8rem; padding: .1rem .55rem; border-radius: 1rem;
  border: 1px solid; white-space: nowrap; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; }
.tile { background: var(--panel); border-radius: .4rem; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); }
td > p:first-child { margin-top: 0; }
th { color: var(--soft); font-weight: 600; } td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td ul { margin: .35rem 0 0; padding-left: 1.1rem; } .bad { color: var(--fail); } .open { color: var(--unknown); }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
details { margin: .3rem 0; } summary { cursor: pointer; color: var(--soft); font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --panel: #fff; --line: #999; --pass: #000;
  --pass-bg: #fff; --fail: #000; --fail-bg: #fff; --unknown: #000; --unknown-bg: #fff; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10.5pt; } tr, .verdict, .tile { break-inside: avoid; }
  .tile { border: 1px solid var(--line); } details > *:not(summary) { display: block; } h2 { break-after: avoid; } }
"""
