"""How the report looks: on a screen, wide or narrow, light or dark, and on paper."""

STYLE = """
:root { --ink: #1b2330; --soft: #5a6677; --paper: #ffffff; --panel: #f4f6f9; --line: #d8dee7;
  --pass: #17693a; --pass-bg: #e2f4e8; --fail: #a3152a; --fail-bg: #fde6e9; --unknown: #7a4d00; --unknown-bg: #fdf0d5; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a3afbf; --paper: #12161d;
  --panel: #1b212b; --line: #333d4b; --pass: #7fd8a0; --pass-bg: #14331f; --fail: #ff9aa8; --fail-bg: #431520;
  --unknown: #f2c66d; --unknown-bg: #3a2c0c; color-scheme: dark; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .75rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; } p { margin: .4rem 0; } .soft { color: var(--soft); }
.verdict { border-left: .5rem solid; border-radius: .4rem; padding: 1rem 1.25rem; margin: 1.25rem 0; }
.verdict strong { font-size: 1.15rem; }
.PASS, .SAMPLED { color: var(--pass); background: var(--pass-bg); border-color: var(--pass); }
.FAIL { color: var(--fail); background: var(--fail-bg); border-color: var(--fail); }
.UNKNOWN { color: var(--unknown); background: var(--unknown-bg); border-color: var(--unknown); }
.badge { display: inline-block; font-weight: 600; font-size: .8rem; padding: .1rem .55rem; border-radius: 1rem;
  border: 1px solid; white-space: nowrap; overflow-wrap: normal; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; }
.tile { background: var(--panel); border-radius: .4rem; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
ul { padding-left: 1.4rem; } li { margin: .15rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; }
th, .stacks td, tbody:not(:only-of-type) tr:last-child td { border-bottom: 1px solid var(--line); }
td > p:first-child { margin-top: 0; } td b { overflow-wrap: break-word; }
th { color: var(--soft); font-weight: 600; overflow-wrap: normal; }
td:is([data-name=status], [data-name=class], [data-name=strategy]) { overflow-wrap: normal; }
table:not(.stacks) td:first-child { min-width: 10rem; width: 27%; }
table:not(.stacks) td:last-child { min-width: 9rem; width: 31%; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td ul { margin: .35rem 0 0; padding-left: 1.1rem; } .bad { color: var(--fail); } .open { color: var(--unknown); }
code { font: .88em ui-monospace, monospace; }
details { margin: .3rem 0; } summary { cursor: pointer; color: var(--soft); font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
@media screen and (max-width: 40rem) { body { padding: 1.25rem 1rem 3rem; } h1 { font-size: 1.35rem; }
  .stacks, .stacks tbody, .stacks tr, .stacks td { display: block; } .stacks thead { display: none; }
  .stacks td { border: 0; padding: .15rem 0; } .stacks tr { padding: .6rem 0; border-bottom: 1px solid var(--line); }
  .stacks td:is([data-name=class], [data-name=strategy], [data-name=result])::before { content: attr(data-name) ": ";
    color: var(--soft); } }
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --panel: #fff; --line: #999; --pass: #000;
  --pass-bg: #fff; --fail: #000; --fail-bg: #fff; --unknown: #000; --unknown-bg: #fff; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; } h2 { margin-top: 1.5rem; }
  tr, tbody:not(:only-of-type), li, .verdict, .tile, .whole { break-inside: avoid; }
  h2, h3, h2 + p { break-after: avoid; } .scroll { overflow: visible; }
  .tile { border: 1px solid var(--line); padding: .4rem .6rem; }
  .tiles { grid-template-columns: repeat(6, 1fr); gap: .4rem; }
  details::details-content { content-visibility: visible; block-size: auto; } summary { display: none; }
  details dl { display: block; font-size: .9em; } details dt, details dd { display: inline; }
  details dt::after { content: " "; } details dd::after { content: "; "; } details dd:last-child::after { content: ""; }
  @page { margin: 16mm 14mm; @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; } } }
"""
