"""One door to every kind of store: names, archives, retries, and what cannot be used."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import s3fs

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.storage import filesystems
from melanoma.storage.filesystems import call_store, locate
from tests.helpers.archives import tar_of, zip_of


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Lets threads take turns after a microsecond, so that they meet inside every read."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_threads_that_share_an_archive_each_get_their_own_member(
    kind: str, tmp_path: Path, switching_often: None
) -> None:
    files = {f"{index:03d}.jpg": os.urandom(20_000) for index in range(200)}
    root = tar_of(tmp_path / "a.tar", files) if kind == "tar" else zip_of(tmp_path / "a.zip", files)
    listed = list(storage.list_files(root))
    with ThreadPoolExecutor(16) as pool:
        read = list(pool.map(lambda stored: storage.read_bytes(stored.uri, stored), listed))
    assert {storage.name_of(stored.uri): data for stored, data in zip(listed, read, strict=True)} == files


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of fsspec's half-made FTP client
@pytest.mark.parametrize(
    "uri", ["ftp://h/x", "http://h/x.jpg", "https://h/x", "github://x", "hdfs://h/x", "zip://x::no://b"]
)
def test_a_store_that_cannot_be_used_is_a_usage_error(uri: str) -> None:
    with pytest.raises(UsageError, match=r"store that can be used|not installed"):
        storage.canonical(uri)


def test_an_unknown_store_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nostore://"):
        storage.canonical("nostore://x/y")


def test_azure_without_an_account_names_the_missing_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_NAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="az://: no Azure credentials found; set AZURE_STORAGE_CONNECTION_STRING"):
        storage.canonical("az://container/x")


def test_s3_without_credentials_reports_only_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, s3_endpoint: str
) -> None:
    s3fs.S3FileSystem.clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    with pytest.raises(ReadError) as caught:
        list(storage.list_files("s3://bucket/x"))
    assert (caught.value.kind, caught.value.detail) == (ErrorKind.FORBIDDEN, "no AWS credentials found")
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize(
    ("uri", "prefix", "path", "suffix"),
    [
        ("/a/b.jpg", "file://", "/a/b.jpg", ""),
        ("file:///a/b.jpg", "file://", "/a/b.jpg", ""),
        ("local:///a//b/../c.jpg", "file://", "/a/c.jpg", ""),
        ("/a/b%20c#d?.jpg", "file://", "/a/b%20c#d?.jpg", ""),
        ("MEMORY://x/y/", "memory://", "/x/y", ""),
        ("memory://a::zip.jpg", "memory://", "/a::zip.jpg", ""),
    ],
)
def test_a_uri_is_located_byte_for_byte(uri: str, prefix: str, path: str, suffix: str) -> None:
    place = locate(uri)
    assert (place.prefix, place.path, place.suffix) == (prefix, path, suffix)
    assert place.uri == prefix + path + suffix and locate(place.uri).uri == place.uri
    assert place.is_local == (prefix == "file://")


def test_a_member_of_an_archive_carries_the_archive_in_its_uri(tmp_path: Path) -> None:
    root = zip_of(tmp_path / "a b.zip", {"fol::der/x.jpg": b"x"})
    place = locate(f"zip://fol::der/x.jpg::{tmp_path}/a b.zip")
    assert place.uri == f"zip://fol::der/x.jpg::file://{tmp_path}/a b.zip" and not place.is_local
    assert [file.uri for file in storage.list_files(root)] == [place.uri]


@pytest.mark.parametrize(("archive", "kind"), [("absent.zip", ErrorKind.MISSING), ("text.zip", ErrorKind.CORRUPT)])
def test_an_archive_that_cannot_be_opened_is_refused_without_its_name(
    tmp_path: Path, archive: str, kind: ErrorKind
) -> None:
    (tmp_path / "text.zip").write_text("DOE^JANE")
    with pytest.raises(ReadError, match="the archive could not be opened") as caught:
        locate(f"zip://x.jpg::{tmp_path / archive}")
    assert caught.value.kind is kind and archive not in str(caught.value) and "DOE" not in str(caught.value)


def test_an_archive_is_opened_again_once_it_has_changed(tmp_path: Path) -> None:
    root = zip_of(tmp_path / "a.zip", {"x.jpg": b"old"})
    first = locate(root).fs
    assert locate(root).fs is first
    zip_of(tmp_path / "a.zip", {"x.jpg": b"new and longer"})
    assert locate(root).fs is not first
    (stored,) = storage.list_files(root)
    assert storage.read_bytes(stored.uri, stored) == b"new and longer"


class Flaky:
    """An operation that fails a given number of times before it succeeds."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self, *words: str, suffix: str = "") -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return " ".join(words) + suffix


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds for which the code under test would have slept."""
    slept: list[float] = []
    monkeypatch.setattr(filesystems.time, "sleep", slept.append)
    return slept


def test_a_transient_failure_is_retried_after_growing_pauses(pauses: list[float]) -> None:
    flaky = Flaky(2, TimeoutError("late"))
    assert call_store(flaky, "a", "b", suffix="!") == "a b!"
    assert flaky.calls == 3 and 0 <= pauses[0] <= 1 and 0 <= pauses[1] <= 2


def test_a_failure_that_lasts_is_reported_after_three_calls_without_its_text(pauses: list[float]) -> None:
    flaky = Flaky(9, TimeoutError("https://store/DOE?signature=SECRET"))
    with pytest.raises(ReadError) as caught:
        call_store(flaky)
    assert (flaky.calls, len(pauses)) == (3, 2)
    assert caught.value.kind is ErrorKind.TIMEOUT and caught.value.__cause__ is None
    assert caught.value.detail == "the store did not answer in time (TimeoutError)"


@pytest.mark.parametrize("error", [FileNotFoundError(2, "x"), PermissionError(13, "x"), ValueError("null byte")])
def test_a_permanent_failure_is_not_retried(pauses: list[float], error: Exception) -> None:
    flaky = Flaky(1, error)
    with pytest.raises(ReadError):
        call_store(flaky)
    assert flaky.calls == 1 and not pauses


@pytest.mark.parametrize("folder", ["a[1]", "a|b", "a^b", "a`b", "100%25"])
def test_a_path_that_delta_lake_would_misread_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UsageError, match="the score table cannot lie under a path with"):
        storage.delta_location(str(tmp_path / folder))


def test_only_a_local_uri_has_a_local_path(tmp_path: Path) -> None:
    assert storage.local_path(f"file://{tmp_path}/x") == f"{tmp_path}/x"
    assert storage.local_path("memory://x") is None


def test_delta_tables_need_a_durable_store(tmp_path: Path) -> None:
    assert storage.delta_location(str(tmp_path)) == (str(tmp_path), {})
    with pytest.raises(UsageError, match="memory://"):
        storage.delta_location("memory://x")


@pytest.mark.usefixtures("one_try")
def test_an_unreachable_store_is_unavailable_and_its_error_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASECRET")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    with pytest.raises(ReadError) as caught:
        list(storage.list_files("s3://no-such-bucket-here/x"))
    assert caught.value.kind is ErrorKind.STORE_UNAVAILABLE
    assert "SECRET" not in str(caught.value).upper()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_relative_path_in_a_folder_that_was_deleted_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageError, match="the working folder, which was deleted; give the whole path"):
        locate("photographs")
    assert locate(str(tmp_path)).path == str(tmp_path)


@pytest.mark.parametrize(
    ("uri", "advice"),
    [
        ("s3://AKIA:CAN/ARY@bucket/x", "AWS_ACCESS_KEY_ID"),
        ("s3a://AKIA:CANARY@bucket/x", "AWS_ACCESS_KEY_ID"),
        ("gcs://CANARY@bucket/x", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://account:CANARY@container/x", "AZURE_STORAGE_CONNECTION_STRING"),
        ("zip://a.jpg::s3://AKIA:CANARY@bucket/x.zip", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_key_in_a_uri_is_refused_and_not_repeated(uri: str, advice: str) -> None:
    with pytest.raises(
        UsageError, match=f"a URI must not hold keys, .* take them out of the URI, and set .*{advice}"
    ) as got:
        storage.canonical(uri)
    assert "CAN" not in str(got.value)
