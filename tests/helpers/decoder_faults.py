"""Stands for bugs in a native decoder: bytes with a mark make the decoding process crash, hang or run out of memory.

The module is written as `sitecustomize.py` into a folder on the path of the decoding processes, which import it.
"""

from pathlib import Path

FAULTS = (
    "segv", "exit", "hang", "spin", "limit", "memory", "killed-once", "killed-always", "stopped-once", "lie"
)  # fmt: skip
MARKS = {name: f"MARK-{name.upper()}".encode() for name in FAULTS}
_SITE = """
import importlib.abc, importlib.util, sys

import numpy

NAME = "melanoma.images.decoding"


def fault(data):
    import ctypes, os, signal, time
    from pathlib import Path
    if b"MARK-SEGV" in data:
        ctypes.string_at(0)
    if b"MARK-EXIT" in data:
        os._exit(3)
    while b"MARK-HANG" in data:
        time.sleep(1)
    while b"MARK-SPIN" in data:
        pass
    if b"MARK-MEMORY" in data:
        hold = []
        while True:
            hold.append(numpy.zeros(256 << 20, numpy.uint8))  # reserved, not filled
    for mark, number in (
        (b"MARK-KILLED-ONCE", signal.SIGKILL), (b"MARK-STOPPED-ONCE", signal.SIGSTOP),
        (b"MARK-KILLED-ALWAYS", signal.SIGKILL), (b"MARK-LIMIT", signal.SIGXCPU),
    ):
        seen = Path(FOLDER, mark.decode())
        if mark in data and not seen.is_symlink():
            if mark.endswith(b"ONCE"):
                seen.symlink_to("x")
            os.kill(os.getpid(), number)
    if b"MARK-LIE" in data:
        import socket
        for number in range(3, 32):
            try:
                socket.socket(fileno=os.dup(number)).send(b'[["corrupt", "a\\\\u001b[2J"]]')
            except OSError:
                continue


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != NAME or "melanoma.images.decoder_server" not in sys.orig_argv:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            real = module.decode

            def decode(data, *rest):
                fault(data)
                return real(data, *rest)

            module.decode = decode

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
"""


def write_site(folder: Path) -> Path:
    """Writes the module into a folder, which has to come first on the path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(f"FOLDER = {str(folder)!r}\n{_SITE}")
    return folder
