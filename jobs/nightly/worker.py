"""`melanoma-worker`: a worker process of a cluster, in the Python in which melanoma is installed.

A runner starts it by the contract of Beam's worker containers, with addresses as flags; Beam's own program for that is
written in Go and part of no Python package. Nothing is installed here, so the same version must be there already.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import NoReturn

_SECONDS = 60.0
_LOOK_SECONDS = 1.0


def start() -> NoReturn:
    """Works for a runner until it needs the worker no longer, and ends the process."""
    flags = _flags(sys.argv[1:])
    missing = [name for name in ("id", "provision_endpoint") if not flags.get(name)]
    if missing:
        print(
            f"melanoma-worker: --{missing[0]} is missing; this program is started by the runner of a cluster, see the "
            "documentation of melanoma score",
            file=sys.stderr,
        )
        os._exit(2)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True, name="runner-watch").start()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.update(_environment(flags))
    from apache_beam.runners.worker import sdk_worker_main

    code = 0
    try:
        sdk_worker_main.main([])
    except BaseException:  # noqa: BLE001 - Beam has logged it to the runner
        code = 1
    os._exit(code)  # threads of libraries may be at work still


def _end_with(runner: int) -> None:
    """Ends this process soon after the runner's: Beam waits for ever for data of a runner that was killed."""
    while os.getppid() == runner:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def _flags(words: Sequence[str]) -> dict[str, str]:
    """Returns flags of the form `--name=value`; Go programs write them with one dash, too."""
    pairs = (word.lstrip("-").partition("=") for word in words)
    return {name: value for name, _, value in pairs}


def _environment(flags: dict[str, str]) -> dict[str, str]:
    """Asks the runner what it wants, and returns it as Beam's worker reads it: in the environment."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from google.protobuf import json_format

    with grpc.insecure_channel(flags["provision_endpoint"]) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        info = service.GetProvisionInfo(
            beam_provision_api_pb2.GetProvisionInfoRequest(),
            metadata=(("worker_id", flags["id"]),),
            timeout=_SECONDS,
            wait_for_ready=True,
        ).info
    control = info.control_endpoint.url or flags.get("control_endpoint", "")
    logging = info.logging_endpoint.url or flags.get("logging_endpoint", "")
    status = {"STATUS_API_SERVICE_DESCRIPTOR": _address(info.status_endpoint.url)} if info.status_endpoint.url else {}
    return {
        "WORKER_ID": flags["id"],
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "CONTROL_API_SERVICE_DESCRIPTOR": _address(control),
        "LOGGING_API_SERVICE_DESCRIPTOR": _address(logging),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        **status,
    }


def _address(url: str) -> str:
    return f'url: "{url}"'
