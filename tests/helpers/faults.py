"""Real faults for whole runs: processes that die at a chosen step, and a store that refuses requests."""

import contextlib
import datetime
import hashlib
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from melanoma.ingest.batches import load_batches
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import Source, list_images
from melanoma.ingest.tasks import Chunk
from melanoma.model.bundle import load_bundle
from melanoma.model.decision import ModelOutput
from melanoma.runs import staging
from melanoma.runs.commit import end_run
from melanoma.runs.ledger import Ledger, load_ledgers
from melanoma.runs.planning import plan_tasks
from melanoma.runs.records import RunRecord
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run, new_run
from melanoma.runs.run_totals import RunTotals
from melanoma.runs.staging import StagedChunk
from melanoma.shards import Shard
from melanoma.storage import filesystems
from tests.helpers.outputs import layout_of, table_in

DIED = 99
_STEPS = frozenset({"open", "os.rename", "os.remove", "os.rmdir"})
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__, "s3fs"])


def plan_run(output: Path | str, bundle_uri: str, shard: Shard | None = None) -> Run:
    """Plans a run against the table as it is now."""
    version, date = table_in(output).version, datetime.date(2026, 1, 2)
    return replace(new_run(layout_of(output), load_bundle(bundle_uri), pa.schema([]), version, date), shard=shard)


def stage(
    run: Run, images: Path | str | Source, bundle_uri: str, chunk_size: int = 2, known: Ledger | None = None
) -> tuple[RunTotals, list[StagedChunk]]:
    """Lists, plans, decodes and stages as a run does, without Beam and with made-up probabilities."""
    known, bundle = known or load_ledgers([run])[0], load_bundle(bundle_uri)
    refs = list(list_images(Root(str(images)) if isinstance(images, Path | str) else images))
    tasks, summary = plan_tasks([known], refs, run.shard)
    (counts,) = summary.by_model
    chunks = []
    with ThreadPoolExecutor(2) as pool:
        for number, first in enumerate(range(0, len(tasks), chunk_size)):
            rows, chunk = RowBuilder(run, bundle), Chunk(number, tuple(tasks[first : first + chunk_size]))
            for _, batch in load_batches(chunk, [bundle.spec], 8, pool):
                rows.add_scored(batch.loaded, ModelOutput(made_up(batch.pixels)))
                rows.add_failed(batch.failures)
            table = rows.table()
            staging.write_chunk(run, number, table)
            chunks.append(StagedChunk(number, table.num_rows, batch.duplicates, rows.scored, rows.store_failures))
    totals = RunTotals(len(refs), counts.skipped, 0, counts.adopted, Counter())
    return replace(totals, other_shard=counts.other_shard, other_waiting=counts.other_waiting), chunks


def made_up(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Returns three probabilities that depend on nothing but each photograph's pixels."""
    digests = [hashlib.sha256(image.tobytes()).digest() for image in pixels]
    weights = np.array([[1 + byte for byte in digest[:3]] for digest in digests], np.float32).reshape(-1, 3)
    return weights / weights.sum(axis=1, keepdims=True)


def run_without_beam(images: Path | str, output: Path | str, bundle_uri: str, chunk_size: int = 2) -> RunRecord:
    """Scores the new photographs of a folder in one run, without Beam and the network."""
    run = plan_run(output, bundle_uri)
    return end_run(run, *stage(run, images, bundle_uri, chunk_size))


def start(task: Callable[..., object], *args: object) -> BaseProcess:
    """Starts a task in a new process, which shares only the stores with this one."""
    process = _PROCESSES.Process(target=task, args=args, daemon=True)
    process.start()
    return process


def run_that_dies(step: int, *args: Any) -> None:
    """Makes a run whose process dies before its n-th step on the files of the output, as in a power cut."""
    seen, output = 0, str(args[1])

    def count(event: str, details: tuple[Any, ...]) -> None:
        nonlocal seen
        # rmtree removes files by their bare names.
        if event in _STEPS and isinstance(details[0], str) and details[0].startswith((output, "0", "images")):
            seen += 1
            if seen == step:
                os._exit(DIED)

    sys.addaudithook(count)
    run_without_beam(*args)


def clean_up_that_dies(step: int, output: Path | str) -> None:
    """Cleans up a table in a process that dies before its n-th removal of a file."""
    seen = 0

    def count(event: str, details: tuple[Any, ...]) -> None:
        nonlocal seen
        if event == "os.remove" and str(details[0]).endswith(".parquet"):
            seen += 1
            if seen == step:
                os._exit(DIED)

    sys.addaudithook(count)
    table_in(output).vacuum_at_once()


def run_at(environment: Mapping[str, str], *args: Any) -> None:
    """Makes a run that finds its store through environment variables."""
    os.environ.update(environment)
    run_without_beam(*args)


def job_at(environment: Mapping[str, str], log: Path, words: Sequence[str]) -> None:
    """Runs a command as a process of its own does, and writes its output into a file."""
    from jobs.cli import main

    os.environ.update(environment)
    with log.open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    filesystems._TRIES = 1
    sys.exit(main(words))


def job_that_dies(chunks: int, environment: Mapping[str, str], log: Path, words: Sequence[str]) -> None:
    """Runs a command whose process dies before it has staged its n-th chunk."""
    staged = 0

    def count(event: str, details: tuple[Any, ...]) -> None:
        nonlocal staged
        if event == "os.rename" and str(details[1]).endswith(".arrow"):
            staged += 1
            if staged == chunks:
                os._exit(DIED)

    sys.addaudithook(count)
    job_at(environment, log, words)


def s3_environment(address: str | None = None) -> dict[str, str]:
    """Returns the environment in which a process finds the S3 server of this process, or the one at an address."""
    found = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return found | ({"AWS_ENDPOINT_URL": address} if address else {})


def end_together(environment: Mapping[str, str], barrier: Any, *args: Any) -> None:
    """Ends a run at the same moment as others."""
    os.environ.update(environment)
    barrier.wait(timeout=30)
    end_run(*args)


def race(ends: Sequence[tuple[Run, RunTotals, list[StagedChunk]]], environment: Mapping[str, str]) -> None:
    """Ends several runs at once, each in a process of its own.

    Raises:
        RuntimeError: One of them did not end with exit code 0.
    """
    barrier = _PROCESSES.Barrier(len(ends))
    processes = [start(end_together, dict(environment), barrier, *end) for end in ends]
    for process in processes:
        process.join(60)
    if codes := [process.exitcode for process in processes if process.exitcode]:
        raise RuntimeError(f"exit codes {codes}")


Fault = Callable[[str, str], bool]


@contextlib.contextmanager
def s3_server(before: Fault = lambda method, path: False, after: Fault = lambda method, path: False) -> Iterator[str]:
    """Runs a real S3 server on the loopback that can refuse requests or lose its answers.

    Args:
        before: Called with method and path before each request that changes something; true refuses the request.
        after: Called after each of these requests; true loses the answer.

    Yields:
        The address of the server.
    """
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    inner = server._server.app  # type: ignore[union-attr]

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        request = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        changes, head = request[0] not in ("GET", "HEAD"), list[Any]()
        if changes and before(*request):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _refuse(start_response)
        answer = inner(environ, lambda *answer: head.extend(answer))
        if changes and after(*request):
            return _refuse(start_response)
        start_response(*head)
        return answer

    server._server.app = app  # type: ignore[union-attr]
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _refuse(start_response: Any) -> list[bytes]:
    start_response("507 Insufficient Storage", [("Content-Length", "0")])
    return [b""]


def killed(images: Path, output: Path, bundle_uri: str, chunk_size: int = 2) -> tuple[Run, list[Path]]:
    """Stages a run that never commits."""
    run = plan_run(output, bundle_uri)
    stage(run, images, bundle_uri, chunk_size)
    return run, sorted((output / "_staging").rglob("*.arrow"))
