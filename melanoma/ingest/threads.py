"""The default number of threads that read photographs, and wait for the processes that decode them."""

from melanoma import storage
from melanoma.machine import processors


def default_threads(is_local: bool) -> int:
    """Returns the number of threads that read in one process; each waits until its photograph is decoded.

    Photographs on a local disk keep the cores busy with decoding. Those in a remote store keep threads waiting, so
    there are as many as the store may be asked at a time.

    Args:
        is_local: Whether the photographs are on a local disk.
    """
    return 2 * processors() if is_local else storage.CONNECTIONS
