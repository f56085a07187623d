"""A sample of the photographs shows whether a run could list, decode and score them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import ErrorKind, PhotographError, UsageError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.ingest.roots import Root
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine
from melanoma.operations import sample_checks
from melanoma.operations.checks import Result
from melanoma.operations.sample_checks import (
    Listed,
    check_decoding,
    check_listing,
    check_network,
    decode_sample,
    list_sample,
    time_network,
)
from tests.helpers import fill

REF = ImageRef("file:///x.jpg", "v", 1, "x")


def loaded(errors: Sequence[ErrorKind | None]) -> list[Loaded]:
    return [Loaded(REF, error=None if kind is None else PhotographError(kind, "found")) for kind in errors]


def write(folder: Path, count: int) -> Root:
    for number in range(count):
        (folder / f"{number:03}.jpg").write_bytes(b"xy")
    return Root(str(folder))


def test_a_sample_is_spread_over_all_photographs(tmp_path: Path) -> None:
    listed = list_sample([write(tmp_path, 500)])
    assert (listed.count, len(listed.sample), listed.is_complete) == (500, 50, True)
    assert [ref.image_id for ref in listed.sample][::25] == ["000", "250"]


def test_a_small_store_is_sampled_completely(tmp_path: Path) -> None:
    assert [ref.image_id for ref in list_sample([write(tmp_path, 3)]).sample] == ["000", "001", "002"]


def test_a_long_listing_is_cut_short_and_reported_as_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_checks, "_MAX_LISTED", 10)
    listed = list_sample([write(tmp_path, 30)])
    assert listed.count == 10 and not listed.is_complete
    assert check_listing(listed, [str(tmp_path)]).found.startswith("the first 10 photographs, ")


def test_several_sources_are_listed_together(tmp_path: Path) -> None:
    roots = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        roots.append(write(tmp_path / name, 2))
    assert list_sample(roots).count == 4


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing: does not exist; check --images for a typo"):
        list_sample([Root(str(tmp_path / "missing"))])


def test_a_listing_reports_number_and_rate() -> None:
    check = check_listing(Listed((REF,), 1200, True, 0.5), [])
    assert (check.result, check.found) == (Result.PASS, "1,200 photographs, 2,400 per second")


def test_an_empty_listing_fails() -> None:
    check = check_listing(Listed((), 0, True, 0.1), ["/archive/a", "s3://b"])
    assert (check.result, check.found) == (Result.FAIL, "no photographs in /archive/a, s3://b")
    assert "--pattern" in check.remedy


def test_a_sample_is_decoded_to_the_input_size_of_the_bundle(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path, 3)
    (tmp_path / "broken.jpg").write_bytes(b"")
    sample = decode_sample(list_sample([Root(str(tmp_path))]), load_bundle(bundle_uri))
    assert sample.pixels.shape == (3, 16, 16, 3) and sample.pixels.dtype == np.uint8
    errors = [one.error.kind for one in sample.loaded if one.error is not None]
    assert len(sample.loaded) == 4 and errors == [ErrorKind.EMPTY]


def test_a_sample_without_a_decodable_photograph_has_no_pixels(tmp_path: Path, bundle_uri: str) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"")
    sample = decode_sample(list_sample([Root(str(tmp_path))]), load_bundle(bundle_uri))
    assert sample.pixels.shape == (0, 16, 16, 3)


@pytest.mark.parametrize(
    ("errors", "result", "found"),
    [
        ([None] * 4, Result.PASS, "4 of 4 photographs decoded"),
        ([None] * 19 + [ErrorKind.EMPTY], Result.PASS, "19 of 20 photographs decoded; empty 1"),
        ([None] * 18 + [ErrorKind.EMPTY] * 2, Result.WARN, "18 of 20 photographs decoded; empty 2"),
        (
            [ErrorKind.TRUNCATED, ErrorKind.EMPTY, ErrorKind.EMPTY],
            Result.FAIL,
            "0 of 3 photographs decoded; empty 2, truncated 1",
        ),
        ([ErrorKind.FORBIDDEN, ErrorKind.TIMEOUT], Result.STORE, "0 of 2 photographs decoded; forbidden 1, timeout 1"),
        ([None, ErrorKind.TIMEOUT], Result.WARN, "1 of 2 photographs decoded; timeout 1"),
        ([ErrorKind.TIMEOUT, ErrorKind.EMPTY], Result.FAIL, "0 of 2 photographs decoded; timeout 1, empty 1"),
    ],
)
def test_failures_are_judged_by_their_share_and_by_the_store(
    errors: list[ErrorKind | None], result: Result, found: str
) -> None:
    check = check_decoding(loaded(errors))
    assert (check.result, check.found) == (result, found)
    assert bool(check.remedy) == (result is not Result.PASS)


def test_a_network_is_timed_in_full_batches(bundle_uri: str) -> None:
    seconds = time_network(load_engine(load_bundle(bundle_uri), 8), np.zeros((3, 16, 16, 3), np.uint8))
    assert 0 < seconds < 1


def test_the_speed_of_a_network_is_reported_per_second() -> None:
    assert "250 photographs per second in full batches, 8 views of each, with x" in check_network(0.004, "x", 8).found
    found = check_network(0.004, "onnxruntime-1.32.0-f32").found
    assert found == "golden samples match; 250 photographs per second in full batches, with onnxruntime-1.32.0-f32"
