"""An audit as an HTML page: the counts, and below them the photographs side by side."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, groupby, zip_longest
from typing import NamedTuple

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.page_parts import document, escaped, pair, paragraph, photograph, table, tile
from melanoma.audit.sets import Sets
from melanoma.audit.summary import FindingGroup, count_affected, group_findings, summarise_sets
from melanoma.audit.thumbnails import thumbnail
from melanoma.audit.ties import Tie, tie_lines
from melanoma.audit.wording import BASES, MEANINGS, TITLES, describe
from melanoma.datasets.reference import contradict_each_other
from melanoma.labels import name_of

_PRIVATE = (
    "This page holds photographs with their names and labels, which may be patient data. Keep it where the photographs "
    "are kept; do not publish it or send it by email."
)
_NO_DIAGNOSIS = "Labels are quoted as found. Nothing here is a diagnosis."
_NOTE = (
    "Each basis is counted separately: a pair with identical bytes and the same id is in both lines. Below, the pairs "
    "that look least alike come first: they are the most doubtful ones."
)


def page(
    sets: Sets,
    findings: Sequence[Finding],
    unreadable: Mapping[int, str],
    max_examples: int,
    ties: Sequence[Tie] = (),
) -> str:
    """Returns the page of an audit, one self-contained HTML file with small copies of the photographs.

    Args:
        sets: The photographs.
        findings: What `audit` returned.
        unreadable: Kind of error by index of photograph.
        max_examples: Largest number of pairs to show for each kind and basis, 0 or more; the rest is in findings.csv.
        ties: Traits other than the lesion that predict the class.
    """
    groups, counts = group_findings(sets, findings), count_affected(findings)
    tiles = [tile(f"{counts[kind]:,}", TITLES[kind], MEANINGS[kind], _colour(kind, counts[kind])) for kind in Kind]
    parts = [
        paragraph(_PRIVATE, "warning"),
        paragraph(_NO_DIAGNOSIS, "muted"),
        f'<div class="tiles">{"".join(tiles)}</div>',
        paragraph("Number of photographs affected; each photograph counts once.", "muted"),
        _sets_table(sets, unreadable),
        _groups_table(groups) if groups else "",
        _ties(ties),
    ]
    examples = _Examples(sets, findings, max_examples)
    for kind, of_kind in groupby(groups, lambda group: group.kind):
        parts += [f"<h2>{escaped(TITLES[kind])}</h2>", paragraph(MEANINGS[kind])]
        parts += [examples.show(kind, basis, list(of)) for basis, of in groupby(of_kind, lambda group: group.basis)]
    return document("Audit of labelled photographs", *parts)


def _colour(kind: Kind, count: int) -> str:
    if not count:
        return "good"
    return "bad" if kind in (Kind.LEAK, Kind.LABELS) else ""


def _ties(ties: Sequence[Tie]) -> str:
    lines = [paragraph(line) for line in tie_lines(ties)]
    return "<h2>Class and source</h2>" + "".join(lines) if lines else ""


def _sets_table(sets: Sets, unreadable: Mapping[int, str]) -> str:
    rows = []
    for one in summarise_sets(sets, unreadable):
        parts = ", ".join(f"{part} {count:,}" for part, count in one.parts.items()) or "–"
        numbers = (one.photographs, one.contents, one.groups, len(one.labels), one.broken, one.absent)
        rows.append([one.name, parts, *(f"{number:,}" for number in numbers)])
    head = ["Set", "Parts", "Photographs", "Different images", "Groups", "Labels", "Unreadable", "Listed but absent"]
    return "<h2>Sets</h2>" + table(head, rows, range(2, 8))


def _groups_table(groups: Sequence[FindingGroup]) -> str:
    rows = [
        [TITLES[group.kind], group.where, BASES[group.basis], f"{len(group.findings):,}", group.out_of]
        for group in groups
    ]
    head = ["Finding", "Where", "Known by", "Count", ""]
    return "<h2>Findings</h2>" + paragraph(_NOTE) + table(head, rows, range(3, 4))


class _Shown(NamedTuple):
    """Two photographs that the page shows under one kind of finding."""

    kind: Kind
    first: int
    second: int | None


class _Examples:
    """Examples of findings; those of one kind show every pair once.

    Args:
        sets: The photographs.
        findings: All findings.
        limit: Largest number of pairs for each kind and basis.
    """

    def __init__(self, sets: Sets, findings: Sequence[Finding], limit: int) -> None:
        self._sets, self._findings, self._limit = sets, findings, limit
        self._shown: set[_Shown] = set()
        self._thumbnail = lru_cache(maxsize=None)(thumbnail)

    def show(self, kind: Kind, basis: Basis, groups: Sequence[FindingGroup]) -> str:
        """Returns HTML with examples of each group in turn, those that look least alike first."""
        keys = {index: self._key(kind, index) for group in groups for index in group.findings}
        least_alike = [sorted(group.findings, key=self._closeness) for group in groups]
        in_turn = [index for index in chain.from_iterable(zip_longest(*least_alike)) if index is not None]
        fresh = [index for index in in_turn if keys[index] not in self._shown]
        examples, above = fresh[: self._limit], len(in_turn) - len(fresh)
        self._shown |= {keys[index] for index in examples}
        pairs = "".join(self._pair(self._findings[index]) for index in examples)
        note = _note(above, len(fresh) - len(examples), is_continued=bool(above or examples))
        return (
            f"<h3>Known by {escaped(BASES[basis])} <small>{len(in_turn):,}</small></h3>"
            + (f'<div class="pairs">{pairs}</div>' if pairs else "")
            + (paragraph(note, "muted") if note else "")
        )

    def _key(self, kind: Kind, index: int) -> _Shown:
        return _Shown(kind, self._findings[index].first, self._findings[index].second)

    def _closeness(self, index: int) -> int:
        return -(self._findings[index].distance or 0)

    def _pair(self, finding: Finding) -> str:
        figures = [self._figure(index) for index in (finding.first, finding.second) if index is not None]
        return pair(figures, describe(finding), self._conflicts(finding))

    def _figure(self, index: int) -> str:
        one = self._sets.photographs[index]
        label = name_of(one.label) if one.label else "no label"
        group = f"group {one.group}" if one.group != one.image_id else ""
        return photograph(self._thumbnail(one.uri), label, one.image_id, self._sets.sides[index], group)

    def _conflicts(self, finding: Finding) -> bool:
        """Returns whether the labels of a finding cannot both be right."""
        if finding.second is None:
            return finding.basis is Basis.REFERENCE
        first, second = (self._sets.photographs[index].label for index in (finding.first, finding.second))
        return bool(first and second) and contradict_each_other(first, second)


def _note(above: int, more: int, is_continued: bool) -> str:
    """Returns where to find the findings that are not shown here; empty if there are none."""
    notes = [f"{above:,} shown above"] if above else []
    notes += [f"{'and ' if is_continued else ''}{more:,} more in findings.csv"] if more else []
    return ", ".join(notes)
