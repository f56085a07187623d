"""Fixtures whose lifetime matters: one tiny bundle and one S3 stand-in per process."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.helpers.s3_process import s3_variables

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in its background without one


class FailingFileSystem(LocalFileSystem):  # type: ignore[misc]
    """A local store that lists files but fails to read them: failing://path."""

    protocol = "failing"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(path).removeprefix("failing://")

    def cat_file(self, path: str, **options: object) -> bytes:
        raise OSError(5, "Input/output error")


fsspec.register_implementation("failing", FailingFileSystem, clobber=True)


@pytest.fixture(autouse=True)
def kept_signal_handlers() -> Iterator[None]:
    """Restores the handlers of signals: a command that was run in this process ignores them once it has committed."""
    before = {number: signal.getsignal(number) for number in _HANDLED}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def bundle_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle of three classes, 16x16 pixels."""
    from tests.helpers import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def other_bundle_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle with another network and another class."""
    from tests.helpers import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "other", ("melanoma", "nevus", "scc"), seed=1)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real photographs; skips the test if there is none."""
    folder = os.environ.get("MELANOMA_DATA")
    if not folder:
        pytest.skip("MELANOMA_DATA is not set: it names a folder with isic9/ and ham10000/")
    return Path(folder)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A real S3 server on the loopback, with its credentials in the usual environment."""
    from moto.server import ThreadedMotoServer

    from tests.helpers.moto_process import one_change_at_a_time

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    server._server.app = one_change_at_a_time(server._server.app)  # type: ignore[union-attr]
    host, port = server.get_host_and_port()
    with s3_variables(f"http://{host}:{port}"):
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, request: pytest.FixtureRequest) -> str:
    """A new bucket for each test, as s3://name."""
    import zlib

    import s3fs

    name = f"test-{zlib.crc32(request.node.nodeid.encode()):08x}"
    s3fs.S3FileSystem.clear_instance_cache()  # a test before may have left a client that leads to another server
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    return f"s3://{name}"
