"""Reading and decoding use more threads than cores, and for a remote store many more."""

from melanoma.ingest.threads import default_threads
from melanoma.machine import processors


def test_a_local_disk_gets_two_threads_per_core() -> None:
    assert default_threads(is_local=True) == 2 * processors()


def test_a_remote_store_gets_at_least_sixteen_and_never_fewer_than_a_local_disk() -> None:
    assert default_threads(is_local=False) >= max(16, 2 * default_threads(is_local=True))
