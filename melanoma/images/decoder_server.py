"""The process from which decoding processes are forked: it has the decoders loaded, and no secret in its memory.

It is started as `python -m melanoma.images.decoder_server DESCRIPTOR`. Each message on that socket holds the
descriptors of a new decoder's connection and of its shared memory. It ends when the owner closes the socket.
"""

import array
import contextlib
import mmap
import os
import signal
import socket
import sys

from melanoma.images import decoder_child
from melanoma.images.decoder_messages import READY

_DESCRIPTORS = 2


def main() -> None:
    """Forks a decoder for each message."""
    owner = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the decoders
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the owner decides when its decoders end
    owner.send(READY)
    while descriptors := _receive(owner):
        if os.fork() == 0:
            owner.close()
            _become_decoder(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _receive(owner: socket.socket) -> list[int]:
    """Returns the two descriptors of the next message; none if the owner is gone."""
    numbers = array.array("i")
    message, ancillary, _, _ = owner.recvmsg(1, socket.CMSG_SPACE(_DESCRIPTORS * numbers.itemsize))
    if not message:
        return []
    numbers.frombytes(ancillary[0][2])
    return list(numbers)


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
