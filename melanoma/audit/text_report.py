"""An audit as lines of text for a terminal, without names of photographs."""

from collections import Counter
from collections.abc import Mapping, Sequence

from melanoma.audit.findings import Finding
from melanoma.audit.sets import Sets
from melanoma.audit.summary import FindingGroup, SetSummary, count_affected, group_findings, summarise_sets
from melanoma.audit.wording import BASES, TITLES

_MAX_LINES = 6  # for each kind of finding and basis


def text_report(sets: Sets, findings: Sequence[Finding], unreadable: Mapping[int, str]) -> list[str]:
    """Returns the lines of a report: the sets, the findings in groups, and the number of photographs affected.

    Args:
        sets: The photographs.
        findings: What `audit` returned.
        unreadable: Kind of error by index of photograph.
    """
    summaries = summarise_sets(sets, unreadable)
    lines = [*_set_lines(summaries), *_part_lines(summaries), *_coverage_lines(sets), ""]
    if not findings:
        return [*lines, "nothing found: no leaks, contradictory labels, divided groups, duplicates or unreadable files"]
    counts = count_affected(findings)
    affected = ", ".join(f"{TITLES[kind].lower()} {count:,}" for kind, count in counts.items())
    return [*lines, *_group_lines(group_findings(sets, findings)), "", f"photographs affected: {affected}"]


def _set_lines(summaries: Sequence[SetSummary]) -> list[str]:
    rows: list[tuple[str, ...]] = [("set", "", "photographs", "images", "groups")]
    for one in summaries:
        absent = f"{one.absent:,} listed but absent" if one.absent else ""
        rows.append((one.name, absent, f"{one.photographs:,}", f"{one.contents:,}", f"{one.groups:,}"))
    return aligned(rows, range(2, 5))


def _part_lines(summaries: Sequence[SetSummary]) -> list[str]:
    """Returns the parts of each set that is a split: each part is a side of its own."""
    parts = {one.name: [f"{part} {count:,}" for part, count in one.parts.items()] for one in summaries if one.parts}
    return [f"{name}: compared by part: {', '.join(counts)}" for name, counts in parts.items()]


def _coverage_lines(sets: Sets) -> list[str]:
    """Returns where the labels and files of each table went, and a warning if a large share was left out."""
    lines = []
    for name, coverage in sets.coverage.items():
        if coverage.sentence():
            lines.append(f"{name}: {coverage.sentence()}")
        if left_out := coverage.warning():
            lines.append(f"WARNING: {name}: {left_out}")
    return lines


def _group_lines(groups: Sequence[FindingGroup]) -> list[str]:
    rows: list[tuple[str, ...]] = [("finding", "where", "known by", "count", "")]
    numbers = Counter[tuple[str, str]]()
    for group in groups:
        numbers[group.kind, group.basis] += 1
        if numbers[group.kind, group.basis] <= _MAX_LINES:
            count = f"{len(group.findings):,}"
            rows.append((TITLES[group.kind].lower(), group.where, BASES[group.basis], count, group.out_of))
    lines = aligned(rows, range(3, 4))
    if hidden := sum(max(0, number - _MAX_LINES) for number in numbers.values()):
        lines.append(f"lines with smaller counts: {hidden}, in audit.json under --output")
    return lines


def aligned(rows: Sequence[Sequence[str]], numbers: range) -> list[str]:
    """Returns rows as lines of aligned columns.

    Args:
        rows: Cells of each row; columns that are empty in every row are left out.
        numbers: Columns that are aligned to the right.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            if width
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
