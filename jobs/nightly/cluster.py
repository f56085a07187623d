"""The cluster of a run: what its workers must be told, and what a dry run says about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, StandardOptions

from jobs.console import output_modes
from jobs.nightly.beam_options import parse_beam_options
from jobs.nightly.cluster_defaults import slots_of
from jobs.nightly.job_servers import require
from jobs.nightly.runners import LOCAL, has_workers_elsewhere, worker_count, works_in_this_process
from melanoma.runs.run import Run
from melanoma.runs.workers import WorkerSettings
from melanoma.wording import counted


@dataclass(frozen=True)
class Cluster:
    """Where and how a run is distributed, as far as it is known before.

    Attributes:
        runner: Name of the runner, as the options say it.
        workers: How many chunks are scored at once.
        settings: What the worker processes must be told; None where they end with this process.
        is_this_process: Whether there is no other process that decodes.
    """

    runner: str
    workers: int
    settings: WorkerSettings | None
    is_this_process: bool = False

    def __str__(self) -> str:
        """Returns it for people."""
        return f"{self.runner}, {counted(self.workers, 'chunk')} at once"

    def told(self, runs: Sequence[Run]) -> list[Run]:
        """Returns runs that tell the workers what they must know; the first of them has the heartbeat."""
        if self.settings is None:
            return list(runs)
        settings = replace(self.settings, heartbeat=runs[0].run_id)
        return [replace(run, workers=settings) for run in runs]


def cluster_of(words: Sequence[str]) -> Cluster:
    """Checks the options for Beam, and returns what they amount to.

    Args:
        words: Words for Beam.

    Raises:
        UsageError: Beam or its runner cannot work with the options.
        NothingCommittedError: The cluster does not answer.
    """
    options = parse_beam_options(words)
    if (endpoint := options.view_as(PortableOptions).job_endpoint) not in (None, "embed"):
        require(str(endpoint))
    name = str(options.view_as(StandardOptions).runner or LOCAL)
    return Cluster(name, worker_count(options), _settings(options), works_in_this_process(options))


def _settings(options: PipelineOptions) -> WorkerSettings | None:
    if not has_workers_elsewhere(options):
        return None
    slots = slots_of(options)
    processes = int(options.view_as(PortableOptions).sdk_worker_parallelism or 1)  # on each worker machine
    of_worker, of_host = (slots.of_worker, slots.of_host) if slots else (processes, processes)
    return WorkerSettings(heartbeat="", umask=output_modes.present(), slots=of_worker, slots_on_host=of_host)
