"""One run: who it is, what it writes under which names, and the record that it leaves."""

import datetime
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from melanoma import storage
from melanoma.bundle import Bundle, to_json
from melanoma.images import DECODER
from melanoma.schema import SCHEMA_VERSION, score_schema

REPORTS, STAGING = "_reports", "_staging"
_TIME = "%Y%m%dT%H%M%SZ"
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True)
class Run:
    """One start of the job over one output with one model.

    Attributes:
        run_id: UTC start and 8 hex digits of its milliseconds and chance; sorts by time.
        run_date: Local date at the start, fixed for the run.
        output: Canonical URI of the score table.
        model_id: Of the bundle.
        fingerprint: 16 hex digits over model, decoder, engine and schema: what staged rows must share to be adopted.
        schema: Of the rows that this run writes.
        table_version: Version of the table that the run planned against; None before there is one.
        rescore: Whether photographs that the table holds are scored again.
        retry_failed: Whether every failed photograph is tried again, whatever its failure and its turn.
        deadline: UTC; no chunk is begun after it. None for no such time.
    """

    run_id: str
    run_date: datetime.date
    output: str
    model_id: str
    fingerprint: str
    schema: pa.Schema
    table_version: int | None
    rescore: bool = False
    retry_failed: bool = False
    deadline: datetime.datetime | None = None

    @property
    def started(self) -> datetime.datetime:
        """UTC start, as the run's id tells it."""
        return started_at(self.run_id)

    @property
    def staging(self) -> str:
        """Folder of this run's staged files."""
        return storage.join(self.output, STAGING, self.fingerprint, self.run_id)

    @property
    def record_uri(self) -> str:
        """Where the run's record lies when it has ended."""
        return record_uri(self.output, self.run_id)


@dataclass(frozen=True)
class ModelRun:
    """One model of a night.

    Attributes:
        run: Who writes what where.
        bundle: The model.
    """

    run: Run
    bundle: Bundle


def new_run(output: str, bundle: Bundle, kept: pa.Schema, table_version: int | None, date: datetime.date | None) -> Run:
    """Starts a run now.

    Args:
        output: URI or path of the score table.
        bundle: The model.
        kept: Columns carried over from a manifest.
        table_version: Of the score table as it is now, None if there is none.
        date: Stands for today's local date if given.
    """
    now = datetime.datetime.now(datetime.UTC)
    schema = score_schema(bundle.slugs, kept)
    return Run(
        # Ids sort by time: two runs of one second are told apart by their milliseconds before chance comes in.
        run_id=f"{time_stamp(now)}-{now.microsecond // 1000:03x}{secrets.randbits(20):05x}",
        run_date=date or datetime.date.today(),
        output=storage.canonical(output),
        model_id=bundle.model_id,
        fingerprint=fingerprint_of(bundle.model_id, schema),
        schema=schema,
        table_version=table_version,
    )


def time_stamp(moment: datetime.datetime) -> str:
    """Spells a moment, UTC, as run ids begin with it; sorts by time."""
    return moment.strftime(_TIME)


def started_at(run_id: str) -> datetime.datetime:
    """Gives the UTC start that a run's id begins with."""
    return datetime.datetime.strptime(run_id.split("-")[0], _TIME).replace(tzinfo=datetime.UTC)


def fingerprint_of(model_id: str, schema: pa.Schema) -> str:
    """Digests everything that a staged row depends on but does not say."""
    parts = [model_id, DECODER, version("tensorflow"), version("keras"), str(SCHEMA_VERSION), schema.to_string()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Counts:
    """Photographs of one run; `listed` is the sum of the others but `ignored`.

    Attributes:
        listed: Found under the roots or in the manifests.
        scored: Committed with probabilities.
        failed: Committed with an error.
        skipped: Already in the table.
        duplicates: Listed more than once.
        deferred: Left for another night.
        ignored: Files that are no photographs; not among `listed`.
    """

    listed: int = 0
    scored: int = 0
    failed: int = 0
    skipped: int = 0
    duplicates: int = 0
    deferred: int = 0
    ignored: int = 0

    @property
    def add_up(self) -> bool:
        """Whether every listed photograph is accounted for exactly once."""
        return self.listed == self.scored + self.failed + self.skipped + self.duplicates + self.deferred


@dataclass(frozen=True)
class Stage:
    """Work of one kind in a run.

    Attributes:
        seconds: Summed over threads and workers.
        photographs: That passed.
        bytes: That passed; 0 where none are counted.
    """

    seconds: float = 0.0
    photographs: int = 0
    bytes: int = 0

    def __add__(self, other: "Stage") -> "Stage":
        """Adds work of the same kind."""
        return Stage(self.seconds + other.seconds, self.photographs + other.photographs, self.bytes + other.bytes)


STAGES = ("list", "read", "decode", "infer", "stage", "commit")
COMMITTED, NOTHING_NEW, STORE_DOWN = "committed", "nothing_new", "store_down"
STOPPED, KILLED = "stopped", "killed"


@dataclass(frozen=True)
class RunRecord:
    """What a run leaves under `_reports/`, also where it committed nothing; it names no photograph.

    Attributes:
        run_id: Of the run.
        run_date: ISO date.
        model_id: Of the bundle.
        outcome: `committed`, `nothing_new`, `store_down`; `stopped` or `killed` where nothing was committed and nothing
            counted.
        counts: Photographs.
        adopted: Rows that an earlier, killed run had staged; among `scored` and `failed`.
        table_version: After the commit; None where there is no table yet.
        failures: By kind.
        classes: Scored photographs by `top_label`.
        ignored: Ignored files by extension.
        stages: Work of each of `STAGES`; none of those that a run did not reach.
        workers: Processes that read and scored.
        warnings: For the operator; they name no photograph.
        seconds: From the start to the end of the run; None where it was not told.
        reason: Why nothing was committed, for the operator; it names no photograph. Empty where none is known.
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


def write_record(output: str, record: RunRecord) -> None:
    """Leaves the record of an ended run."""
    storage.write_bytes(record_uri(output, record.run_id), to_json(asdict(record)))


def read_record(run: Run) -> RunRecord | None:
    """Reads the record of an ended run; None if it has not ended."""
    if not storage.exists(run.record_uri):
        return None
    return record_of(json.loads(storage.read_bytes(run.record_uri)))


def record_uri(output: str, run_id: str) -> str:
    """Says where a run's record lies when it has ended."""
    return storage.join(storage.canonical(output), REPORTS, f"{run_id}.json")


def record_of(document: Mapping[str, Any]) -> RunRecord:
    """Reads a record from JSON that may hold more."""
    known = {name: document[name] for name in RunRecord.__dataclass_fields__ if name in document}
    stages = {name: Stage(**stage) for name, stage in known.get("stages", {}).items()}
    said = {"counts": Counts(**known["counts"]), "stages": stages, "warnings": tuple(known.get("warnings", ()))}
    return RunRecord(**{**known, **said})
