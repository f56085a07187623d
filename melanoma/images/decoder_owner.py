"""The owner's side of the server of decoding processes: starts it, and has it start and end decoders."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from melanoma.images.decoder_messages import MAX_MESSAGE, READY

_ANSWER_SECONDS = 60.0  # the first answer comes when the server has loaded its libraries
# Whatever else is in the environment may be a secret, and stays out of processes that decode hostile bytes.
_ENVIRONMENT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    # glibc would return the memory of each photograph to the system, and the next one would fault it in page by page.
    "MALLOC_MMAP_THRESHOLD_": str(16 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(32 * 2**20),
}


class DecoderServer:
    """A process from which decoding processes are forked; safe to use from several threads.

    Attributes:
        is_lost: Whether it has ended or does not answer; then all its decoders end, and another server is needed.
    """

    def __init__(self) -> None:
        """Starts the process, and does not wait for it.

        Raises:
            OSError: It cannot be started.
        """
        self.is_lost = False
        self._lock, self._is_ready = threading.Lock(), False
        self._connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.settimeout(_ANSWER_SECONDS)
        with other:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                # -P: a file in the working folder must not stand in for a module
                [sys.executable, "-P", "-m", "melanoma.images.decoder_server", str(other.fileno())],
                pass_fds=[other.fileno()],
                env=_clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def start_decoder(self, connection: int, memory: int) -> int:
        """Starts a decoding process and returns its number.

        Args:
            connection: Descriptor of its end of the connection to the owner.
            memory: Descriptor of the memory that it shares with the owner.

        Raises:
            OSError: It cannot be started.
        """
        answer = self._ask(b"start", [connection, memory])
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        return answer

    def end_decoder(self, number: int) -> int | None:
        """Ends a decoding process at once.

        Args:
            number: What `start_decoder` returned.

        Returns:
            The exit code of the process, or the negative number of the signal that ended it, even if it had ended
            before. None if that is not known, because the server is lost and the process with it.
        """
        try:
            return self._ask(str(number).encode(), [])
        except OSError:
            return None

    def close(self) -> None:
        """Ends the process and all its decoders."""
        self.is_lost = True
        self._connection.close()
        self._process.kill()
        self._process.wait(_ANSWER_SECONDS)

    def _ask(self, message: bytes, descriptors: list[int]) -> int:
        with self._lock:
            if self.is_lost:
                raise ConnectionError("the server of the decoding processes is lost")
            try:
                if not self._is_ready:
                    self._is_ready = self._connection.recv(MAX_MESSAGE) == READY
                socket.send_fds(self._connection, [message], descriptors)
                return int(self._connection.recv(MAX_MESSAGE))  # one that has ended sends an empty message
            except (OSError, ValueError):
                self.close()
                raise ConnectionError("the server of the decoding processes ended") from None


def _clean_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.startswith(("LC_", "PYTHON"))}
    paths = [path or str(Path.cwd()) for path in sys.path]
    return kept | _SETTINGS | {"PYTHONPATH": os.pathsep.join(paths)}
