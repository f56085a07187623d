"""The owner's side of one decoding process."""

import contextlib
import fcntl
import mmap
import os
import signal
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoder_child import CPU_SECONDS
from melanoma.images.decoder_messages import MAX_MESSAGE, READY, Request, errors_of, pixel_bytes, to_bytes
from melanoma.images.decoding import DECODER, ImageSpec
from melanoma.images.limits import MAX_BYTES, Header
from melanoma.images.pixels import Pixels

WALL_SECONDS = 30.0
_LEAST_PIXEL_BYTES = 2**20
_KEPT_INPUT_BYTES = 8 * 2**20


class Decoding(NamedTuple):
    """What became of one photograph.

    Attributes:
        results: Pixels or an error for each spec that was asked for, in their order.
        seconds: Time that decoding took.
    """

    results: list[Pixels | ImageError]
    seconds: float


class DecoderProcess:
    """A process that decodes one photograph at a time, and its shared memory; for one thread at a time."""

    def __init__(self, server: socket.socket, specs: Sequence[ImageSpec], seconds: float) -> None:
        """Has the server fork a process, and waits until it is ready.

        Args:
            server: Connection to the server of decoding processes.
            specs: What it will have to deliver at most.
            seconds: Time after which a photograph is given up.

        Raises:
            OSError: The process cannot be started.
        """
        self.capacity = max(pixel_bytes(specs), _LEAST_PIXEL_BYTES)
        self.decoded = 0
        memory = _sealed_memory(MAX_BYTES + self.capacity)
        try:
            self._memory = mmap.mmap(memory, 0)
            self._connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with other:
                socket.send_fds(server, [b"1"], [other.fileno(), memory])
        finally:
            os.close(memory)
        self._connection.settimeout(seconds)
        greeting = self._connection.recv(MAX_MESSAGE)
        if not greeting.startswith(READY):
            raise ConnectionError("the decoding process ended before it was ready")
        self._process = os.pidfd_open(int(greeting.removeprefix(READY)))

    def decode(self, data: bytes, header: Header, specs: Sequence[ImageSpec]) -> Decoding:
        """Decodes one photograph; afterwards the process is unusable if it crashed, hung or lied.

        Args:
            data: A complete file of at most `MAX_BYTES` bytes.
            header: What its header states.
            specs: What to deliver.

        Raises:
            DecoderError: The process crashed, took too long, or answered with nonsense.
        """
        self._memory[: len(data)] = data
        began = time.monotonic()
        try:
            self._connection.send(to_bytes(Request(len(data), header, tuple(specs), MAX_BYTES)))
            errors = errors_of(self._connection.recv(MAX_MESSAGE), len(specs))
        except TimeoutError:
            raise DecoderError(ErrorKind.DECODER_TIMEOUT) from None
        except (OSError, ValueError):  # a process that ended sends an empty message, which is no JSON
            is_slow = time.monotonic() - began >= CPU_SECONDS
            raise DecoderError(ErrorKind.DECODER_TIMEOUT if is_slow else ErrorKind.DECODER_CRASH) from None
        finally:
            if len(data) > _KEPT_INPUT_BYTES:
                self._memory.madvise(mmap.MADV_REMOVE, 0, MAX_BYTES)
        self.decoded += 1
        return Decoding(self._results(errors, specs), time.monotonic() - began)

    def _results(self, errors: Sequence[ImageError | None], specs: Sequence[ImageSpec]) -> list[Pixels | ImageError]:
        results, place = list[Pixels | ImageError](), MAX_BYTES
        for error, spec in zip(errors, specs, strict=True):
            shape = (spec.height, spec.width, 3)
            size = 3 * spec.height * spec.width
            pixels = np.frombuffer(self._memory, np.uint8, size, place).reshape(shape)
            results.append(pixels.copy() if error is None else error)
            place += size
        return results

    def close(self) -> None:
        """Ends the process at once."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        os.close(self._process)
        self._connection.close()


class DecoderError(Exception):
    """A decoding process did not survive a photograph.

    Attributes:
        error: The error of the photograph, which names the decoder: another one may do better.
    """

    def __init__(self, kind: ErrorKind) -> None:
        what = "ended" if kind is ErrorKind.DECODER_CRASH else "took too long"
        self.error = ImageError(kind, f"the process that decoded it {what} {decoder_mark()}")
        super().__init__(str(self.error))

    def for_each(self, specs: Sequence[ImageSpec]) -> Decoding:
        """Returns this error as the result for each of `specs`."""
        return Decoding([self.error] * len(specs), 0.0)


def decoder_mark() -> str:
    """Returns the end of the error of a photograph that this version of the decoder did not survive."""
    return f"[{DECODER}]"


def _sealed_memory(size: int) -> int:
    """Returns a descriptor of new shared memory whose size nobody can change: a smaller one would crash the owner."""
    memory = os.memfd_create("melanoma-photograph", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, size)
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return memory
