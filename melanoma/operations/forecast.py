"""Forecasts how long a run over the whole store would take, from a few photographs and one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

from melanoma.ingest.loading import Loaded
from melanoma.ingest.threads import default_threads
from melanoma.machine import processors

_STARTUP_SECONDS = 8.0  # libraries, bundle, first batch
_ROW_BYTES = 250  # of a committed row, compressed
_STAGED_BYTES = 3 * _ROW_BYTES  # staged rows are hardly compressed
_BASE_MEMORY = 1.0e9  # TensorFlow, Beam and pyarrow
_LISTED_BYTES = 400  # of memory per listed photograph
_BATCHES_IN_MEMORY = 4


@dataclass(frozen=True)
class Forecast:
    """Estimated needs of a first run over the whole store.

    Attributes:
        photographs: Number of photographs; a lower bound if the listing was cut short.
        seconds: Total duration.
        rate: Photographs per second, excluding start-up.
        waits_for: What limits the rate.
        output_bytes: Size of the committed rows.
        disk_bytes: Size of the committed and the staged rows together.
        memory_bytes: Peak memory of one process.
    """

    photographs: int
    seconds: float
    rate: float
    waits_for: str
    output_bytes: float
    disk_bytes: float
    memory_bytes: float


def forecast(
    photographs: int, loaded: Sequence[Loaded], seconds_per_photograph: float, batch_bytes: int, is_local: bool
) -> Forecast:
    """Forecasts a run in one process.

    Decoding and the network share the cores, so their times add up; reading waits in separate threads meanwhile.

    Args:
        photographs: Number of photographs to score.
        loaded: Photographs read and decoded as in a run, at least one.
        seconds_per_photograph: Time that the network takes per photograph of a full batch.
        batch_bytes: Size of the pixels of a batch in bytes.
        is_local: Whether the photographs are on a local disk.
    """
    cores = processors()
    read = sum(one.read_seconds for one in loaded) / len(loaded) / default_threads(is_local)
    work = seconds_per_photograph + sum(one.decode_seconds for one in loaded) / len(loaded) / cores
    each = max(read, work)
    return Forecast(
        photographs=photographs,
        seconds=_STARTUP_SECONDS + each * photographs,
        rate=1 / max(each, 1e-9),
        waits_for="reading" if read > work else "decoding and the network",
        output_bytes=_ROW_BYTES * photographs,
        disk_bytes=(_ROW_BYTES + _STAGED_BYTES) * photographs,
        memory_bytes=_BASE_MEMORY + _BATCHES_IN_MEMORY * batch_bytes + _LISTED_BYTES * photographs,
    )
