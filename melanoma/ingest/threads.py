"""The default number of threads that read and decode photographs."""

from melanoma.machine import processors


def default_threads(is_local: bool) -> int:
    """Returns the number of threads that read and decode in one process.

    Photographs on a local disk keep the cores busy with decoding; those in a remote store keep threads waiting.

    Args:
        is_local: Whether the photographs are on a local disk.
    """
    cores = processors()
    return 2 * cores if is_local else max(16, 4 * cores)
