"""How many photographs a run is about to score, told to the process that shows its progress, whatever the runner."""

from typing import NamedTuple

from melanoma import storage
from melanoma.runs.run import Run

_GOES_ON = "+"  # behind the number
_MAX_BYTES = 100


class Announcement(NamedTuple):
    """A number of photographs.

    Attributes:
        images: Number of those to score; while the listing goes on, of those that are listed so far.
        is_final: Whether the listing has ended.
    """

    images: int
    is_final: bool = True


def announce(run: Run, announcement: Announcement) -> None:
    """Writes an announcement in the place of the one before.

    Raises:
        NothingCommittedError: The store or the disk refused.
    """
    text = f"{announcement.images}{'' if announcement.is_final else _GOES_ON}"
    storage.write_bytes(_uri(run), text.encode(), is_private=True)


def announced(run: Run) -> Announcement | None:
    """Returns the last announcement of a run; None if there is none yet.

    Raises:
        ReadError: The store does not answer.
    """
    uri = _uri(run)
    if not storage.exists(uri):
        return None
    try:
        text = storage.read_small(uri, _MAX_BYTES).decode("ascii")
        return Announcement(int(text.removesuffix(_GOES_ON)), not text.endswith(_GOES_ON))
    except ValueError:
        return None


def _uri(run: Run) -> str:
    return run.layout.announcement(run.fingerprint, run.run_id)
