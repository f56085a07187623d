"""Loads and augments training photographs, in threads of this process or in processes that keep a GPU busy."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Self

import numpy as np

from melanoma.datasets.photographs import Photograph, read_file
from melanoma.images.pixels import Pixels
from melanoma.training.data.policies import AugmentationPolicy

Size = tuple[int, int]
Key = tuple[int, ...]
_OTHER_FILE_RATE = 0.25  # how often another file of the same photograph is read, where there is one


class DataLoader:
    """Loads batches of augmented photographs, with the same pixels however many threads or processes there are.

    Attributes:
        workers: Number of batches that may be requested at the same time.
    """

    def __init__(self, policy: AugmentationPolicy, processes: int = 0) -> None:
        """Configures the loader; processes start when it is entered as a context manager.

        Args:
            policy: Augmentation policy.
            processes: Number of processes; 0 loads in the calling thread.
        """
        self.workers = processes or policy.threads
        self._policy, self._processes = policy, processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Starts the processes, if any."""
        if self._processes:  # not forked: the copy would inherit locks held by the backend's threads
            self._pool = ProcessPoolExecutor(self._processes, get_context("spawn"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops the processes."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None

    def load(self, photographs: Sequence[Photograph], size: Size, keys: Sequence[Key]) -> Pixels:
        """Loads one batch.

        Args:
            photographs: At least one.
            size: Height and width of the result in pixels.
            keys: Random key of each photograph; the same keys give the same pixels.

        Returns:
            uint8 (photographs, height, width, 3).

        Raises:
            DataError: A file cannot be read.
            ImageError: A file is damaged or not a photograph.
        """
        if self._pool:
            return self._pool.submit(_load_batch, self._policy, photographs, size, keys).result()
        return _load_batch(self._policy, photographs, size, keys)


def _load_batch(
    policy: AugmentationPolicy, photographs: Sequence[Photograph], size: Size, keys: Sequence[Key]
) -> Pixels:
    return np.stack([_load(policy, photograph, size, key) for photograph, key in zip(photographs, keys, strict=True)])


def _load(policy: AugmentationPolicy, photograph: Photograph, size: Size, key: Key) -> Pixels:
    rng, uri = np.random.default_rng((*key, 1)), photograph.uri
    if photograph.other_uris and rng.random() < _OTHER_FILE_RATE:
        uri = photograph.other_uris[rng.integers(len(photograph.other_uris))]
    return policy.apply(read_file(uri), size, key)
