"""An audit's findings as counts for people, as rows for spreadsheets and as JSON for programs."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.perceptual_hash import NEAR, NEAR_TURNED
from melanoma.audit.sets import Sets
from melanoma.labels import name_of

FORMAT = 1
_OF_EACH = ("id", "uri", "label", "group", "set", "part")


@dataclass(frozen=True)
class Line:
    """Findings of one kind, known in one way, between the same two sides or labels.

    Attributes:
        kind: What is wrong.
        basis: How it is known.
        first: The larger side, the commoner label, the reference's label; the side itself where there is but one.
        second: The smaller side, the rarer label, the label that the reference contradicts; empty where there is none.
        findings: Indices of the findings.
        of: Photographs of the second, or of the only side; None where pairs are counted, not photographs.
    """

    kind: Kind
    basis: Basis
    first: str
    second: str
    findings: tuple[int, ...]
    of: int | None

    @property
    def where(self) -> str:
        """For people: the two sides or labels."""
        first, second = self._names
        if self.basis is Basis.REFERENCE:
            return f"{second}, {first} by the reference"
        return f"{second} and {first}" if second else first

    @property
    def share(self) -> str:
        """For people: of how many."""
        first, second = self._names
        return "pairs" if self.of is None else f"of {self.of:,} {second or first}"

    @property
    def _names(self) -> tuple[str, str]:
        if self.kind is not Kind.LABELS:
            return self.first, self.second
        return name_of(self.first).lower(), name_of(self.second).lower()


def lines_of(sets: Sets, findings: Sequence[Finding]) -> list[Line]:
    """Counts findings by what people ask for: which side, which labels; in the order of the findings, large first."""
    labels, sides = [photograph.label for photograph in sets.photographs], sets.sides
    labelled, sized = Counter(labels), Counter(sides)
    members: dict[tuple[Kind, Basis, str, str], list[int]] = {}
    for index, finding in enumerate(findings):
        marks = labels if finding.kind is Kind.LABELS else sides
        first, second = marks[finding.first], "" if finding.second is None else marks[finding.second]
        if finding.basis is Basis.REFERENCE:
            first, second = finding.detail, first
        members.setdefault((finding.kind, finding.basis, first, "" if first == second else second), []).append(index)
    lines = []
    for (kind, basis, first, second), indices in members.items():
        pairs = kind is Kind.GROUPS or (kind, basis) == (Kind.DUPLICATE, Basis.NEAR)
        of = (labelled if kind is Kind.LABELS else sized)[second or first]
        lines.append(Line(kind, basis, first, second, tuple(indices), None if pairs else of))
    kinds, bases = list(Kind), list(Basis)
    return sorted(lines, key=lambda line: (kinds.index(line.kind), bases.index(line.basis), -len(line.findings)))


def concerned(findings: Sequence[Finding]) -> dict[Kind, int]:
    """Counts the photographs that findings of each kind concern, each photograph once."""
    indices: dict[Kind, set[int]] = {kind: set() for kind in Kind}
    for finding in findings:
        indices[finding.kind] |= {finding.first} | ({finding.second} if finding.second is not None else set())
    return {kind: len(found) for kind, found in indices.items()}


def to_csv(sets: Sets, findings: Sequence[Finding]) -> bytes:
    """Lists every finding: kind, basis, distance, detail, and of both photographs id, uri, label, group, set, part."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = [f"{which}_{name}" for which in ("first", "second") for name in _OF_EACH]
    writer.writerow(["kind", "basis", "distance", "detail", *columns])
    for kind, basis, first, second, distance, detail in findings:
        writer.writerow([kind, basis, distance, detail, *_cells(sets, first), *_cells(sets, second)])
    return file.getvalue().encode()


def _cells(sets: Sets, index: int | None) -> list[str]:
    if index is None:
        return [""] * len(_OF_EACH)
    photograph = sets.photographs[index]
    about = [photograph.image_id, photograph.uri, photograph.label, photograph.group]
    return [*about, sets.names[index], sets.parts[index]]


def describe_sets(sets: Sets, refused: Mapping[int, str]) -> list[dict[str, Any]]:
    """Describes each set: name, uri, photographs, contents, groups, absent rows, broken files, labels, parts."""
    described = []
    for name, uri in sets.sources.items():
        indices = [index for index, of in enumerate(sets.names) if of == name]
        photographs = [sets.photographs[index] for index in indices]
        described.append(
            {
                "name": name,
                "uri": uri,
                "photographs": len(photographs),
                "contents": len({photograph.sha256 for photograph in photographs}),
                "groups": len({photograph.group for photograph in photographs}),
                "absent": sets.absent[name],
                "broken": sum(index in refused for index in indices),
                "labels": dict(Counter(photograph.label for photograph in photographs if photograph.label)),
                "parts": dict(Counter(sets.parts[index] for index in indices if sets.parts[index])),
            }
        )
    return described


def to_json(sets: Sets, findings: Sequence[Finding], refused: Mapping[int, str]) -> bytes:
    """Gives the counts of an audit; names of photographs are in the rows of `to_csv` alone."""
    lines = [
        {
            "kind": line.kind,
            "basis": line.basis,
            "first": line.first,
            "second": line.second,
            "findings": len(line.findings),
            "of": line.of,
        }
        for line in lines_of(sets, findings)
    ]
    account = {
        "format": FORMAT,
        "near_bits": {"upright": NEAR, "turned": NEAR_TURNED, "of": 256},
        "sets": describe_sets(sets, refused),
        "photographs_concerned": concerned(findings),
        "findings": lines,
    }
    return json.dumps(account, indent=1, ensure_ascii=False).encode()
