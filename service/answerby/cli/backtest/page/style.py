"""The looks of the page: light and dark as the reader's system is, and fit for paper."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2329; --soft: #59636e; --line: #d4d9df; --panel: #f4f6f8;
  --old: #8a94a0; --new: #0b66c3; --bad: #b3261e; --good: #1a7f37; --heat: 11 102 195; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e6e9ec; --soft: #9aa5b1; --line: #343c45;
  --panel: #1d232a; --old: #7d8894; --new: #58a6ff; --bad: #ff8177; --good: #57c16b; --heat: 88 166 255; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC",
  "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p.summary { font-size: 1.15rem; max-width: 60rem; }
p.note, .soft { color: var(--soft); }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; }
ul.tiles { list-style: none; margin: 1.2rem 0; padding: 0; display: grid; gap: .7rem;
  grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
ul.tiles li { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; }
ul.tiles strong { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .3rem 0 .8rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: right; vertical-align: top;
  overflow-wrap: normal; }
thead th, tbody th { background: var(--panel); font-weight: 600; text-align: left; }
td.word { text-align: left; }
td.heat { background: rgb(var(--heat) / var(--share)); }
td.same { outline: 2px solid var(--line); outline-offset: -2px; }
.chart { display: block; max-width: 44rem; margin: .4rem 0 1rem; }
.chart text { fill: var(--ink); font-size: 13px; } .chart .figure { fill: var(--soft); font-size: 12px; }
rect.old { fill: var(--old); } rect.new { fill: var(--new); }
.trips { color: var(--bad); font-weight: 700; } .holds { color: var(--good); font-weight: 700; }
details { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; margin: .6rem 0; }
summary { cursor: pointer; font-weight: 600; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.sides > div { background: var(--panel); border-radius: .4rem; padding: .5rem .8rem; min-width: 0; }
@media (max-width: 40rem) { .sides { grid-template-columns: 1fr; } }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; } ul.plain { padding-left: 1.1rem; margin: .2rem 0; }
pre { white-space: pre-wrap; background: var(--panel); padding: .6rem; border-radius: .4rem; }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #999; --panel: #f4f4f4; --old: #999;
  --new: #333; --bad: #000; --good: #000; --heat: 0 0 0; } body { max-width: none; padding: 0; font-size: 11pt; }
  .sides, table, .chart, ul.tiles li { break-inside: avoid; } h2, h3, caption { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
