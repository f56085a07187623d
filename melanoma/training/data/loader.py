"""Who looks at training photographs: threads of this process, or processes of their own that keep a GPU busy."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Self

import numpy as np

from melanoma.datasets.photographs import Photograph, read_file
from melanoma.images.pixels import Pixels
from melanoma.training.data.policies import Look

Size = tuple[int, int]
Key = tuple[int, ...]
_OTHER_FILE = 0.25  # share of draws that look at another file of the photograph, where there is one


class Viewer:
    """Looks at the photographs of a batch, each by a key of its own; who looks changes no pixel.

    Attributes:
        at_once: Batches that may be asked for at the same time.
    """

    def __init__(self, look: Look, processes: int = 0) -> None:
        """Starts nothing yet.

        Args:
            look: At a photograph.
            processes: That look, while the viewer is entered; 0 for threads of this one.
        """
        self.at_once = processes or look.threads
        self._look, self._processes = look, processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Starts the processes."""
        if self._processes:  # started afresh: a copy of this one would hold locks of the backend's threads
            self._pool = ProcessPoolExecutor(self._processes, get_context("spawn"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends them."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None

    def see(self, photographs: Sequence[Photograph], size: Size, keys: Sequence[Key]) -> Pixels:
        """Gives uint8 (photographs, height, width, 3); the same keys always give the same."""
        if self._pool:
            return self._pool.submit(_see, self._look, photographs, size, keys).result()
        return _see(self._look, photographs, size, keys)


def _see(look: Look, photographs: Sequence[Photograph], size: Size, keys: Sequence[Key]) -> Pixels:
    return np.stack([_view(look, photograph, size, key) for photograph, key in zip(photographs, keys, strict=True)])


def _view(look: Look, photograph: Photograph, size: Size, key: Key) -> Pixels:
    dice, uri = np.random.default_rng((*key, 1)), photograph.uri
    if photograph.other_uris and dice.random() < _OTHER_FILE:
        uri = photograph.other_uris[dice.integers(len(photograph.other_uris))]
    return look.view(read_file(uri), size, key)
