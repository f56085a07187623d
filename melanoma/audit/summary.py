"""An audit's findings as counts: by kind, by side, and for each set."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.sets import Sets
from melanoma.labels import name_of


@dataclass(frozen=True)
class FindingGroup:
    """Findings of one kind and basis, between the same two sides or labels.

    Attributes:
        kind: What is wrong.
        basis: How it is known.
        first: The larger side, the more common label, or the reference's label; the side itself if there is only one.
        second: The smaller side, the rarer label, or the label that the reference contradicts; empty if there is none.
        findings: Indices of the findings.
        of: Number of photographs of `second`, or of the only side; None where pairs are counted, not photographs.
    """

    kind: Kind
    basis: Basis
    first: str
    second: str
    findings: tuple[int, ...]
    of: int | None

    @property
    def where(self) -> str:
        """The two sides or labels, as text for people."""
        first, second = self._names
        if self.basis is Basis.REFERENCE:
            return f"{second}, {first} in the reference"
        return f"{second} and {first}" if second else first

    @property
    def out_of(self) -> str:
        """The total that the count is part of, as text for people."""
        if self.of is None:
            return "pair" if len(self.findings) == 1 else "pairs"
        first, second = self._names
        return f"of {self.of:,} {second or first}"

    @property
    def _names(self) -> tuple[str, str]:
        if self.kind is not Kind.LABELS:
            return self.first, self.second
        return name_of(self.first).lower(), name_of(self.second).lower()


@dataclass(frozen=True)
class SetSummary:
    """One set in numbers; the fields are the keys of a set in audit.json, in this order.

    Attributes:
        name: Name of the set.
        uri: Its folder or table.
        photographs: Number of photographs.
        contents: Number of different images, by their bytes.
        groups: Number of lesions or patients.
        absent: Number of table rows whose photograph is below no root.
        broken: Number of files that cannot be read or decoded.
        labels: Number of photographs by label.
        parts: Number of photographs by part of a split.
    """

    name: str
    uri: str
    photographs: int
    contents: int
    groups: int
    absent: int
    broken: int
    labels: dict[str, int]
    parts: dict[str, int]


def group_findings(sets: Sets, findings: Sequence[Finding]) -> list[FindingGroup]:
    """Groups findings by kind, basis, and the two sides or labels that they are between.

    Returns:
        The groups, sorted by kind, then by basis, then by size with the largest first.
    """
    labels, sides = [photograph.label for photograph in sets.photographs], sets.sides
    label_sizes, side_sizes = Counter(labels), Counter(sides)
    members: dict[tuple[Kind, Basis, str, str], list[int]] = {}
    for index, finding in enumerate(findings):
        marks = labels if finding.kind is Kind.LABELS else sides
        first, second = marks[finding.first], "" if finding.second is None else marks[finding.second]
        if finding.basis is Basis.REFERENCE:
            first, second = finding.detail, first
        members.setdefault((finding.kind, finding.basis, first, "" if first == second else second), []).append(index)
    groups = []
    for (kind, basis, first, second), indices in members.items():
        pairs = kind is Kind.GROUPS or (kind, basis) == (Kind.DUPLICATE, Basis.NEAR)
        size = (label_sizes if kind is Kind.LABELS else side_sizes)[second or first]
        groups.append(FindingGroup(kind, basis, first, second, tuple(indices), None if pairs else size))
    kinds, bases = list(Kind), list(Basis)
    return sorted(groups, key=lambda group: (kinds.index(group.kind), bases.index(group.basis), -len(group.findings)))


def count_affected(findings: Sequence[Finding]) -> dict[Kind, int]:
    """Returns the number of photographs that findings of each kind affect, counting each photograph once."""
    indices: dict[Kind, set[int]] = {kind: set() for kind in Kind}
    for finding in findings:
        indices[finding.kind] |= {finding.first} | ({finding.second} if finding.second is not None else set())
    return {kind: len(found) for kind, found in indices.items()}


def summarise_sets(sets: Sets, unreadable: Mapping[int, str]) -> list[SetSummary]:
    """Returns the numbers of each set.

    Args:
        sets: The photographs.
        unreadable: Kind of error by index of photograph.
    """
    return [_summarise(sets, name, unreadable) for name in sets.sources]


def _summarise(sets: Sets, name: str, unreadable: Mapping[int, str]) -> SetSummary:
    indices = [index for index, of in enumerate(sets.names) if of == name]
    photographs = [sets.photographs[index] for index in indices]
    return SetSummary(
        name=name,
        uri=sets.sources[name],
        photographs=len(photographs),
        contents=len({photograph.sha256 for photograph in photographs}),
        groups=len({photograph.group for photograph in photographs}),
        absent=sets.absent[name],
        broken=sum(index in unreadable for index in indices),
        labels=dict(Counter(photograph.label for photograph in photographs if photograph.label)),
        parts=dict(Counter(sets.parts[index] for index in indices if sets.parts[index])),
    )
