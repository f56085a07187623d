"""A forecast is limited by what takes longest, and grows with the number of photographs."""

import pytest

from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.ingest.threads import default_threads
from melanoma.machine import processors
from melanoma.operations.forecast import forecast

REF = ImageRef("file:///x.jpg", "v", 1, "x")


def test_slow_reading_limits_the_rate() -> None:
    slow = [Loaded(REF, read_seconds=4.0, decode_seconds=0.02)]
    found = forecast(1000, slow, 0.01, 1000, is_local=False)
    assert found.waits_for == "reading"
    assert found.rate == pytest.approx(default_threads(False) / 4.0)


def test_slow_decoding_and_inference_limit_the_rate() -> None:
    quick = [Loaded(REF, read_seconds=0.0, decode_seconds=seconds) for seconds in (0.01, 0.03)]
    found = forecast(1000, quick, 0.5, 1000, is_local=True)
    assert found.waits_for == "decoding and the network"
    assert found.rate == pytest.approx(1 / (0.5 + 0.02 / (processors())))


def test_the_duration_is_start_up_plus_time_per_photograph() -> None:
    one = [Loaded(REF, decode_seconds=0.0)]
    few, many = (forecast(count, one, 0.1, 0, is_local=True) for count in (0, 1000))
    assert many.seconds - few.seconds == pytest.approx(100.0)
    assert few.seconds > 0


def test_disk_and_memory_grow_with_photographs_and_batches() -> None:
    one = [Loaded(REF)]
    small, large = (forecast(count, one, 0.1, 1000, is_local=True) for count in (1000, 2000))
    assert large.output_bytes == 2 * small.output_bytes
    assert large.disk_bytes == 2 * small.disk_bytes > large.output_bytes
    assert large.memory_bytes > small.memory_bytes
    assert forecast(1000, one, 0.1, 2000, is_local=True).memory_bytes == small.memory_bytes + 4000


def test_zero_durations_give_a_finite_rate() -> None:
    assert forecast(10, [Loaded(REF)], 0.0, 0, is_local=True).rate <= 1e9
