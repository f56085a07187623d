"""The default number of threads that read and decode photographs."""

import os

_CORES = os.cpu_count() or 1


def default_threads(is_local: bool) -> int:
    """Returns the number of threads that read and decode in one process.

    Photographs on a local disk keep the cores busy with decoding; those in a remote store keep threads waiting.

    Args:
        is_local: Whether the photographs are on a local disk.
    """
    return 2 * _CORES if is_local else max(16, 4 * _CORES)
