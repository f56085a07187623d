"""Decoding in child processes, so that a file which crashes or stalls a decoder costs one row and not the run."""

import contextlib
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

from melanoma.errors import ErrorKind, NothingCommittedError
from melanoma.images.decoder_messages import READY, pixel_bytes
from melanoma.images.decoder_process import WALL_SECONDS, DecoderError, DecoderProcess, Decoding
from melanoma.images.decoding import ImageSpec, reserve_memory
from melanoma.images.limits import Header

_PHOTOGRAPHS_PER_PROCESS = 1000  # a small leak in a decoder must not add up over a night
_START_SECONDS = 60.0
# Whatever else is in the environment may be a secret, and stays out of processes that decode hostile bytes.
_ENVIRONMENT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


class DecoderPool:
    """The decoding processes of one process, one for each core; safe to use from several threads."""

    def __init__(self, processes: int, seconds: float = WALL_SECONDS) -> None:
        """Starts the server of the decoding processes, and does not wait for it.

        Args:
            processes: The most decoding processes at a time, at least 1.
            seconds: Time after which a photograph is given up.
        """
        self._seconds = seconds
        self._slots: queue.LifoQueue[DecoderProcess | None] = queue.LifoQueue()
        for _ in range(processes):
            self._slots.put(None)
        self._lock, self._is_ready = threading.Lock(), False
        self._server, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.settimeout(_START_SECONDS)
        with other:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "melanoma.images.decoder_server", str(other.fileno())],
                pass_fds=[other.fileno()],
                env=_clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def decode(self, data: bytes, header: Header, specs: Sequence[ImageSpec]) -> Decoding:
        """Decodes one photograph in a child process.

        Args:
            data: A complete file that passed `read_header`.
            header: What `read_header` returned.
            specs: What to deliver.

        Raises:
            NothingCommittedError: No decoding process can be started.
        """
        with reserve_memory(header), self._slot() as slot:
            try:
                return slot.decode(data, header, specs)
            except DecoderError as error:
                if error.error.kind is ErrorKind.DECODER_TIMEOUT:
                    return error.for_each(specs)
            # Something else may have ended the process, such as the kernel when memory was short.
            try:
                return slot.decode(data, header, specs)
            except DecoderError as error:
                return error.for_each(specs)

    def close(self) -> None:
        """Ends all processes."""
        self._server.close()
        with contextlib.suppress(queue.Empty):
            while True:
                if (process := self._slots.get_nowait()) is not None:
                    process.close()
        self._process.wait(_START_SECONDS)

    @contextlib.contextmanager
    def _slot(self) -> Iterator["_Slot"]:
        slot = _Slot(self, self._slots.get())
        try:
            yield slot
        finally:
            self._slots.put(slot.process)

    def start_process(self, specs: Sequence[ImageSpec]) -> DecoderProcess:
        """Starts a decoding process.

        Raises:
            NothingCommittedError: It does not start.
        """
        try:
            with self._lock:
                if not self._is_ready:
                    self._is_ready = self._server.recv(len(READY)) == READY
            return DecoderProcess(self._server, specs, self._seconds)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise NothingCommittedError(
                f"no process for decoding can be started ({reason}); free memory or raise the limit of processes, "
                "and start again"
            ) from None


class _Slot:
    """The right to use one decoding process, which is replaced when it is worn out."""

    def __init__(self, pool: DecoderPool, process: DecoderProcess | None) -> None:
        self._pool, self.process = pool, process

    def decode(self, data: bytes, header: Header, specs: Sequence[ImageSpec]) -> Decoding:
        if self.process is not None and self._is_worn_out(self.process, specs):
            self._end()
        if self.process is None:
            self.process = self._pool.start_process(specs)
        try:
            return self.process.decode(data, header, specs)
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.close()

    @staticmethod
    def _is_worn_out(process: DecoderProcess, specs: Sequence[ImageSpec]) -> bool:
        return process.decoded >= _PHOTOGRAPHS_PER_PROCESS or pixel_bytes(specs) > process.capacity


_pool: DecoderPool | None = None
_pool_lock = threading.Lock()
_owner = 0


def decoders() -> DecoderPool:
    """Returns the pool of this process, and starts it at the first call."""
    global _pool, _owner
    with _pool_lock:
        if _pool is None or _owner != os.getpid():  # a fork does not inherit the processes of its parent
            _pool, _owner = DecoderPool(len(os.sched_getaffinity(0))), os.getpid()
        return _pool


def _clean_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.startswith(("LC_", "PYTHON"))}
    paths = [path for path in sys.path if path]
    return kept | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
