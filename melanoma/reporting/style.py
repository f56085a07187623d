"""The style sheet of reports and of the page of all runs."""

STYLE = """
.head { display: flex; gap: .8rem; align-items: center; background: var(--card); border: 1px solid var(--line);
  border-left: 6px solid var(--muted); border-radius: 8px; padding: .8rem 1rem; font-size: 1.25rem; margin: .8rem 0; }
.head.good { border-left-color: var(--good); } .head.look { border-left-color: var(--other); }
.head.bad { border-left-color: var(--bad); } .reasons { margin: -.4rem 0 .8rem; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--muted); font-size: 11px; }
svg.accounting { height: 26px; } .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin-top: .5rem; }
i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; vertical-align: -.05em; }
.scored { fill: var(--accent); background: var(--accent); } .failed { fill: var(--bad); background: var(--bad); }
.skipped, .other_shard { fill: var(--line); background: var(--line); }
.duplicates { fill: var(--muted); background: var(--muted); }
.deferred { fill: var(--other); background: var(--other); } .hit { fill: transparent; }
svg .bar { fill: var(--accent); fill-opacity: .55; } svg .axis { stroke: var(--line); }
svg .before { stroke: var(--fg); stroke-width: 1.6; fill: none; } i.before { background: var(--fg); height: .2em;
  vertical-align: .2em; } svg .reference { stroke: var(--other); stroke-width: 1.6; stroke-dasharray: 4 2; fill: none; }
i.reference { background: var(--other); height: .2em; vertical-align: .2em; }
svg .cell { fill: var(--accent); } svg .line { stroke: var(--accent); stroke-width: 1.6; fill: none; }
svg .dot { fill: var(--accent); } svg .limit { stroke: var(--bad); stroke-width: 1.4; stroke-dasharray: 6 3; }
svg .bad { fill: var(--bad); } svg .look { fill: var(--other); } svg .good { fill: var(--good); }
th, td { padding: .3rem .45rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; } thead th { color: var(--muted); } th:first-child, td:first-child { text-align: left;
  padding-left: 0; } th.text, td.text { text-align: left; } td.text { white-space: normal; }
td.text:not(:nth-child(2)) { min-width: 16rem; }
.bars { width: 100%; }
.bars td:nth-child(2) { width: 50%; min-width: 90px; } .bars svg { height: 16px; }
.grid { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); margin: .8rem 0; }
.grid.months { grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
.small { margin: 0; min-width: 0; } figcaption { min-height: 2.6em; line-height: 1.3; }
figcaption b { color: var(--fg); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .6rem 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
span.bad { color: var(--bad); font-weight: 600; } span.look { color: var(--other); font-weight: 600; }
svg.series { min-width: 560px; } .newest { direction: rtl; } .newest > * { direction: ltr; } code { font-size: .9em; }
@media (max-width: 480px) { .bars td:nth-child(2) { width: 30%; min-width: 40px; }
  .bars td, .bars th { padding: .3rem .2rem; white-space: normal; } svg.series { min-width: 0; }
  .facts { grid-template-columns: 1fr; } .facts dd { margin-bottom: .4rem; } }
"""
