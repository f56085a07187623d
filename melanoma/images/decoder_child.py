"""A process that decodes: photographs come in and pixels go out through shared memory."""

import contextlib
import ctypes
import mmap
import resource
import signal
import socket
from pathlib import Path

import numpy as np

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoder_messages import MAX_MESSAGE, READY, Request, answer, request_of
from melanoma.images.decoding import decode
from melanoma.images.pixels import Pixels

MEMORY_LIMIT = 3 * 2**30  # address space: 64 million pixels of 15 bytes, the file, the libraries, and room
CPU_SECONDS = 15  # for one photograph and spec
_DESCRIPTORS = 32
_MOST_EXPENDABLE = "1000"
_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38  # prctl(2)


def serve(owner: socket.socket, memory: mmap.mmap) -> None:
    """Decodes what the owner asks for until it closes the connection.

    Args:
        owner: Connection of type SOCK_SEQPACKET: one message is one request or one answer.
        memory: Shared memory, which holds the bytes of the photograph and takes the pixels.
    """
    confine()
    owner.send(READY)
    while message := owner.recv(MAX_MESSAGE):
        request = request_of(message)
        owner.send(answer(_decode(request, memory)))


def confine() -> None:
    """Takes from this process whatever decoding does not need; signals are left to the owner.

    The owner ends its decoders by closing the connection. A signal for the whole process group must not end them
    before, or a photograph that happens to be decoded would count as one that crashes the decoder.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_LIMIT),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        least = _at_most(value, limit)
        resource.setrlimit(limit, (least, least))


def be_expendable() -> None:
    """Has the kernel end this process together with its parent, and before others when memory runs out."""
    control = ctypes.CDLL(None).prctl
    control(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    control(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_MOST_EXPENDABLE)


def _limit_processor_time() -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = _at_most(int(usage.ru_utime + usage.ru_stime) + 1 + CPU_SECONDS, resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _at_most(value: int, limit: int) -> int:
    """Returns a new value for a limit: the hard limit that this process was started with cannot be raised."""
    hard = resource.getrlimit(limit)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _decode(request: Request, memory: mmap.mmap) -> list[ImageError | None]:
    data, place = memory[: request.size], request.place
    errors = list[ImageError | None]()
    for spec in request.specs:
        _limit_processor_time()
        try:
            pixels = decode(data, spec, request.header)
        except ImageError as error:
            errors.append(error)
        except MemoryError:
            errors.append(ImageError(ErrorKind.OUT_OF_MEMORY, "the memory for decoding was not enough"))
        else:
            _store(pixels, memory, place)
            errors.append(None)
        place += 3 * spec.height * spec.width
    return errors


def _store(pixels: Pixels, memory: mmap.mmap, place: int) -> None:
    np.frombuffer(memory, np.uint8, pixels.size, place)[:] = pixels.reshape(-1)
