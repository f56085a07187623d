"""A night's figures in the text format that Prometheus collects from files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from melanoma import storage
from melanoma.runs.records import COMMITTED, NOTHING_NEW, RunRecord

_PREFIX = "melanoma"
_OUTCOMES = ("scored", "failed", "skipped", "duplicates", "deferred")
Sample = tuple[Mapping[str, str], float]


def text(nights: Iterable[tuple[RunRecord, Mapping[str, Any]]], now: float, last_success: float | None) -> str:
    """Spells the last night of each model.

    Args:
        nights: Records and facts, one a model.
        now: Seconds since 1970, the end of the night.
        last_success: The same for the last night that committed or had nothing to do; None if there was none.

    Returns:
        Lines of the exposition format, version 0.0.4; no label names a photograph.
    """
    nights = list(nights)
    families = [
        ("photographs", "Photographs of the last night, by what became of them.", _photographs(nights)),
        ("failures", "Failed photographs of the last night, by kind.", _failures(nights)),
        ("seconds", "Length of the last night.", [(_of(r), r.seconds) for r, _ in nights if r.seconds is not None]),
        ("stage_seconds", "Work of the last night, summed over threads.", _stages(nights)),
        ("warnings", "Warnings of the last night.", [(_of(r), len(r.warnings)) for r, _ in nights]),
        ("drift", "Population stability index, the largest of all columns.", _drift(nights)),
        ("table_version", "Of the score table.", [(_of(r), r.table_version) for r, _ in nights if r.table_version]),
        ("ok", "Whether the last night committed or had nothing to do.", [(_of(r), _ok(r)) for r, _ in nights]),
        ("end_timestamp_seconds", "When the last night ended.", [({}, now)]),
        ("success_timestamp_seconds", "When the last good night ended.", [({}, last_success)] if last_success else []),
    ]
    return "".join(line for family in families for line in _lines(*family))


def last_success_in(path: str) -> float | None:
    """Gives when the last good night ended, as the file that is to be replaced says; None if it does not.

    Args:
        path: Of that file.
    """
    uri, name = storage.canonical(path), f"{_PREFIX}_success_timestamp_seconds "
    if not storage.exists(uri):
        return None
    lines = storage.read_bytes(uri).decode(errors="replace").splitlines()
    values = [line.removeprefix(name) for line in lines if line.startswith(name)]
    try:
        return float(values[0]) if values else None
    except ValueError:
        return None


def _of(record: RunRecord) -> dict[str, str]:
    return {"model": record.model_id}


def _ok(record: RunRecord) -> int:
    return int(record.outcome in (COMMITTED, NOTHING_NEW))


def _photographs(nights: Iterable[tuple[RunRecord, Any]]) -> Iterator[Sample]:
    for record, _ in nights:
        yield from ((_of(record) | {"outcome": name}, getattr(record.counts, name)) for name in _OUTCOMES)


def _failures(nights: Iterable[tuple[RunRecord, Any]]) -> Iterator[Sample]:
    for record, _ in nights:
        yield from ((_of(record) | {"kind": kind}, count) for kind, count in sorted(record.failures.items()))


def _stages(nights: Iterable[tuple[RunRecord, Any]]) -> Iterator[Sample]:
    for record, _ in nights:
        yield from ((_of(record) | {"stage": name}, stage.seconds) for name, stage in record.stages.items())


def _drift(nights: Iterable[tuple[RunRecord, Mapping[str, Any]]]) -> Iterator[Sample]:
    for record, facts in nights:
        for against, found in facts.get("drift", {}).items():
            if found["judged"]:
                yield _of(record) | {"against": against}, found["columns"][found["worst"]]


def _lines(name: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    samples = list(samples)
    if samples:
        yield f"# HELP {_PREFIX}_{name} {meaning}\n# TYPE {_PREFIX}_{name} gauge\n"
    for labels, value in samples:
        # Model ids, stages and kinds hold nothing that would have to be escaped.
        said = ",".join(f'{key}="{label}"' for key, label in labels.items())
        yield f"{_PREFIX}_{name}{{{said}}} {value:.15g}\n" if said else f"{_PREFIX}_{name} {value:.15g}\n"
