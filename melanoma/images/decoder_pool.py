"""Decoding in child processes, so that a file which crashes or stalls a decoder costs one row and not the run."""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence

from melanoma.errors import NothingCommittedError
from melanoma.images.decoder_messages import pixel_bytes
from melanoma.images.decoder_owner import DecoderServer
from melanoma.images.decoder_process import WALL_SECONDS, DecoderError, DecoderProcess, Decoding
from melanoma.images.decoding import ImageSpec, reserve_memory
from melanoma.images.limits import Header
from melanoma.machine import processors

_PHOTOGRAPHS_PER_PROCESS = 1000  # a small leak in a decoder must not add up over a night
_PAUSE_SECONDS = 1.0


class DecoderPool:
    """The decoding processes of one process, one for each core; safe to use from several threads."""

    def __init__(self, processes: int, seconds: float = WALL_SECONDS) -> None:
        """Starts the server of the decoding processes, and does not wait for it.

        Args:
            processes: The most decoding processes at a time, at least 1.
            seconds: Time for each of the specs after which a photograph is given up.
        """
        self._seconds = seconds
        self._slots: queue.LifoQueue[DecoderProcess | None] = queue.LifoQueue()
        for _ in range(processes):
            self._slots.put(None)
        self._lock = threading.Lock()
        self._server: DecoderServer | None = None
        with contextlib.suppress(OSError):  # the first photograph tries again, and tells it
            self._living_server()

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
                if not error.may_pass:
                    return error.for_each(specs)
            # Something else may have ended or stopped the process, such as the kernel when memory was short.
            try:
                return slot.decode(data, header, specs)
            except DecoderError as error:
                return error.for_each(specs)

    def close(self) -> None:
        """Ends all processes."""
        with contextlib.suppress(queue.Empty):
            while True:
                if (process := self._slots.get_nowait()) is not None:
                    process.close()
        if self._server is not None:
            self._server.close()

    @contextlib.contextmanager
    def _slot(self) -> Iterator["_Slot"]:
        slot = _Slot(self, self._slots.get())
        try:
            yield slot
        finally:
            self._slots.put(slot.process)

    def start_process(self, specs: Sequence[ImageSpec]) -> DecoderProcess:
        """Starts a decoding process; tries it twice, because processes or descriptors may be short for a moment.

        Raises:
            NothingCommittedError: It does not start.
        """
        with contextlib.suppress(OSError):
            return DecoderProcess(self._living_server(), specs, self._seconds)
        time.sleep(_PAUSE_SECONDS)
        try:
            return DecoderProcess(self._living_server(), specs, self._seconds)
        except OSError as error:
            reason = error.strerror or str(error)
            raise NothingCommittedError(
                f"no process for decoding can be started ({reason}); free memory or raise the limits of processes and "
                "of open files, and start again"
            ) from None

    def _living_server(self) -> DecoderServer:
        with self._lock:
            if self._server is None or self._server.is_lost:
                self._server = DecoderServer()
            return self._server


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


def decoders() -> DecoderPool:
    """Returns the pool of this process, and starts it at the first call."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = DecoderPool(processors())
        return _pool


def _forget() -> None:
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)  # a fork does not inherit the processes of its parent
