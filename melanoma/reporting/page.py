"""The morning report as one page."""

from collections.abc import Mapping, Sequence
from typing import Any

from melanoma import html_page
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import bullets, escaped, paragraph, section
from melanoma.labels import name_of
from melanoma.reporting import charts, messages
from melanoma.reporting.drift import FEWEST, LOOK, WARN
from melanoma.runs.records import STAGES, RunRecord
from melanoma.table.schema import PROBABILITY_PREFIX

STYLE = """
.head { display: flex; gap: .8rem; align-items: center; background: var(--card); border: 1px solid var(--line);
  border-left: 6px solid var(--muted); border-radius: 8px; padding: .8rem 1rem; font-size: 1.25rem; margin: .8rem 0; }
.head.good { border-left-color: var(--good); } .head.look { border-left-color: var(--other); }
.head.bad { border-left-color: var(--bad); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--muted); font-size: 11px; }
svg.accounting { height: 26px; } .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin-top: .5rem; }
i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; vertical-align: -.05em; }
.scored { fill: var(--accent); background: var(--accent); } .failed { fill: var(--bad); background: var(--bad); }
.skipped { fill: var(--line); background: var(--line); } .duplicates { fill: var(--muted); background: var(--muted); }
.deferred { fill: var(--other); background: var(--other); } .hit { fill: transparent; }
svg .bar { fill: var(--accent); fill-opacity: .55; } svg .axis { stroke: var(--line); }
svg .before { stroke: var(--fg); stroke-width: 1.6; fill: none; } i.before { background: var(--fg); height: .2em;
  vertical-align: .2em; } svg .reference { stroke: var(--other); stroke-width: 1.6; stroke-dasharray: 4 2; fill: none; }
i.reference { background: var(--other); height: .2em; vertical-align: .2em; }
svg .bad { fill: var(--bad); } svg .look { fill: var(--other); } svg .good { fill: var(--good); }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; } thead th { color: var(--muted); } th:first-child, td:first-child { text-align: left;
  padding-left: 0; } td.text { text-align: left; white-space: normal; min-width: 16rem; } .bars { width: 100%; }
.bars td:nth-child(2) { width: 50%; min-width: 90px; } .bars svg { height: 16px; }
.grid { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); margin: .8rem 0; }
.small { margin: 0; } figcaption { min-height: 2.6em; line-height: 1.3; } figcaption b { color: var(--fg); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .6rem 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
td.warn { color: var(--bad); font-weight: 600; } td.look { color: var(--other); font-weight: 600; }
svg.series { min-width: 560px; } code { font-size: .9em; }
@media (max-width: 480px) { td.text { min-width: 11rem; } .bars td:nth-child(2) { min-width: 60px; }
  .bars td, .bars th { padding: .3rem .3rem; }
  .facts { grid-template-columns: 1fr; } .facts dd { margin-bottom: .4rem; } }
"""


def page(record: RunRecord, facts: Mapping[str, Any], is_over_budget: bool) -> str:
    """Lays a report out as HTML.

    Args:
        record: Of the run.
        facts: As `facts_of` gives them; empty for a run of which only the record is left.
        is_over_budget: Whether more failed than the operator allows.
    """
    parts = [
        _head(*messages.headline(record, is_over_budget)),
        _facts(record),
        section("Warnings", bullets(record.warnings)) if record.warnings else "",
        _accounting(record),
        _failures(record),
        _stages(record, facts),
        _classes(facts),
        _drift(facts),
        _sample(facts),
    ]
    note = NO_DIAGNOSIS
    return html_page.document(f"Night of {record.run_date}", parts, STYLE, note)


def _head(kind: str, text: str) -> str:
    return f'<p class="head {kind}" role="status">{escaped(text)}</p>'


def _facts(record: RunRecord) -> str:
    entries = {
        "run": record.run_id,
        "model": record.model_id,
        "took": messages.minutes(record.seconds),
        "table": "" if record.table_version is None else f"version {record.table_version}",
        "adopted": f"{record.adopted:,} rows that an earlier run had staged" if record.adopted else "",
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escaped(value)}</dd>" for name, value in entries.items() if value)
    return f'<dl class="facts">{rows}</dl><p class="muted"><a href="index.html">All nights</a></p>'


def _accounting(record: RunRecord) -> str:
    counts = record.counts
    if not counts.listed:
        return ""
    parts = {name: getattr(counts, name) for name in charts.PARTS}
    proof = f"{counts.listed:,} listed = " + " + ".join(f"{count:,} {name}" for name, count in parts.items())
    ignored = ", ".join(
        f"{kind} {count:,}" for kind, count in sorted(record.ignored.items(), key=lambda item: -item[1])
    )
    return section(
        "Every photograph accounted for" if counts.add_up else "The counts do not add up",
        charts.accounting(parts, counts.listed),
        paragraph(proof + (", which adds up." if counts.add_up else ": report this defect.")),
        paragraph(f"Not photographs, and not among them: {ignored}.", "muted") if ignored else "",
    )


def _failures(record: RunRecord) -> str:
    if not record.failures:
        return ""
    rows = "".join(
        f"<tr><td>{escaped(kind.replace('_', ' '))}</td><td>{count:,}</td>"
        f'<td class="text">{escaped(messages.advice_on(kind))}</td></tr>'
        for kind, count in sorted(record.failures.items(), key=lambda item: (-item[1], item[0]))
    )
    head = "<thead><tr><th>kind</th><th>photographs</th><th></th></tr></thead>"
    return section("What failed", f'<div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>')


def _stages(record: RunRecord, facts: Mapping[str, Any]) -> str:
    stages = [(name, record.stages[name]) for name in STAGES if name in record.stages and record.stages[name].seconds]
    tried = record.counts.scored + record.counts.failed
    if not stages or not tried:
        return ""
    most = max(stage.seconds for _, stage in stages)
    rows = [
        (
            messages.STAGE_NAMES[name],
            stage.seconds / most,
            f"{stage.seconds:,.1f} s, {stage.photographs / stage.seconds:,.0f} photographs a second"
            + (f", {stage.bytes / stage.seconds / 1e6:,.1f} MB/s" if stage.bytes and name == "read" else ""),
        )
        for name, stage in stages
    ]
    rate = f"{tried / record.seconds:,.0f} photographs a second in all, start-up included. " if record.seconds else ""
    return section(
        "Where the time went",
        paragraph(rate + messages.bottleneck(facts.get("bottleneck", {}))),
        charts.bars(rows),
        paragraph(
            "Seconds of work, added up over threads and processes; reading and decoding work beside the network.",
            "muted",
        ),
    )


def _classes(facts: Mapping[str, Any]) -> str:
    seen = facts.get("seen")
    if not seen:
        return ""
    before, reference = facts["earlier"].get("top_label"), facts["reference"].get("top_label")
    slugs = sorted(seen["top_label"], key=lambda slug: (-seen["top_label"][slug], slug))
    rows = [
        (
            name_of(slug),
            seen["top_label"][slug],
            before and before.get(slug, 0.0),
            reference and reference.get(slug, 0.0),
        )
        for slug in slugs
    ]
    return section("Classes chosen", charts.mix(rows), paragraph(_compared(facts), "muted"))


def _compared(facts: Mapping[str, Any]) -> str:
    nights, n = facts["earlier"].get("nights", 0), facts["earlier"].get("n", 0)
    earlier = f"Earlier: {n:,} photographs of the last {nights} nights of this model. " if n else "No earlier nights. "
    reference = facts["reference"].get("n", 0)
    return earlier + (f"Reference: {reference:,} validation photographs of the bundle." if reference else "")


def _drift(facts: Mapping[str, Any]) -> str:
    seen = facts.get("seen")
    if not seen:
        return ""
    reference, before = facts["reference"].get("histograms", {}), facts["earlier"].get("histograms", {})
    judged = {name: facts["drift"][name] for name in ("bundle", "earlier")}
    pictures = "".join(
        charts.histogram(_column(name), bins, before.get(name), reference.get(name), _index(judged["bundle"], name))
        for name, bins in sorted(seen["histograms"].items())
    )
    return section(
        "How the probabilities are spread",
        paragraph(_verdict("the bundle's validation photographs", judged["bundle"])),
        paragraph(_verdict("the last nights", judged["earlier"])),
        f'<div class="grid">{pictures}</div>',
        paragraph(
            f"Blocks: tonight; line: earlier nights; dashes: reference; heights on a square-root scale. PSI is the "
            f"population stability index, a look from {LOOK}, a warning from {WARN}, judged from {FEWEST} photographs "
            "on. Another mix of patients moves it as well as a fault does.",
            "muted",
        ),
    )


def _column(name: str) -> str:
    return name_of(name.removeprefix(PROBABILITY_PREFIX)) if name.startswith(PROBABILITY_PREFIX) else "unlike training"


def _index(judged: Mapping[str, Any], name: str) -> str:
    return f"PSI {judged['columns'][name]:.2f}" if name in judged["columns"] else ""


def _verdict(of: str, judged: Mapping[str, Any]) -> str:
    if not judged["judged"]:
        return f"Against {of}: not judged, {judged['reason']}."
    worst, index = judged["worst"], judged["columns"][judged["worst"]]
    what = "the classes chosen" if worst == "top_label" else _column(worst).lower()
    said = {"calm": "nothing unusual", "look": "worth a look", "warn": "a warning"}[judged["level"]]
    return f"Against {of}: {said}; farthest is {what} with a PSI of {index:.2f}."


def _sample(facts: Mapping[str, Any]) -> str:
    sample = facts.get("sample", {})
    parts = [
        _table(
            "Least certain: the two likeliest classes lie closest.",
            ("photograph", "class chosen", "margin"),
            [
                (row["photograph"], name_of(row["top_label"]), f"{row['margin']:.3f}")
                for row in sample.get("least_certain", ())
            ],
        ),
        _table(
            "Most moved: farthest from what the same model said of them before.",
            ("photograph", "before", "now", "moved"),
            [
                (row["photograph"], name_of(row["from"]), name_of(row["to"]), f"{row['distance']:.3f}")
                for row in sample.get("most_moved", ())
            ],
        ),
    ]
    if sample.get("suspicious"):
        parts += [
            paragraph(NO_DIAGNOSIS, "warning"),
            _table(
                "Largest probabilities of melanoma.",
                ("photograph", "probability"),
                [(row["photograph"], f"{row['p_melanoma']:.3f}") for row in sample["suspicious"]],
            ),
        ]
    if not any(parts):
        return ""
    how = (
        "Names are keyed hashes; `melanoma explain TABLE HASH` tells whoever may read the table which photograph it is."
    )
    return section("A sample for quality control", paragraph(how, "muted"), *parts)


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escaped(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + f"<td><code>{escaped(row[0])}</code></td>"
        + "".join(f"<td>{escaped(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<h3>{escaped(title)}</h3><div class="scroll">{table}</div>'
