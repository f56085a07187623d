"""The process that forks decoders ends in silence when its owner ends, whatever that owner has read by then."""

import socket
import subprocess
import sys

import pytest


@pytest.mark.parametrize("is_ready_read", [True, False])
def test_the_server_ends_in_silence_with_its_owner(is_ready_read: bool) -> None:
    """A run with nothing to decode ends without having read that the server is ready, which resets the connection."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "melanoma.images.decoder_server", str(theirs.fileno())]
    server = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE)
    theirs.close()
    assert len(ours.recv(64, socket.MSG_PEEK)) > 0
    if is_ready_read:
        ours.recv(64)
    ours.close()
    _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, b"")


def test_the_server_ends_in_silence_if_its_owner_is_gone_before_it_is_ready() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    command = [sys.executable, "-m", "melanoma.images.decoder_server", str(theirs.fileno())]
    done = subprocess.run(command, pass_fds=[theirs.fileno()], capture_output=True, timeout=60, check=False)
    theirs.close()
    assert (done.returncode, done.stderr) == (0, b"")
