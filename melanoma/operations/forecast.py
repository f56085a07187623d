"""How long a whole store would take, from a few photographs and one batch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from melanoma.ingest.loading import Loaded

_START_SECONDS = 8.0  # libraries, bundle, first batch
_BYTES_A_ROW = 250  # of a committed row, compressed; a staged one is about three times as large
_STAGED = 3
_BASE_MEMORY = 1.0e9  # TensorFlow, Beam and pyarrow
_BYTES_A_LISTED = 400


@dataclass(frozen=True)
class Forecast:
    """What a first night over a whole store would need; no promise.

    Attributes:
        photographs: Listed; at least, where the listing was cut short.
        seconds: In all.
        rate: Photographs a second, start-up left out.
        waits_for: What the rate hangs on.
        output_bytes: Of the committed rows.
        disk_bytes: Of committed and staged rows together.
        memory_bytes: At the peak of one process.
    """

    photographs: int
    seconds: float
    rate: float
    waits_for: str
    output_bytes: float
    disk_bytes: float
    memory_bytes: float


def forecast(
    photographs: int, loaded: Sequence[Loaded], seconds_a_photograph: float, batch_bytes: int, is_local: bool
) -> Forecast:
    """Forecasts a night in one process.

    Decoding shares the cores with the network, so their times add up; reading waits in threads of its own beside them.

    Args:
        photographs: Of the store.
        loaded: Photographs that were read and decoded as a night does, at least one.
        seconds_a_photograph: Of the network, in a full batch.
        batch_bytes: Of the pixels of a batch.
        is_local: Whether they lie on a local disk.
    """
    cores = os.cpu_count() or 1
    threads = 2 * cores if is_local else max(16, 4 * cores)
    read = sum(facts.read_seconds for facts in loaded) / len(loaded) / threads
    work = seconds_a_photograph + sum(facts.decode_seconds for facts in loaded) / len(loaded) / cores
    each = max(read, work)
    output = _BYTES_A_ROW * photographs
    return Forecast(
        photographs,
        _START_SECONDS + each * photographs,
        1 / max(each, 1e-9),
        "reading" if read > work else "decoding and the network",
        output,
        output * (1 + _STAGED),
        _BASE_MEMORY + 4 * batch_bytes + _BYTES_A_LISTED * photographs,
    )
