"""Chunks between the listing, which runs ahead in a thread, and those who score them; they wait on the local disk."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from melanoma.ingest.tasks import Chunk, PackedChunk
from melanoma.storage.spool import Kept, Spool


@dataclass(frozen=True)
class _Wave:
    """Chunks that were cut together.

    Attributes:
        size: Numbers that the wave takes; not all of them need have a chunk.
        chunks: Number within the wave and place of each chunk.
    """

    size: int
    chunks: tuple[tuple[int, Kept], ...]


class ChunkQueue:
    """Waves of chunks, those of deferred photographs before the others; one thread fills it, one empties it."""

    def __init__(self) -> None:
        """Begins closed and empty.

        Raises:
            UsageError: No folder for temporary files can be used.
            NothingCommittedError: That folder is full.
        """
        self._spool, self._changed = Spool(), threading.Condition()
        self._deferred, self._new = deque[_Wave](), deque[_Wave]()
        self._is_open = self._has_ended = self._is_abandoned = False
        self._error: BaseException | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody takes chunks any more, so that the listing can stop."""
        return self._is_abandoned

    def put(self, chunks: Sequence[Chunk], size: int, was_deferred: bool) -> None:
        """Adds a wave.

        Args:
            chunks: Chunks in the order of their numbers.
            size: Larger than each of these numbers.
            was_deferred: Whether an earlier run deferred these photographs.

        Raises:
            UsageError: The folder for temporary files can no longer be used.
            NothingCommittedError: It is full.
        """
        wave = _Wave(size, tuple((chunk.number, self._spool.keep(chunk.packed().tasks)) for chunk in chunks))
        with self._changed:
            (self._deferred if was_deferred else self._new).append(wave)
            self._changed.notify_all()

    def open(self) -> None:
        """Lets chunks be taken before the listing has ended."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Says that no wave follows.

        Args:
            error: What ended the listing early; it is raised where chunks are taken.
        """
        with self._changed:
            self._error, self._has_ended = error, True
            self._changed.notify_all()

    def chunks(self) -> Iterator[PackedChunk]:
        """Yields the chunks wave by wave, numbered from 0 on, as soon as they may be taken.

        Raises:
            BaseException: What ended the listing early.
        """
        first = 0
        try:
            while (wave := self._next_wave()) is not None:
                for number, kept in wave.chunks:
                    self._raise_error()
                    yield PackedChunk(first + number, self._spool.read(kept))
                first += wave.size
        finally:
            self._is_abandoned = True

    def _next_wave(self) -> _Wave | None:
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or (self._is_open and (self._deferred or self._new)))
            self._raise_error()
            waves = self._deferred or self._new
            return waves.popleft() if waves else None

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
