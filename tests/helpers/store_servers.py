"""Real servers of object stores on the loopback, each a process of its own: versitygw, fake-gcs-server and Azurite.

`make test-stores` installs them into `.cache/stores`. Where one is missing, that command fails; other runs of the tests
skip what needs it.
"""

import base64
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers.certificates import Certificate
from tests.helpers.google_accounts import GoogleAccount
from tests.helpers.ports import free_port, wait_for_port

REQUIRED = "MELANOMA_STORES"  # set by `make test-stores`
_CHECKOUT = Path(__file__).parents[2]
_CACHE = _CHECKOUT / ".cache" / "stores"
_AZURITE = _CACHE / "azure" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
S3_KEY, S3_SECRET = "hospital-key", "hospital-secret-key"
AZURE_ACCOUNT, AZURE_KEY = "hospital", base64.b64encode(b"the key of the account hospital").decode()


def is_required() -> bool:
    """Tells whether the stores' tests have to run, rather than skip what is not installed."""
    return bool(os.environ.get(REQUIRED))


def _installed(*paths: Path | str | None) -> None:
    """Skips the test, or fails it, where something is not installed."""
    if missing := [path for path in paths if path is None or not Path(path).exists()]:
        (pytest.fail if is_required() else pytest.skip)(
            f"a store's server is not installed ({missing[0]}): make test-stores installs it"
        )


@contextlib.contextmanager
def _running(command: Sequence[Path | str], port: int, variables: Mapping[str, str] | None = None) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        command, cwd=_CHECKOUT, stdout=quiet, stderr=quiet, env={**os.environ, **(variables or {})}
    )
    try:
        wait_for_port(port)
        yield
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def versitygw(folder: Path, *options: str) -> Iterator[str]:
    """Runs versitygw over a folder, and yields its address.

    Args:
        folder: For buckets and their metadata.
        *options: Further ones of its `posix` command.
    """
    program, port = _CACHE / "bin" / "versitygw", free_port()
    _installed(program)
    for name in ("objects", "metadata", "accounts"):
        (folder / name).mkdir()
    known = {"ROOT_ACCESS_KEY": S3_KEY, "ROOT_SECRET_KEY": S3_SECRET}
    command = [program, "--quiet", "--port", f"127.0.0.1:{port}", "--iam-dir", folder / "accounts", "posix"]
    with _running([*command, "--sidecar", folder / "metadata", *options, folder / "objects"], port, known):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def gcs_server(account: GoogleAccount | None = None) -> Iterator[str]:
    """Runs fake-gcs-server behind our proxy, and yields the proxy's address.

    Args:
        account: The only one that may ask; None lets everybody in.
    """
    program, port, upstream = _CACHE / "bin" / "fake-gcs-server", free_port(), free_port()
    _installed(program)
    address = f"http://127.0.0.1:{port}"
    server = [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(upstream), "-backend", "memory"]
    server += ["-public-host", f"127.0.0.1:{upstream}", "-external-url", address]
    proxy = [sys.executable, "-m", "tests.helpers.gcs_proxy", str(port), f"127.0.0.1:{upstream}"]
    proxy += [] if account is None else [account.email, account.certificate]
    with _running(server, upstream), _running(proxy, port):
        yield address


class AzureServer(NamedTuple):
    """A running Azurite.

    Attributes:
        endpoint: Address of the account's blobs.
        connection_string: Of the account, with its key.
    """

    endpoint: str
    connection_string: str


@contextlib.contextmanager
def azurite(certificate: Certificate | None = None) -> Iterator[AzureServer]:
    """Runs Azurite with one account.

    Args:
        certificate: With which it speaks HTTPS and accepts tokens of identities; None for HTTP.
    """
    node, port = shutil.which("node"), free_port()
    _installed(node, _AZURITE)
    command = [str(node), _AZURITE, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    if certificate is not None:
        command += ["--cert", certificate.chain, "--key", certificate.key, "--oauth", "basic"]
    scheme = "http" if certificate is None else "https"
    endpoint = f"{scheme}://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    text = (
        f"DefaultEndpointsProtocol={scheme};AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={endpoint};"
    )
    with _running(command, port, {"AZURITE_ACCOUNTS": f"{AZURE_ACCOUNT}:{AZURE_KEY}"}):
        yield AzureServer(endpoint, text)
