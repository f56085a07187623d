"""Scores each photograph of a batch by itself, as many at a time as there are threads, each on one thread.

A library for matrices rounds by the size of what it multiplies and by the place in it. Alone, a photograph's scores
depend, to the last bit, on nothing but the photograph; and a short batch costs no more than its photographs. On a
processor that is as fast as batches of any size (docs/understand/performance.md).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from melanoma.errors import BundleError
from melanoma.images.pixels import Pixels
from melanoma.model.decision import ModelOutput
from melanoma.model.description import PORTABLE
from melanoma.wording import first_line

Outputs = Sequence[npt.NDArray[np.float32]]


class OneByOneEngine:
    """A network that a library runs on one photograph after another."""

    def __init__(self, run: Callable[[Pixels], Outputs], version: str, batch_size: int, threads: int) -> None:
        """Starts no thread yet.

        Args:
            run: Returns the outputs for one photograph, uint8 (1, height, width, 3); called by several threads at once.
            version: Name and version of the library, and the precision.
            batch_size: The most photographs that `score` takes.
            threads: The most photographs at a time.
        """
        self.version, self.batch_size = version, batch_size
        self._run = run
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="score")

    def score(self, pixels: Pixels) -> ModelOutput:
        """Scores up to `batch_size` photographs.

        Args:
            pixels: uint8 (n, height, width, 3), n from 1 to `batch_size`.

        Returns:
            The network's outputs, unchecked: a broken network may return NaN.
        """
        outputs = self._pool.map(self._run, np.split(np.ascontiguousarray(pixels), len(pixels)))
        return ModelOutput(*(np.concatenate(parts) for parts in zip(*outputs, strict=True)))


def cannot_run(where: str, library: str, error: Exception) -> BundleError:
    """Returns the error for a portable network that a library does not take.

    Args:
        where: Name of the network for people.
        library: Name and version of the library.
        error: What it raised.
    """
    cause = f"{type(error).__name__}: {first_line(error):.200}"
    return BundleError(f"{where}: {library} cannot run {PORTABLE} ({cause}); choose another --engine")
