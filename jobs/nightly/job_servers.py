"""Job servers: asked for their options, and started so that they end with this process, however it ends."""

import contextlib
import functools
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners.portability.job_server import JobServer, StopOnExitJobServer, SubprocessJobServer
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineRunner

from jobs.nightly import child_of
from jobs.nightly.job_server_options import Kind
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.storage.temporary import temporary_root

_CONNECT_SECONDS = 20.0
_FOLDER = "melanoma-job-server-"  # with the number of the process that has started it
_KINDS: dict[int, Kind] = {
    beam_job_api_pb2.PipelineOptionType.BOOLEAN: "switch",
    beam_job_api_pb2.PipelineOptionType.INTEGER: "number",
    beam_job_api_pb2.PipelineOptionType.NUMBER: "number",
}


def options_of(endpoint: str) -> dict[str, Kind]:
    """Asks a running job server which options it knows.

    Args:
        endpoint: Its address, `host:port`.

    Raises:
        NothingCommittedError: It does not answer.
    """
    with _connected(endpoint) as channel:
        try:
            service = beam_job_api_pb2_grpc.JobServiceStub(channel)
            described = service.DescribePipelineOptions(
                beam_job_api_pb2.DescribePipelineOptionsRequest(), timeout=_CONNECT_SECONDS
            )
        except grpc.RpcError:  # it is there, and keeps its options to itself
            return {}
    return {option.name: _KINDS.get(option.type, "text") for option in described.options}


def require(endpoint: str) -> None:
    """Looks whether a job server answers; Beam itself would wait for it as long as for its job.

    Args:
        endpoint: Its address, `host:port`.

    Raises:
        NothingCommittedError: It does not answer.
    """
    with _connected(endpoint):
        pass


@contextlib.contextmanager
def _connected(endpoint: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(endpoint) as channel:
        try:
            grpc.channel_ready_future(channel).result(_CONNECT_SECONDS)
        except grpc.FutureTimeoutError:
            raise NothingCommittedError(
                f"--job_endpoint={endpoint}: no job server answers there; start it, or correct the address; nothing "
                "was read"
            ) from None
        yield channel


def with_own_server(runner: PipelineRunner) -> PipelineRunner:
    """Lets a runner start its job server through `child_of`, and leaves signals to this program.

    Beam's own wrapper stops the server at Ctrl-C, before the job could be cancelled, and at no other end.

    Args:
        runner: Any runner; one without a job server is returned as it is.
    """
    if isinstance(runner, PortableRunner):
        find: Callable[[PipelineOptions], JobServer] = runner.default_job_server
        runner.own_server = None
        runner.default_job_server = lambda options: runner.own_server or _owned(runner, find(options))
    return runner


def stop_server(runner: PipelineRunner) -> None:
    """Ends the job server that a runner has started, and removes its temporary folder."""
    server: Any = getattr(runner, "own_server", None)
    if server is not None:
        try:
            server.stop()
        except (OSError, RuntimeError, AttributeError):  # it ended by itself, or never got so far
            logging.getLogger(__name__).debug("the job server had ended", exc_info=True)


def _owned(runner: Any, server: JobServer) -> JobServer:
    inner = server._job_server if isinstance(server, StopOnExitJobServer) else server
    if isinstance(inner, SubprocessJobServer):
        find = inner.subprocess_cmd_and_endpoint

        def command_and_endpoint() -> tuple[list[str], str]:
            _keep_apart(inner)
            try:
                command, endpoint = find()
            except (ValueError, OSError) as error:
                raise UsageError(f"the job server cannot be started: {error}") from None
            program = [sys.executable, "-I", "-S", str(Path(child_of.__file__)), str(os.getpid())]
            return [*program, *command], endpoint

        inner.subprocess_cmd_and_endpoint = command_and_endpoint
        inner.start = functools.cache(inner.start)  # a second attempt finds it there
        runner.own_server = inner
    return inner


def _keep_apart(server: Any) -> None:
    """Gives a job server a temporary folder that a later start recognises as no longer needed."""
    root = temporary_root()
    for left in root.glob(f"{_FOLDER}*-*"):
        pid = left.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(server._local_temp_root, ignore_errors=True)
    server._local_temp_root = tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-", dir=root)
