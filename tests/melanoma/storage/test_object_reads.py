"""An object is the version that was listed, or it is not read."""

import pytest
import s3fs

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError
from tests.helpers.fault_proxy import fault_proxy


def kind_of_reading(listed: storage.StoredFile) -> ErrorKind:
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    return caught.value.kind


@pytest.mark.parametrize("fault", ["pass", "strip"])
def test_an_object_overwritten_with_as_many_bytes_is_refused_even_by_a_store_without_conditions(
    bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    storage.write_bytes(f"{bucket}/a.jpg", b"old")
    (listed,) = storage.list_files(bucket)
    storage.write_bytes(f"{bucket}/a.jpg", b"new")
    with fault_proxy(s3_endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        s3fs.S3FileSystem.clear_instance_cache()
        proxy.fault = fault
        assert kind_of_reading(listed) is ErrorKind.CHANGED
        assert [request.split()[0] for request in proxy.seen] == ["GET"]
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_uri_that_names_a_version_is_that_version_or_fails(bucket: str) -> None:
    store = s3fs.S3FileSystem()
    store.call_s3(
        "put_bucket_versioning", Bucket=bucket.removeprefix("s3://"), VersioningConfiguration={"Status": "Enabled"}
    )
    first = store.pipe_file(f"{bucket}/a.jpg", b"first")["VersionId"]
    storage.write_bytes(f"{bucket}/a.jpg", b"second")
    listed = storage.stat(f"{bucket}/a.jpg?versionId={first}")
    assert storage.read_bytes(listed.uri, listed) == b"first" and listed.uri.endswith(first)
    assert storage.read_bytes(f"{bucket}/a.jpg") == b"second"
    with pytest.raises(ReadError):
        storage.read_bytes(f"{bucket}/a.jpg?versionId=11111111-2222-3333-4444-555555555555")


@pytest.mark.parametrize(
    ("code", "status", "kind", "text"),
    [
        ("InvalidObjectState", 403, ErrorKind.ARCHIVED, "the object is archived, restore it"),
        ("ExpiredToken", 400, ErrorKind.FORBIDDEN, "the credentials have expired"),
        ("PreconditionFailed", 412, ErrorKind.CHANGED, "overwritten"),
    ],
)
def test_what_a_store_says_is_told_in_its_row(
    bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, code: str, status: int, kind: ErrorKind, text: str
) -> None:
    storage.write_bytes(f"{bucket}/a.jpg", b"x")
    listed = storage.stat(f"{bucket}/a.jpg")
    with fault_proxy(s3_endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        s3fs.S3FileSystem.clear_instance_cache()
        proxy.fault, proxy.code, proxy.status = "error", code, status
        with pytest.raises(ReadError, match=text) as caught:
            storage.read_bytes(listed.uri, listed)
    assert caught.value.kind is kind
    s3fs.S3FileSystem.clear_instance_cache()


def test_credentials_that_expired_are_read_anew_once(
    bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write_bytes(f"{bucket}/a.jpg", b"x")
    with fault_proxy(s3_endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        s3fs.S3FileSystem.clear_instance_cache()
        listed = storage.stat(f"{bucket}/a.jpg")
        proxy.fault, proxy.code, proxy.status = "error", "ExpiredToken", 400
        proxy.before = lambda request: setattr(proxy, "fault", "error" if proxy.seen.count(request) == 1 else "pass")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
        assert storage.read_bytes(listed.uri, listed) == b"x"
    s3fs.S3FileSystem.clear_instance_cache()
