"""The process from which decoding processes are forked: it has the decoders loaded, and no secret in its memory.

It is started as `python -P -m melanoma.images.decoder_server DESCRIPTOR`. Each message on that socket asks for one
thing and is answered with one number (`decoder_messages`). It ends when the owner closes the socket.
"""

import array
import contextlib
import mmap
import os
import signal
import socket
import sys

from melanoma.images import decoder_child
from melanoma.images.decoder_messages import MAX_MESSAGE, READY

_DESCRIPTORS = 2


def main() -> None:
    """Starts a decoder for each message with descriptors, and ends the one that any other message names."""
    owner = socket.socket(fileno=int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the owner decides when its decoders end
    decoders = set[int]()
    owner.send(READY)
    while (received := _receive(owner))[0]:
        message, descriptors = received
        answer = _start(owner, descriptors, decoders) if descriptors else _end(int(message), decoders)
        owner.send(str(answer).encode())


def _receive(owner: socket.socket) -> tuple[bytes, list[int]]:
    """Returns the next message and its descriptors; an empty message if the owner is gone."""
    numbers = array.array("i")
    message, ancillary, _, _ = owner.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(_DESCRIPTORS * numbers.itemsize))
    if ancillary:
        numbers.frombytes(ancillary[0][2])
    return message, list(numbers)


def _start(owner: socket.socket, descriptors: list[int], decoders: set[int]) -> int:
    """Forks a decoder; returns its number, or the negative number of the system's error."""
    try:
        pid = os.fork()
    except OSError as error:
        return -(error.errno or 1)
    else:
        if pid == 0:
            owner.close()
            _become_decoder(*descriptors)
        decoders.add(pid)
        return pid
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _end(pid: int, decoders: set[int]) -> int:
    """Ends a decoder at once; returns its exit code, or the negative number of the signal that ended it."""
    decoders.remove(pid)
    os.kill(pid, signal.SIGKILL)  # not yet waited for, so that nobody else has this number
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _become_decoder(connection: int, memory: int) -> None:
    try:
        decoder_child.be_expendable()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 2)  # a decoder's own messages may quote the photograph
        os.close(silence)
        shared = mmap.mmap(memory, 0)
        os.close(memory)
        decoder_child.serve(socket.socket(fileno=connection), shared)
    finally:
        os._exit(0)


if __name__ == "__main__":
    with contextlib.suppress(ConnectionError):  # the owner ended without reading everything
        main()
