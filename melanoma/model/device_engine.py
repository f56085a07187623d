"""Scores on a device that is faster the more photographs it gets at once, and has a memory of its own: a GPU."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from melanoma.images.pixels import Pixels
from melanoma.model.decision import ModelOutput
from melanoma.model.one_by_one import Outputs

_FIRST = 16  # photographs in a slice, to begin with
_GROWTH = 1.1  # by which twice as many must be faster
_IN_FLIGHT = 2  # slices: one is copied while the other one is computed


class DeviceEngine:
    """A network that scores a batch in slices, as many photographs in each as the device is fastest with.

    The first batches find this number: it doubles as long as the device gets faster by it, and is halved where the
    memory of the device does not suffice. A short slice is padded, because a device prepares itself for each number
    anew. A photograph's scores may depend on the number in a slice, within the tolerance of the golden samples.
    """

    def __init__(
        self,
        run: Callable[[Pixels], Outputs],
        version: str,
        batch_size: int,
        is_out_of_memory: Callable[[Exception], bool],
    ) -> None:
        """Starts no thread yet.

        Args:
            run: Returns the outputs for any number of photographs, uint8 (n, height, width, 3); called by two threads
                at once.
            version: Name and version of the library, the precision, and the device.
            batch_size: The most photographs that `score` takes; a slice has at most half of them.
            is_out_of_memory: Tells whether an error says that the memory of the device does not suffice.
        """
        self.version, self.batch_size = version, batch_size
        self._run, self._is_out_of_memory = run, is_out_of_memory
        self._most = max(1, batch_size // _IN_FLIGHT)
        self._size, self._rate, self._is_warm, self._is_settled = min(_FIRST, self._most), 0.0, False, False
        self._one_batch = threading.Lock()  # of the workers that share the device in this process
        self._pool = ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="score")

    @property
    def slice_size(self) -> int:
        """Number of photographs that go to the device together."""
        return self._size

    def score(self, pixels: Pixels) -> ModelOutput:
        """Scores up to `batch_size` photographs.

        Args:
            pixels: uint8 (n, height, width, 3), n from 1 to `batch_size`.

        Returns:
            The network's outputs, unchecked: a broken network may return NaN.
        """
        with self._one_batch:
            while True:
                began = time.perf_counter()
                try:
                    outputs = self._in_slices(pixels)
                except Exception as error:  # noqa: BLE001 - what it is, the library's own words say
                    self._shrink(error)
                else:
                    self._learn(len(pixels), time.perf_counter() - began)
                    return outputs

    def _in_slices(self, pixels: Pixels) -> ModelOutput:
        count = len(pixels)
        padded = np.zeros((-(-count // self._size) * self._size, *pixels.shape[1:]), np.uint8)
        padded[:count] = pixels
        outputs = list(self._pool.map(self._run, np.split(padded, len(padded) // self._size)))
        return ModelOutput(*(np.concatenate(parts)[:count] for parts in zip(*outputs, strict=True)))

    def _shrink(self, error: Exception) -> None:
        """Halves the slices, and raises an error that this cannot help."""
        if self._size == 1 or not self._is_out_of_memory(error):
            raise error
        self._size, self._is_settled = self._size // 2, True
        logging.getLogger(__name__).warning(
            "the memory of the device does not suffice; it gets %d photographs at a time now", self._size
        )

    def _learn(self, count: int, seconds: float) -> None:
        """Compares the rate with that of slices of half the size; the first batch of a size only warms the device."""
        if self._is_settled or count < _IN_FLIGHT * self._size:
            return
        if not self._is_warm:
            self._is_warm = True
            return
        rate = count / seconds
        if rate < _GROWTH * self._rate:
            self._size, self._is_settled = self._size // 2, True
        elif 2 * self._size > self._most:
            self._is_settled = True
        else:
            self._size, self._rate, self._is_warm = 2 * self._size, rate, False
