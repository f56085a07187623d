"""How many threads read and decode photographs."""

import os

_CORES = os.cpu_count() or 1


def default_threads(is_local: bool) -> int:
    """Returns the number of threads that read and decode in one process.

    A local disk costs processor time, of which there is no more than cores; a remote store costs waiting.

    Args:
        is_local: Whether the photographs lie on a local disk.
    """
    return 2 * _CORES if is_local else max(16, 4 * _CORES)
