"""`melanoma-worker` takes its work by the contract of Beam's containers; `test_remote_job.py` lets it work."""

import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

import grpc
import psutil
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc

from jobs.nightly.worker import _environment, _flags
from tests.helpers import ROOT
from tests.helpers.ports import free_port


class Provision(beam_provision_api_pb2_grpc.ProvisionServiceServicer):  # type: ignore[misc]
    """A runner that says what a worker needs, to the worker of one id."""

    def GetProvisionInfo(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802
        if ("worker_id", "3-1") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.NOT_FOUND, "no such worker")
        info = beam_provision_api_pb2.ProvisionInfo(runner_capabilities=["a", "b"])
        info.pipeline_options["beam:option:job_name:v1"] = "x"
        info.control_endpoint.url = "localhost:7"
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)


def test_what_the_runner_wants_comes_to_beams_worker_by_its_environment() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(Provision(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    words = ["--id=3-1", f"-provision_endpoint=127.0.0.1:{port}", "--logging_endpoint=localhost:8"]
    try:
        found = _environment(_flags([*words, "--control_endpoint=localhost:9"]))
    finally:
        server.stop(None).wait()
    assert found.pop("PIPELINE_OPTIONS").split() == ["{", '"beam:option:job_name:v1":', '"x"', "}"]
    assert found == {
        "WORKER_ID": "3-1",
        "CONTROL_API_SERVICE_DESCRIPTOR": 'url: "localhost:7"',  # the runner knows better than the flag
        "LOGGING_API_SERVICE_DESCRIPTOR": 'url: "localhost:8"',
        "RUNNER_CAPABILITIES": "a b",
    }


def test_started_by_a_person_it_says_who_starts_it() -> None:
    program = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"][
        "melanoma-worker"
    ]
    module, _, function = program.partition(":")
    words = [sys.executable, "-c", f"from {module} import {function}; {function}()"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and "started by the runner of a cluster" in ended.stderr


def test_a_worker_ends_with_a_runner_that_is_killed() -> None:
    """It waits for the first answer of a runner, with more patience than this test has."""
    worker = f'"{sys.executable}" -c "from jobs.nightly.worker import start; print(flush=True); start()"'
    line = f"{worker} --id=1 --provision_endpoint=127.0.0.1:{free_port()} & echo $!; wait"
    with subprocess.Popen(["sh", "-c", line], cwd=ROOT, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        said = runner.stdout.readline().strip() + runner.stdout.readline().strip()
        started = psutil.Process(int(said))
        time.sleep(1)  # it looks who has started it right after it has printed its line
        runner.kill()
        started.wait(30)
