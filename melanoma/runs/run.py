"""One run: its id, its model and output, and the policy that it follows."""

import datetime
import hashlib
import secrets
from dataclasses import dataclass

import pyarrow as pa

from melanoma import storage
from melanoma.ids import TIME_FORMAT
from melanoma.images.decoding import DECODER
from melanoma.model.bundle import Bundle
from melanoma.model.description import PORTABLE
from melanoma.model.engine import usable_engines
from melanoma.model.engine_names import AUTO, TENSORFLOW
from melanoma.model.engine_version import installed_version
from melanoma.runs.timeline import Timeline
from melanoma.runs.workers import WorkerSettings
from melanoma.shards import Shard
from melanoma.storage.temporary import temporary_root
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import SCHEMA_VERSION, score_schema


@dataclass(frozen=True)
class Run:
    """One start of the job over one output with one model.

    Attributes:
        run_id: UTC start, and 8 hex digits of milliseconds and random bits; sorts by time.
        run_date: Local date at the start.
        layout: Layout of the output folder.
        model_id: Id of the bundle's model.
        fingerprint: 16 hex digits over model, decoder, engine and schema: what staged rows must share to be adopted.
        schema: Columns of the rows that this run writes.
        table_version: Version of the table that the run was planned against; None before there is a table.
        rescore: Whether photographs that the table holds are scored again.
        retry_failed: Whether every failed photograph is tried again, whatever its error and its turn.
        deadline: UTC; no photograph is begun after it. None for no deadline.
        scratch: Path of a folder on the machine that started the run, which need not exist; empty for none. A worker
            there leaves the error that ends the run in it if the output takes no files any more.
        model_name: Name of the bundle, for people.
        engine: Name and version of the engine that is expected to run the network, as far as `installed_version` knows
            it; empty for any. What another one scored and left staged is not adopted.
        clock_behind: How far this machine's clock is behind the newest row of the table; zero where it is ahead of it.
            Each row's time is later by this much, so that the newest row is the one that was committed last.
        object_timeout: Seconds that a worker waits for one object, all tries together.
        shard: The share of the photographs that the run scores; None for all of them.
        workers: What worker processes must be told that may outlive the process that started the run; None where all of
            them end with it.
        is_profiled: Whether it is noted when each worker did what, see `melanoma.runs.timeline`.
    """

    run_id: str
    run_date: datetime.date
    layout: OutputLayout
    model_id: str
    fingerprint: str
    schema: pa.Schema
    table_version: int | None
    rescore: bool = False
    retry_failed: bool = False
    deadline: datetime.datetime | None = None
    scratch: str = ""
    model_name: str = ""
    engine: str = ""
    clock_behind: datetime.timedelta = datetime.timedelta(0)
    object_timeout: float = storage.DEFAULT_SECONDS
    shard: Shard | None = None
    workers: WorkerSettings | None = None
    is_profiled: bool = False

    @property
    def started(self) -> datetime.datetime:
        """UTC start, from the run's id."""
        return started_at(self.run_id)

    @property
    def shard_text(self) -> str:
        """The shard in the form `1/4`; empty for all photographs."""
        return str(self.shard or "")

    def timeline(self) -> Timeline | None:
        """Returns an empty timeline for the work of this process; None if the run is not profiled."""
        return Timeline.here(self.started.timestamp()) if self.is_profiled else None

    def worked(self, stage: str, seconds: float) -> Timeline | None:
        """Returns a timeline of work of this process that has just ended; None if the run is not profiled.

        Args:
            stage: One of `melanoma.runs.records.STAGES`.
            seconds: How long the work took.
        """
        if (timeline := self.timeline()) is not None:
            timeline.add(stage, seconds)
        return timeline

    def now(self) -> datetime.datetime:
        """Returns the UTC time for a row: a hybrid logical clock (Kulkarni and others, 2014, arXiv 1401.2535v1)."""
        return datetime.datetime.now(datetime.UTC) + self.clock_behind

    @property
    def staging(self) -> str:
        """Folder of this run's staged files."""
        return self.layout.staging_of_run(self.fingerprint, self.run_id)


def enter_worker(run: Run) -> None:
    """Prepares a process that works for a run; doing it again changes nothing."""
    storage.set_object_timeout(run.object_timeout)
    if run.workers is not None:
        run.workers.apply()


@dataclass(frozen=True)
class ModelRun:
    """One model of a nightly run.

    Attributes:
        run: Its run.
        bundle: The model.
    """

    run: Run
    bundle: Bundle


def new_run(
    layout: OutputLayout,
    bundle: Bundle,
    kept: pa.Schema,
    table_version: int | None,
    date: datetime.date | None,
    engine: str = AUTO,
) -> Run:
    """Starts a run now.

    Args:
        layout: Layout of the output folder.
        bundle: The model.
        kept: Columns carried over from a manifest.
        table_version: Present version of the score table; None if there is none.
        date: Run date; None for today's local date.
        engine: What runs the network, one of `melanoma.model.engine_names.ENGINES` or `AUTO`.

    Raises:
        UsageError: The chosen engine is not installed, or computes in another precision than the bundle is made for.
        BundleError: The bundle has no file for the chosen engine, or for none that is installed.
    """
    now = datetime.datetime.now(datetime.UTC)
    schema = score_schema(bundle.slugs, kept)
    run_id, expected = new_run_id(now), installed_version(usable_engines(bundle, engine)[0])
    return Run(
        run_id=run_id,
        run_date=date or datetime.date.today(),
        layout=layout,
        model_id=bundle.model_id,
        fingerprint=fingerprint_of(bundle.model_id, schema, _as_hashed(expected, bundle)),
        schema=schema,
        table_version=table_version,
        # Nobody can guess the name, and so put a file of theirs in its place.
        scratch=str(temporary_root() / f"melanoma-{run_id}-{secrets.token_hex(8)}"),
        model_name=bundle.name,
        engine=expected,
    )


def _as_hashed(engine: str, bundle: Bundle) -> str:
    """Returns an engine as the fingerprint has it: as ever where only TensorFlow can have staged rows of a bundle."""
    return engine if PORTABLE in bundle.files else engine.removeprefix(f"{TENSORFLOW}-").replace("+keras-", "\n")


def new_run_id(moment: datetime.datetime) -> str:
    """Returns the id of a run that starts at a UTC moment.

    Ids sort by time: two runs of one second are told apart by their milliseconds, then by random bits.
    """
    return f"{time_stamp(moment)}-{moment.microsecond // 1000:03x}{secrets.randbits(20):05x}"


def time_stamp(moment: datetime.datetime) -> str:
    """Returns a UTC moment in the form that run ids begin with; sorts by time."""
    return moment.strftime(TIME_FORMAT)


def started_at(run_id: str) -> datetime.datetime:
    """Returns the UTC start that a run's id begins with."""
    return datetime.datetime.strptime(run_id.split("-")[0], TIME_FORMAT).replace(tzinfo=datetime.UTC)


def fingerprint_of(model_id: str, schema: pa.Schema, engine: str) -> str:
    """Returns a digest of everything that a staged row depends on but does not say: 16 hex digits.

    Args:
        model_id: Id of the model.
        schema: Columns of the rows.
        engine: Name and version of the engine, see `installed_version`.
    """
    parts = [model_id, DECODER, engine, str(SCHEMA_VERSION), schema.to_string()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
