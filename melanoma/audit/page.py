"""An audit as a page for people: the counts on top, and below them the photographs side by side."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, groupby, zip_longest

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.page_parts import document, escaped, pair, paragraph, photograph, table, tile
from melanoma.audit.sets import Sets
from melanoma.audit.summary import Line, concerned, describe_sets, lines_of
from melanoma.audit.thumbnails import thumbnail
from melanoma.datasets.cleaning import contradict
from melanoma.labels import name_of

TITLES = {
    Kind.LEAK: "Leaks",
    Kind.LABELS: "Contradictory labels",
    Kind.GROUPS: "Divided groups",
    Kind.DUPLICATE: "Duplicates",
    Kind.BROKEN: "Broken files",
}
MEANINGS = {
    Kind.LEAK: "Photographs that two sides share. Whoever trains on one side and tests on the other is told too good "
    "a figure.",
    Kind.LABELS: "Photographs under labels that cannot both be right. A coarse label does not contradict a finer one "
    "that it includes.",
    Kind.GROUPS: "Photographs that are one, under two lesions or patients: a split by group would part them.",
    Kind.DUPLICATE: "Photographs that one side shows more than once: they count for more than they should.",
    Kind.BROKEN: "Files that give no picture.",
}
KNOWN_BY = {
    Basis.CONTENT: "identical bytes",
    Basis.NEAR: "near duplicate",
    Basis.ID: "same id",
    Basis.GROUP: "same lesion or patient",
    Basis.REFERENCE: "reference",
    Basis.DECODER: "decoder",
}
_PRIVATE = (
    "This page holds photographs, their names and labels, which may be data of patients. Keep it where the photographs "
    "are kept; do not publish or mail it."
)
_NO_DIAGNOSIS = "Labels are quoted as they were found. Nothing here diagnoses anybody."


def page(sets: Sets, findings: Sequence[Finding], refused: Mapping[int, str], examples: int) -> str:
    """Writes the page of an audit.

    Args:
        sets: What was looked at.
        findings: As `audit` gives them.
        refused: Kind of error by index of photograph.
        examples: Pairs shown at most of each kind and way of knowing, 0 or more; the rest is in findings.csv.

    Returns:
        One self-contained HTML file with small copies of the photographs.
    """
    lines, counts = lines_of(sets, findings), concerned(findings)
    tiles = [tile(f"{counts[kind]:,}", TITLES[kind], MEANINGS[kind], _colour(kind, counts[kind])) for kind in Kind]
    parts = [
        paragraph(_PRIVATE, "warning"),
        paragraph(_NO_DIAGNOSIS, "muted"),
        f'<div class="tiles">{"".join(tiles)}</div>',
        paragraph("Each number counts photographs that are concerned, each once.", "muted"),
        _sets_table(sets, refused),
        _lines_table(lines) if lines else "",
    ]
    show = lru_cache(maxsize=None)(thumbnail)
    for kind, of_kind in groupby(lines, lambda line: line.kind):
        parts += [f"<h2>{escaped(TITLES[kind])}</h2>", paragraph(MEANINGS[kind])]
        shown: set[tuple[int, int | None]] = set()
        for basis, group in groupby(of_kind, lambda line: line.basis):
            parts.append(_examples(sets, findings, basis, list(group), examples, shown, show))
    return document("Audit of labelled photographs", *parts)


def _colour(kind: Kind, count: int) -> str:
    if not count:
        return "good"
    return "bad" if kind in (Kind.LEAK, Kind.LABELS) else ""


def _sets_table(sets: Sets, refused: Mapping[int, str]) -> str:
    rows = []
    for of in describe_sets(sets, refused):
        parts = ", ".join(f"{part} {count:,}" for part, count in of["parts"].items()) or "–"
        numbers = (of["photographs"], of["contents"], of["groups"], len(of["labels"]), of["broken"], of["absent"])
        rows.append([of["name"], parts, *(f"{number:,}" for number in numbers)])
    head = ["Set", "Parts", "Photographs", "Contents", "Groups", "Labels", "Broken", "Listed but absent"]
    return "<h2>What was looked at</h2>" + table(head, rows, range(2, 8))


def _lines_table(lines: Sequence[Line]) -> str:
    rows = [
        [TITLES[line.kind], line.where, KNOWN_BY[line.basis], f"{len(line.findings):,}", line.share] for line in lines
    ]
    note = (
        "Each way of knowing is followed by itself: a pair with identical bytes and the same id is in both lines. "
        "Below, the least alike pairs come first: they are the ones to doubt."
    )
    head = ["Finding", "Where", "Known by", "Count", ""]
    return "<h2>What was found</h2>" + paragraph(note) + table(head, rows, range(3, 4))


def _examples(
    sets: Sets,
    findings: Sequence[Finding],
    basis: Basis,
    lines: Sequence[Line],
    most: int,
    shown: set[tuple[int, int | None]],
    show: Callable[[str], str | None],
) -> str:
    """Shows some findings of every line in turn, the least alike first, none that the kind has shown already."""
    doubtful = [sorted(line.findings, key=lambda i: -(findings[i].distance or 0)) for line in lines]
    turns = [i for i in chain.from_iterable(zip_longest(*doubtful)) if i is not None]
    fresh = [i for i in turns if (findings[i].first, findings[i].second) not in shown][:most]
    above = sum((findings[i].first, findings[i].second) in shown for i in turns)
    shown |= {(findings[i].first, findings[i].second) for i in fresh}
    rest = len(turns) - len(fresh) - above
    notes = [f"{above:,} shown above"] if above else []
    notes += [f"{'and ' if fresh or above else ''}{rest:,} more in findings.csv"] if rest else []
    pairs = "".join(_pair(sets, findings[i], show) for i in fresh)
    return (
        f"<h3>Known by {escaped(KNOWN_BY[basis])} <small>{len(turns):,}</small></h3>"
        + (f'<div class="pairs">{pairs}</div>' if pairs else "")
        + (paragraph(", ".join(notes), "muted") if notes else "")
    )


def _pair(sets: Sets, finding: Finding, show: Callable[[str], str | None]) -> str:
    figures = []
    for index in (finding.first, finding.second):
        if index is not None:
            one = sets.photographs[index]
            group = f"group {one.group}" if one.group != one.image_id else ""
            label = name_of(one.label) if one.label else "no label"
            figures.append(photograph(show(one.uri), label, one.image_id, sets.sides[index], group))
    return pair(figures, _words(finding), _clash(sets, finding))


def _clash(sets: Sets, finding: Finding) -> bool:
    if finding.second is None:
        return finding.basis is Basis.REFERENCE
    first, second = (sets.photographs[index].label for index in (finding.first, finding.second))
    return bool(first and second) and contradict(first, second) and contradict(second, first)


def _words(finding: Finding) -> str:
    if finding.basis is Basis.REFERENCE:
        return f"the reference says {name_of(finding.detail).lower()}"
    if finding.basis is Basis.DECODER:
        return f"refused: {finding.detail}"
    looks = "looks not compared" if finding.distance is None else f"{finding.distance} of 256 bits differ"
    turned = ", one turned or mirrored" if finding.detail == "turned" else ""
    return f"{KNOWN_BY[finding.basis]}; {looks}{turned}"
