"""Reads objects of S3, GCS and Azure in one request that holds for one version only."""

import datetime
import hashlib
import re
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.answer_limits import TooLongError
from melanoma.storage.errors import MEANING, WrongAnswerError
from melanoma.storage.file_info import StoredFile, modified_in, strong_etag, version_of
from melanoma.storage.filesystems import Place, call_store
from melanoma.storage.gcs_requests import get_from_gcs
from melanoma.storage.uris import split

_STEP_BYTES = 2**20
_GZIP = 31  # as zlib counts window sizes
_NOT_AN_ETAG = re.compile(r"W/|\d{4}-\d\d-\d\d|size-")  # a weak one, with which nothing is compared, a time or a size
_TIME_OR_SIZE = re.compile(r"(?:(\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)?)|size)-(?:\d+|None)")  # of `version_of`


class _Wanted(NamedTuple):
    """What an answer has to be.

    Attributes:
        version: Etag or generation as the store writes it, without quotes; empty for whatever version there is.
        size: Bytes; None where it is not known.
        modified: UTC; only of an object without a version of its own.
        is_weak: Whether the version is a weak etag, which no condition can hold.
    """

    version: str = ""
    size: int | None = None
    modified: datetime.datetime | None = None
    is_weak: bool = False

    @property
    def condition(self) -> str:
        """Value of `If-Match`; empty for no condition."""
        return f'"{self.version}"' if self.version and not self.is_weak else ""

    @property
    def most(self) -> int | None:
        """Number of bytes after which reading stops, one more than there should be; None for no limit."""
        return None if self.size is None else self.size + 1


class _Found(NamedTuple):
    """An answer: its bytes, and what the store says of them; empty where it says nothing."""

    data: bytes
    version: str = ""
    md5: bytes = b""
    encoding: str = ""


_Read = Callable[[Any, str, _Wanted], Awaitable[_Found]]


def reads_versions(place: Place) -> bool:
    """Tells whether the place lies in a store that can be asked for one version of an object."""
    return split(place.prefix)[0] in _READS and not place.suffix


def read_version(place: Place, expected: StoredFile | None = None) -> bytes:
    """Reads a whole object in one request, if it is still the version that was listed.

    Args:
        place: Of the object.
        expected: Its entry in the listing; None for whatever version there is.

    Raises:
        ReadError: `changed` for another version, or the store did not deliver the object.
    """
    wanted = _Wanted() if expected is None else _wanted(expected)
    return bytes(call_store(_read_checked, place.fs, place.path, wanted, _READS[split(place.prefix)[0]]))


def read_range(place: Place, version: str, start: int, end: int) -> bytes:
    """Reads a part of a file, if it is still of one version.

    S3 compares the version itself; of any other store it is asked after reading, so that what was read is of it.

    Args:
        place: Of the file.
        version: As `version_of` returns it.
        start: First byte.
        end: First byte behind the part, more than `start`.

    Raises:
        ReadError: `changed` for another version, or the store did not deliver the bytes.
    """
    if split(place.prefix)[0] == "s3" and not _NOT_AN_ETAG.match(version):
        return bytes(call_store(_read_range_of_s3, place.fs, place.path, version, start, end))
    data = bytes(call_store(place.fs.cat_file, place.path, start=start, end=end))
    if version_of(call_store(place.fs.info, place.path)) != version:
        raise _changed()
    return data


async def _read_range_of_s3(fs: Any, path: str, version: str, start: int, end: int) -> bytes:
    bucket, key, version_id = fs.split_path(path)
    asked: dict[str, Any] = {"Range": f"bytes={start}-{end - 1}", "IfMatch": f'"{version}"'}
    if version_id:
        asked["VersionId"] = version_id
    answer = await fs._call_s3("get_object", Bucket=bucket, Key=key, **asked)
    if strong_etag(answer.get("ETag", version)) != version:  # some stores ignore the condition
        raise _changed()
    data = await _body(answer, end - start + 1)
    if len(data) != end - start:
        raise WrongAnswerError("it sent more or fewer bytes than were asked for")
    return data


async def _body(answer: Any, most: int | None) -> bytes:
    """Reads the content of an answer of S3, and stops after `most` bytes; None for no limit."""
    parts, size = list[bytes](), 0
    async with answer["Body"] as body:
        while part := await body.read(_STEP_BYTES):
            parts.append(part)
            size += len(part)
            if most is not None and size >= most:
                break
    return b"".join(parts)


def _wanted(listed: StoredFile) -> _Wanted:
    """Returns what an answer has to be; a store that lists no etag lists a time, which is no condition for its etag."""
    size = listed.size if listed.size >= 0 else None
    if time_or_size := _TIME_OR_SIZE.fullmatch(listed.version):
        return _Wanted("", size, modified_in({"mtime": time_or_size[1]}))
    return _Wanted(strong_etag(listed.version), size, is_weak=listed.version.startswith("W/"))


async def _read_checked(fs: Any, path: str, wanted: _Wanted, read: _Read) -> bytes:
    """Reads an object, and compares it with what was listed: a gateway may have answered in place of the store."""
    found = await read(fs, path, wanted)
    # Some stores ignore the condition.
    if wanted.version and found.version and strong_etag(found.version) != wanted.version:
        raise _changed()
    data = found.data
    if wanted.size is not None and len(data) != wanted.size:
        if found.encoding == "gzip":  # packed on the way, by a proxy
            data = zlib.decompressobj(_GZIP).decompress(data, wanted.size + 1)
        if len(data) != wanted.size:
            raise _other_size(wanted)
    elif found.md5 and hashlib.md5(data, usedforsecurity=False).digest() != found.md5:
        raise WrongAnswerError("the bytes do not match its checksum")
    return data


def _other_size(wanted: _Wanted) -> Exception:
    """Returns the error for an answer that has not the size that was listed."""
    return WrongAnswerError("it sent more or fewer bytes than it lists") if wanted.version else _changed()


def _changed() -> ReadError:
    return ReadError(ErrorKind.CHANGED, MEANING[ErrorKind.CHANGED])


async def _read_s3(fs: Any, path: str, wanted: _Wanted) -> _Found:
    bucket, key, version_id = fs.split_path(path)
    conditions: dict[str, Any] = {"IfMatch": wanted.condition} if wanted.condition else {}
    if wanted.modified is not None:  # in whole seconds
        conditions["IfUnmodifiedSince"] = wanted.modified + datetime.timedelta(seconds=1)
    if version_id:
        conditions["VersionId"] = version_id
    answer = await fs._call_s3("get_object", Bucket=bucket, Key=key, **conditions)
    return _Found(
        await _body(answer, wanted.most), str(answer.get("ETag", "")), encoding=answer.get("ContentEncoding", "")
    )


async def _read_gcs(fs: Any, path: str, wanted: _Wanted) -> _Found:
    if hasattr(fs, "_is_zonal_bucket") and await fs._is_zonal_bucket(fs.split_path(path)[0]):
        return _Found(bytes(await fs._cat_file(path)))  # by another protocol, which has no conditions
    condition = {"ifGenerationMatch": wanted.version} if wanted.version.isdecimal() else {}
    answer = await get_from_gcs(fs, fs.url(path), query=condition, most=wanted.most, as_stored=True)
    if not answer.is_met:
        raise _changed()
    generation = answer.headers.get("x-goog-generation", "") if condition else ""
    return _Found(answer.data, generation, answer.md5, answer.headers.get("Content-Encoding", ""))


async def _read_azure(fs: Any, path: str, wanted: _Wanted) -> _Found:
    from azure.core import MatchConditions  # comes with adlfs

    container, blob, version_id = fs.split_path(path)
    most = None if wanted.most is None else wanted.most + _STEP_BYTES  # a proxy may have packed the bytes, and badly
    same = {"etag": wanted.condition, "match_condition": MatchConditions.IfNotModified} if wanted.condition else {}
    async with fs.service_client.get_blob_client(container, blob) as client:
        # Further ranges of a large blob carry the etag of the first one.
        try:
            stream = await client.download_blob(
                version_id=version_id, decompress=False, most_bytes=most, **same, **fs._timeout_kwargs
            )
            data = await stream.readall()
        except TooLongError:
            raise _other_size(wanted) from None
        except ValueError as error:  # of the headers
            raise (error if isinstance(error, OSError) else WrongAnswerError("its answer cannot be read")) from None
    settings = stream.properties.content_settings
    return _Found(
        bytes(data),
        str(stream.properties.etag or ""),
        bytes(settings.content_md5 or b""),
        settings.content_encoding or "",
    )


_READS: dict[str, _Read] = {"s3": _read_s3, "gs": _read_gcs, "az": _read_azure}
