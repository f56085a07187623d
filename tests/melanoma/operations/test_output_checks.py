"""The checks try out the output folder with real writes and leave it unchanged."""

import datetime
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import s3fs
from fsspec.implementations.memory import MemoryFileSystem

from melanoma.errors import MelanomaError
from melanoma.model.bundle import load_bundle
from melanoma.operations.checks import Result
from melanoma.operations.output_checks import (
    check_commit,
    check_other_runs,
    check_output,
    check_race,
    judge_output,
    leaving_no_folders,
)
from melanoma.runs import heartbeats
from tests.helpers.fault_proxy import fault_proxy
from tests.helpers.outputs import layout_of

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


class CarelessFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A store whose exclusive create replaces an existing file: careless://path."""

    protocol = "careless"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + str(path).removeprefix("careless://").strip("/")

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        super().pipe_file(path, value, mode="overwrite", **options)


@pytest.fixture
def careless() -> str:
    fsspec.register_implementation("careless", CarelessFileSystem, clobber=True)
    return "careless://careless-scores"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_usable_output_passes_and_is_left_unchanged(tmp_path: Path) -> None:
    check = check_output(layout_of(tmp_path / "out"))
    assert (check.result, check.found) == (Result.PASS, "writable; atomic create works")
    assert files(tmp_path) == []


def test_a_store_whose_create_replaces_a_file_fails(careless: str) -> None:
    check = check_output(layout_of(careless))
    assert check.result is Result.FAIL and "atomic create does not work" in check.found
    assert [name for name in MemoryFileSystem.store if "careless-scores" in name] == []


@pytest.mark.parametrize(
    ("seconds", "result"), [(0, Result.PASS), (-120, Result.PASS), (121, Result.WARN), (-3600, Result.WARN)]
)
def test_a_clock_that_differs_by_more_than_two_minutes_is_a_warning(seconds: int, result: Result) -> None:
    check = judge_output(True, NOW + datetime.timedelta(seconds=seconds), NOW)
    assert check.result is result
    assert result is Result.PASS or f"{abs(seconds):,} seconds" in check.found


def test_a_folder_that_cannot_be_written_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MelanomaError, match="cannot be written"):
        check_output(layout_of(tmp_path / "file"))


def test_a_commit_is_written_read_and_removed(tmp_path: Path, bundle_uri: str) -> None:
    check = check_commit(layout_of(tmp_path), load_bundle(bundle_uri))
    assert check.result is Result.PASS and "read it back" in check.found
    assert files(tmp_path) == []


def test_a_failed_commit_leaves_nothing_behind(bundle_uri: str) -> None:
    with pytest.raises(MelanomaError, match="memory://"):
        check_commit(layout_of("memory://refused-scores"), load_bundle(bundle_uri))
    assert [name for name in MemoryFileSystem.store if "refused-scores" in name] == []


@pytest.fixture
def no_client() -> Iterator[None]:
    """Forgets clients before and after: one that was made before leads past the proxy."""
    s3fs.S3FileSystem.clear_instance_cache()
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.usefixtures("no_client")
def test_a_store_without_the_right_to_delete_fails(
    s3_endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fault_proxy(s3_endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        proxy.fault, proxy.match, proxy.status, proxy.code = "error", r"DELETE|POST .*delete", 403, "AccessDenied"
        check = check_output(layout_of(f"{bucket}/out"))
    assert check.result is Result.FAIL and "nothing can be removed" in check.found


def test_of_three_writers_one_wins_and_nothing_is_left(tmp_path: Path, bundle_uri: str) -> None:
    check = check_race(layout_of(tmp_path), load_bundle(bundle_uri))
    assert check.result is Result.PASS and files(tmp_path) == []


def test_a_store_that_lets_writers_replace_each_other_fails_the_race(
    s3_endpoint: str, bucket: str, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fault_proxy(s3_endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        proxy.fault = "strip"
        # Every writer has looked for a newer version before the first commit arrives.
        proxy.before = lambda request: time.sleep(0.5 * (request.startswith("PUT") and "/_delta_log/" in request))
        check = check_race(layout_of(f"{bucket}/out"), load_bundle(bundle_uri))
        assert check.result is Result.FAIL and "loses commits" in check.remedy
        proxy.fault = "pass"
        assert check_race(layout_of(f"{bucket}/out"), load_bundle(bundle_uri)).result is Result.PASS


def test_another_run_is_a_warning_while_it_is_active(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    with heartbeats.beating(layout, "20260101T000000Z-00000000"):
        check = check_other_runs(layout)
        assert check.result is Result.WARN and "20260101T000000Z-00000000 is active" in check.found
        assert "code 3" in check.remedy
    assert check_other_runs(layout).result is Result.PASS


def test_folders_that_the_checks_create_are_removed_and_no_others(tmp_path: Path) -> None:
    output = tmp_path / "new" / "scores"
    with leaving_no_folders(str(output)):
        check_output(layout_of(output))
        assert output.is_dir()
    assert list(tmp_path.iterdir()) == []
    (output / "_staging").mkdir(parents=True)
    with leaving_no_folders(str(output)):
        check_output(layout_of(output))
    assert (output / "_staging").is_dir()
    with leaving_no_folders(str(tmp_path / "other")):  # a run that starts meanwhile keeps its folder
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "rows").touch()
    assert (tmp_path / "other" / "rows").exists()
