"""An audit's findings as files that programs read: findings.csv and audit.json."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from melanoma.audit.findings import Finding
from melanoma.audit.perceptual_hash import HASH_BITS, NEAR_BITS, NEAR_BITS_TURNED
from melanoma.audit.sets import Sets
from melanoma.audit.summary import count_affected, group_findings, summarise_sets
from melanoma.audit.ties import Tie, tie_values

FORMAT = 1  # of audit.json
_PHOTOGRAPH_COLUMNS = ("id", "uri", "label", "group", "set", "part")


def to_csv(sets: Sets, findings: Sequence[Finding]) -> bytes:
    """Returns a CSV file with a row for each finding.

    The columns are kind, basis, distance, detail, and id, uri, label, group, set and part of both photographs.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = [f"{which}_{name}" for which in ("first", "second") for name in _PHOTOGRAPH_COLUMNS]
    writer.writerow(["kind", "basis", "distance", "detail", *columns])
    for kind, basis, first, second, distance, detail in findings:
        writer.writerow([kind, basis, distance, detail, *_cells(sets, first), *_cells(sets, second)])
    return file.getvalue().encode()


def _cells(sets: Sets, index: int | None) -> list[str]:
    if index is None:
        return [""] * len(_PHOTOGRAPH_COLUMNS)
    photograph = sets.photographs[index]
    return [
        *(photograph.image_id, photograph.uri, photograph.label, photograph.group),
        *(sets.names[index], sets.parts[index]),
    ]


def to_json(sets: Sets, findings: Sequence[Finding], unreadable: Mapping[int, str], ties: Sequence[Tie] = ()) -> bytes:
    """Returns the counts of an audit as JSON, without names of photographs; those are in findings.csv only."""
    document = {
        "format": FORMAT,
        "near_bits": {"upright": NEAR_BITS, "turned": NEAR_BITS_TURNED, "of": HASH_BITS},
        "sets": [asdict(summary) for summary in summarise_sets(sets, unreadable)],
        "photographs_concerned": count_affected(findings),
        "findings": [
            {
                "kind": group.kind,
                "basis": group.basis,
                "first": group.first,
                "second": group.second,
                "findings": len(group.findings),
                "of": group.of,
            }
            for group in group_findings(sets, findings)
        ],
        "ties": tie_values(ties),
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode()
