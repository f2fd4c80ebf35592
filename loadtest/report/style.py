"""The look of the page, by day and by night."""

STYLE = """
:root { color-scheme: light dark;
  --ink: #1c2126; --faint: #d5dade; --paper: #ffffff; --quiet: #59636e; --card: #f4f6f8;
  --s1: #1f6fd0; --s2: #0f8b94; --s3: #d1571b; --s4: #1a8a54; --s6: #a03fb3; --s7: #c2385f;
  --s8: #6b6f76; --warn: #b38600; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e4e8ec; --faint: #353d46; --paper: #15191e; --quiet: #9aa5b1; --card: #1e242b;
  --s1: #6cb0ff; --s2: #52c9d2; --s3: #ff9a5c; --s4: #52cc8f; --s6: #d891ea; --s7: #ff8aa8;
  --s8: #a9b0b8; --warn: #e3bd4a; } }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .75rem; } h2 { font-size: 1.15rem; margin: 2.25rem 0 .1rem; }
p { max-width: 48rem; } figcaption, dd { color: var(--quiet); }
.summary { font-size: 1.1rem; border-left: 3px solid var(--s1); padding-left: 1rem; }
.warning { border-left: 3px solid var(--warn); padding-left: 1rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; }
.tiles div { flex: 1 1 5.1rem; background: var(--card); border-radius: .5rem; padding: .6rem .7rem;
  display: flex; flex-direction: column; }
.tiles span, .tiles i { color: var(--quiet); font-size: .8rem; font-style: normal; }
.tiles b { font-size: 1.12rem; font-weight: 600; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
figure { margin: 0; } figcaption { max-width: 48rem; margin-bottom: .5rem; font-size: .92rem; }
figure > svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; margin: 0 0 .25rem;
  font-size: .85rem; color: var(--quiet); }
.key { width: 1.5rem; height: .62rem; margin-right: .4rem; }
.s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); } .s4 { --c: var(--s4); }
.s6 { --c: var(--s6); } .s7 { --c: var(--s7); } .s8 { --c: var(--s8); }
.grid { stroke: var(--faint); stroke-width: 1; } .axis { stroke: var(--quiet); stroke-width: 1; }
.mark { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 4 4; }
.shade { fill: var(--card); } .hint { fill: transparent; }
.hint:hover { fill: var(--quiet); fill-opacity: .12; }
.curve { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.thin { fill: none; stroke: var(--c); stroke-width: 1; stroke-opacity: .7; }
.dotted { fill: none; stroke: var(--c); stroke-width: 1.5; stroke-dasharray: 1 4;
  stroke-linecap: round; }
.band { fill: var(--c); fill-opacity: .13; } .bar { fill: var(--c); }
.dot { fill: var(--c); stroke: var(--paper); stroke-width: 1.5; }
.hollow { fill: var(--paper); stroke: var(--c); stroke-width: 2; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: right; border-bottom: 1px solid var(--faint);
  white-space: nowrap; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
td:last-child { white-space: normal; min-width: 14rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; font-size: .9rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
"""
