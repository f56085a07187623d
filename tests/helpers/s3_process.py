"""A real S3 server in a process of its own, and the environment that leads to it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
import s3fs

from tests.helpers import ROOT
from tests.helpers.certificates import Certificate
from tests.helpers.ports import free_port, wait_for_port


@contextlib.contextmanager
def s3_variables(endpoint: str) -> Iterator[None]:
    """Sets the variables by which store libraries find a server, and its credentials."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()  # a client that was made before leads to another server
        yield
    s3fs.S3FileSystem.clear_instance_cache()


@contextlib.contextmanager
def s3_process(certificate: Certificate | None = None) -> Iterator[str]:
    """Runs a server and yields its address.

    Args:
        certificate: With which it speaks HTTPS; None for HTTP.
    """
    port = free_port()
    command = [sys.executable, "-m", "tests.helpers.moto_process", str(port)]
    command += [str(certificate.chain), str(certificate.key)] if certificate else []
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()
