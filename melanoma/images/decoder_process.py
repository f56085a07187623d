"""The owner's side of one decoding process."""

import mmap
import os
import signal
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoder_messages import MAX_MESSAGE, READY, Request, errors_of, pixel_bytes, to_bytes
from melanoma.images.decoder_owner import DecoderServer
from melanoma.images.decoding import DECODER_WITH_EXTRAS, ImageSpec
from melanoma.images.limits import MAX_BYTES, Header
from melanoma.images.pixels import Pixels
from melanoma.images.sealed_memory import sealed_memory

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

    def __init__(self, server: DecoderServer, specs: Sequence[ImageSpec], seconds: float) -> None:
        """Has the server fork a process, and waits until it is ready.

        Args:
            server: Server of the decoding processes.
            specs: What it will have to deliver at most.
            seconds: Time for each of the specs after which a photograph is given up.

        Raises:
            OSError: The process cannot be started.
        """
        self.capacity = max(pixel_bytes(specs), _LEAST_PIXEL_BYTES)
        self.decoded = 0
        self._server, self._seconds = server, seconds
        memory = sealed_memory(MAX_BYTES + self.capacity)
        try:
            self._memory = mmap.mmap(memory, 0)
            self._connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with other:
                self._number = server.start_decoder(other.fileno(), memory)
        finally:
            os.close(memory)
        self._connection.settimeout(seconds)
        try:
            if self._connection.recv(MAX_MESSAGE) != READY:
                raise ConnectionError("the decoding process ended before it was ready")
        except OSError:
            self.close()
            raise

    def decode(self, data: bytes, header: Header, specs: Sequence[ImageSpec]) -> Decoding:
        """Decodes one photograph; afterwards the process has to be closed if it crashed, hung or lied.

        Args:
            data: A complete file of at most `MAX_BYTES` bytes.
            header: What its header states.
            specs: What to deliver.

        Raises:
            DecoderError: The process crashed, took too long, or answered with nonsense.
        """
        self._memory[: len(data)] = data
        self._connection.settimeout(self._seconds * len(specs))
        began = time.monotonic()
        try:
            self._connection.send(to_bytes(Request(len(data), header, tuple(specs), MAX_BYTES)))
            message = self._connection.recv(MAX_MESSAGE)
        except TimeoutError:
            raise DecoderError(ErrorKind.DECODER_TIMEOUT, "took too long", may_pass=True) from None
        except OSError:
            message = b""
        finally:
            if len(data) > _KEPT_INPUT_BYTES:
                self._memory.madvise(mmap.MADV_REMOVE, 0, MAX_BYTES)
        if not message:
            raise _error_after(self.close())
        try:
            errors = errors_of(message, len(specs))
        except ValueError:
            raise DecoderError(ErrorKind.DECODER_CRASH, "answered with nonsense", may_pass=True) from None
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

    def close(self) -> int | None:
        """Ends the process at once; returns what `DecoderServer.end_decoder` returns, None the second time."""
        if self._connection.fileno() < 0:
            return None
        self._connection.close()
        return self._server.end_decoder(self._number)


class DecoderError(Exception):
    """A decoding process did not survive a photograph.

    Attributes:
        error: The error of the photograph. It names the decoder, unless memory was short: another one may do better.
        may_pass: Whether another process may survive it.
    """

    def __init__(self, kind: ErrorKind, what: str, *, may_pass: bool) -> None:
        mark = "" if kind.may_heal else f" {decoder_mark()}"
        self.error = ImageError(kind, f"the process that decoded it {what}{mark}")
        self.may_pass = may_pass
        super().__init__(str(self.error))

    def for_each(self, specs: Sequence[ImageSpec]) -> Decoding:
        """Returns this error as the result for each of `specs`."""
        return Decoding([self.error] * len(specs), 0.0)


def _error_after(status: int | None) -> DecoderError:
    if status == -signal.SIGXCPU:
        return DecoderError(ErrorKind.DECODER_TIMEOUT, "took too long", may_pass=False)
    if status == -signal.SIGKILL:  # the kernel ends decoding processes first when memory is short
        return DecoderError(ErrorKind.OUT_OF_MEMORY, "was killed, most likely because memory was short", may_pass=True)
    return DecoderError(ErrorKind.DECODER_CRASH, "ended", may_pass=True)


def decoder_mark() -> str:
    """Returns the end of the error of a photograph that this version of the decoder did not survive."""
    return f"[{DECODER_WITH_EXTRAS}]"
