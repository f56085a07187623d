"""Memory that two processes share and neither can make smaller."""

import ctypes
import fcntl
import os

# Named by number, and created through the C library: the Python of uv and conda is often compiled for systems so old
# that its modules `os` and `fcntl` lack these names, whatever the system offers.
_CLOSE_ON_EXEC, _ALLOW_SEALING = 1, 2  # memfd_create(2)
_ADD_SEALS, _SEAL_SEALS, _SEAL_SHRINK, _SEAL_GROW = 1033, 1, 2, 4  # fcntl(2)


def sealed_memory(size: int) -> int:
    """Returns a descriptor of new shared memory whose size nobody can change: a smaller one would crash the owner.

    Args:
        size: Bytes; they take no memory before they are written.

    Raises:
        OSError: There are no descriptors left, or the system offers no such memory.
    """
    create = ctypes.CDLL(None, use_errno=True).memfd_create
    memory = int(create(b"melanoma-photograph", _CLOSE_ON_EXEC | _ALLOW_SEALING))
    if memory < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    os.ftruncate(memory, size)
    fcntl.fcntl(memory, _ADD_SEALS, _SEAL_SHRINK | _SEAL_GROW | _SEAL_SEALS)
    return memory
