"""How the page looks, in light and in dark."""

STYLE = """
:root { color-scheme: light dark;
  --ink: #1c2126; --quiet: #59636e; --faint: #d5dae0; --paper: #ffffff; --band: #f4f6f8;
  --ours: #1f6fd0; --floor-1: #d1571b; --floor-2: #b38600;
  --good: #1a8a54; --bad: #c2385f; --open: #6b6f76; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e4e8ec; --quiet: #9aa5b1; --faint: #343c45; --paper: #15191e; --band: #1e242b;
  --ours: #6cb0ff; --floor-1: #ff9a5c; --floor-2: #e3bd4a;
  --good: #52cc8f; --bad: #ff8aa8; --open: #a9b0b8; } }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 70rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2.75rem 0 .25rem; }
h3 { font-size: 1rem; margin: 2rem 0 .25rem; }
p, ul { max-width: 48rem; } .quiet, figcaption, dd { color: var(--quiet); }
.summary { font-size: 1.1rem; border-left: 3px solid var(--ours); padding-left: 1rem; }
.warning { border-left: 3px solid var(--bad); padding-left: 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums;
  width: 100%; }
th, td { padding: .35rem .5rem; text-align: right; border-bottom: 1px solid var(--faint);
  white-space: nowrap; }
th { font-weight: 600; } td:nth-child(-n+2), th:nth-child(-n+2) { text-align: left; }
td:nth-child(-n+2) { white-space: normal; } td:first-child { font-weight: 600; }
tbody tr:hover { background: var(--band); }
td.good { color: var(--good); } td.bad { color: var(--bad); font-weight: 600; }
td.open { color: var(--open); }
figure { margin: .75rem 0 0; } figcaption { max-width: 48rem; margin-bottom: .5rem; }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1.5rem; }
.small { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1.5rem; }
.side p, .small p { margin: 0; font-size: .9rem; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; font-size: .9rem; }
dt { font-weight: 600; } dd { margin: 0; }
.key { margin-right: 1.25rem; white-space: nowrap; }
.key::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .4em;
  border-radius: 2px; background: currentColor; }
.key.ours { color: var(--ours); } .key.floor-1 { color: var(--floor-1); }
.key.floor-2 { color: var(--floor-2); } .key span { color: var(--ink); }
svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg text.quiet { fill: var(--quiet); font-size: 11px; }
.grid { stroke: var(--faint); stroke-width: 1; } .goal { stroke: var(--ink); stroke-width: 1.5; }
.curve { fill: none; stroke-width: 2; } .whisker { stroke-width: 2; }
.curve.ours { stroke: var(--ours); } .curve.floor-1 { stroke: var(--floor-1); }
.curve.floor-2 { stroke: var(--floor-2); }
.whisker.good { stroke: var(--good); } .whisker.bad { stroke: var(--bad); }
.whisker.open { stroke: var(--open); }
.dot.ours, .fill.ours { fill: var(--ours); } .dot.floor-1, .fill.floor-1 { fill: var(--floor-1); }
.dot.floor-2 { fill: var(--floor-2); } .dot.good { fill: var(--good); }
.dot.bad { fill: var(--bad); } .dot.open { fill: var(--open); }
"""
