"""The record of a run: what it counted, what it cost, how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from melanoma import storage
from melanoma.json_values import to_json
from melanoma.redaction import redacted
from melanoma.runs.timeline import Timeline
from melanoma.table.layout import OutputLayout


@dataclass(frozen=True)
class Counts:
    """Numbers of photographs of one run; `listed` is the sum of the others but `ignored`.

    Attributes:
        listed: Found under the roots or in the manifests.
        scored: Committed with probabilities.
        failed: Committed with an error.
        skipped: Already in the table.
        duplicates: Listed more than once.
        deferred: Left for another run.
        ignored: Files that are not photographs; not among `listed`.
        other_shard: Left to runs of other shards.
    """

    listed: int = 0
    scored: int = 0
    failed: int = 0
    skipped: int = 0
    duplicates: int = 0
    deferred: int = 0
    ignored: int = 0
    other_shard: int = 0

    @property
    def add_up(self) -> bool:
        """Whether every listed photograph is accounted for exactly once."""
        settled = self.scored + self.failed + self.skipped + self.duplicates
        return self.listed == settled + self.deferred + self.other_shard


@dataclass(frozen=True)
class Stage:
    """Work of one kind in a run.

    Attributes:
        seconds: Summed over threads and workers.
        photographs: Number that passed.
        bytes: Number that passed; 0 where they are not counted.
    """

    seconds: float = 0.0
    photographs: int = 0
    bytes: int = 0

    def __add__(self, other: "Stage") -> "Stage":
        """Adds work of the same kind."""
        return Stage(self.seconds + other.seconds, self.photographs + other.photographs, self.bytes + other.bytes)


STAGES = ("list", "read", "decode", "infer", "stage", "commit")
COMMITTED, NOTHING_NEW, STORE_DOWN = "committed", "nothing_new", "store_down"
STOPPED, KILLED, REFUSED = "stopped", "killed", "refused"
SUCCESSFUL = frozenset({COMMITTED, NOTHING_NEW})


@dataclass(frozen=True)
class RunRecord:
    """What a run leaves under `_reports/`, also where it committed nothing; it names no photograph.

    Attributes:
        run_id: Id of the run.
        run_date: ISO date.
        model_id: Id of the model.
        outcome: `committed`, `nothing_new` or `store_down`; `stopped`, `killed` or `refused` (a person has to correct
            something first) where nothing was committed or counted.
        counts: Numbers of photographs.
        adopted: Rows that an earlier, killed run had staged; among `scored` and `failed`.
        table_version: Version after the commit; None where there is no table yet.
        failures: Failed photographs by `error_kind`.
        classes: Scored photographs by `top_label`.
        ignored: Ignored files by extension.
        stages: Work of each of `STAGES` that the run reached.
        workers: Number of processes that read and scored.
        warnings: Warnings for the operator; they name no photograph.
        seconds: Duration of the run; None where it is not known.
        reason: Why nothing was committed, for the operator; it names no photograph. Empty where none is known.
        model_name: Name of the bundle, for people; empty in the records of older versions.
        shard: The share of the photographs that the run scored, such as `1/4`; empty for all of them.
        other_waiting: Number of photographs of other shards that the table did not hold when this run listed them.
        absent_shards: Other shards that had no run when it was due, such as `3/4`.
        engine: Version of the engine that ran the network; of several workers, each one that differs. Empty where none
            ran, and in the records of older versions.
        timeline: When each worker did what, in the same seconds as `stages`; None if the run was not profiled.
    """

    run_id: str
    run_date: str
    model_id: str
    outcome: str
    counts: Counts
    adopted: int = 0
    table_version: int | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, Stage] = field(default_factory=dict)
    workers: int = 1
    warnings: Sequence[str] = ()
    seconds: float | None = None
    reason: str = ""
    model_name: str = ""
    shard: str = ""
    other_waiting: int = 0
    absent_shards: Sequence[str] = ()
    engine: str = ""
    timeline: Timeline | None = None

    def __post_init__(self) -> None:
        """Hides secrets of URIs in what is told to the operator."""
        object.__setattr__(self, "reason", redacted(self.reason))
        object.__setattr__(self, "warnings", tuple(map(redacted, self.warnings)))

    @property
    def is_successful(self) -> bool:
        """Whether the run committed its rows, or had nothing to commit."""
        return self.outcome in SUCCESSFUL


_OF_SHARDS = ("shard", "other_waiting", "absent_shards")


def as_document(record: RunRecord) -> dict[str, Any]:
    """Returns a record as JSON values; what only some runs have is left out elsewhere, for earlier versions."""
    document = asdict(replace(record, timeline=None))
    del document["timeline"]
    if record.timeline is not None:
        document["timeline"] = record.timeline.as_json()
    if not record.engine:
        del document["engine"]
    if not record.shard:
        for name in _OF_SHARDS:
            del document[name]
        del document["counts"]["other_shard"]
    return document


def write_record(layout: OutputLayout, record: RunRecord) -> None:
    """Writes the record of an ended run.

    Raises:
        NothingCommittedError: The store or the disk refused.
    """
    storage.write_bytes(layout.record(record.run_id), to_json(as_document(record)))
