"""Where decoding processes have to start: few descriptors, low limits, odd folders, a Python that lacks names."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.image_bytes import encode, photograph

_SCRIPT = """
import os, resource, sys
sys.path += PATHS
from pathlib import Path
from melanoma.errors import NothingCommittedError
from melanoma.images import decoder_pool
from melanoma.images.decoding import ImageSpec, read_header

def decode_one():
    try:
        (pixels,) = pool.decode(data, read_header(data), [ImageSpec(8, 8)]).results
        print(type(pixels).__name__, pixels.shape)
    except NothingCommittedError as error:
        print(error)

decoder_pool._PAUSE_SECONDS = 0.0
data = Path(sys.argv[1]).read_bytes()
BEFORE
pool = decoder_pool.DecoderPool(2)
decode_one()
AFTER
pool.close()
"""
_DECODED = "ndarray (8, 8, 3)"
_CANNOT = (
    "no process for decoding can be started ({}); free memory or raise the limits of processes and of open files, "
    "and start again"
)


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(photograph(), "JPEG"))
    return path


def run(
    jpeg: Path, *flags: str, before: str = "", after: str = "", limit: Callable[[], object] | None = None
) -> list[str]:
    paths = [path for path in sys.path if path]
    script = _SCRIPT.replace("PATHS", repr(paths)).replace("BEFORE", before).replace("AFTER", after)
    finished = subprocess.run(
        [sys.executable, *flags, "-c", script, str(jpeg)],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        cwd=jpeg.parent,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout.splitlines()


def test_limits_that_cannot_be_raised_are_kept(jpeg: Path) -> None:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
        resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))

    assert run(jpeg, limit=lower) == [_DECODED]


def test_descriptors_that_run_out_are_told_and_may_come_back(jpeg: Path) -> None:
    exhaust = """
taken = []
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass"""
    give_back = """
for number in taken:
    os.close(number)
decode_one()"""
    assert run(jpeg, before=exhaust, after=give_back) == [_CANNOT.format("Too many open files"), _DECODED]


@pytest.mark.skipif(os.geteuid() == 0, reason="a limit of processes does not bind root")
def test_too_few_processes_are_told_and_may_come_back(jpeg: Path) -> None:
    limit_server = """
resource.setrlimit(resource.RLIMIT_NPROC, limit)
pool._living_server()
resource.prlimit(pool._server._process.pid, resource.RLIMIT_NPROC, (0, limit[1]))
decode_one()
resource.prlimit(pool._server._process.pid, resource.RLIMIT_NPROC, limit)
decode_one()"""
    limit = (
        "limit = resource.getrlimit(resource.RLIMIT_NPROC); resource.setrlimit(resource.RLIMIT_NPROC, (0, limit[1]))"
    )
    told = _CANNOT.format("Resource temporarily unavailable")
    assert run(jpeg, before=limit, after=limit_server) == [told, told, _DECODED]


@pytest.mark.parametrize("flag", ["-I", "-P", "-Xdev"])
def test_nothing_is_imported_from_the_working_folder(jpeg: Path, flag: str) -> None:
    for name in ("array", "mmap", "socket", "numpy", "simplejpeg", "melanoma"):
        (jpeg.parent / "work").mkdir(exist_ok=True)
        (jpeg.parent / "work" / f"{name}.py").write_text("raise SystemExit(1)")
    # `-c` and -Xdev put the working folder itself on the path; so the script goes into another one.
    there = f"os.chdir({str(jpeg.parent / 'work')!r}); sys.path[:] = [path for path in sys.path if path]"
    assert run(jpeg, flag, before=there) == [_DECODED]


def test_a_python_that_lacks_the_names_of_newer_systems_does(jpeg: Path) -> None:
    lack = """
import fcntl, signal
names = "memfd_create", "MFD_CLOEXEC", "MFD_ALLOW_SEALING", "pidfd_open", "F_ADD_SEALS", "pidfd_send_signal"
for module in os, fcntl, signal:
    for name in names:
        vars(module).pop(name, None)"""
    assert run(jpeg, before=lack) == [_DECODED]
