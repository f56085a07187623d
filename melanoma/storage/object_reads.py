"""Reads objects of S3, GCS and Azure in one request that holds for one version only."""

from collections.abc import Awaitable, Callable
from typing import Any

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.errors import MEANING
from melanoma.storage.filesystems import Place, call_store
from melanoma.storage.uris import split

_Read = Callable[[Any, str, str], Awaitable[bytes]]


def reads_versions(place: Place) -> bool:
    """Tells whether the place lies in a store that can be asked for one version of an object."""
    return split(place.prefix)[0] in _READS and not place.suffix


def read_version(place: Place, version: str) -> bytes:
    """Reads a whole object in one request, if it is still the version that was listed.

    Args:
        place: Of the object.
        version: Etag or generation, as the listing returned it; empty for whatever version there is.

    Raises:
        ReadError: `changed` for another version, or the store did not deliver the object.
    """
    return bytes(call_store(_READS[split(place.prefix)[0]], place.fs, place.path, version))


async def _read_s3(fs: Any, path: str, version: str) -> bytes:
    bucket, key, version_id = fs.split_path(path)
    wanted = {"IfMatch": f'"{version}"'} if version else {}
    if version_id:
        wanted["VersionId"] = version_id
    answer = await fs._call_s3("get_object", Bucket=bucket, Key=key, **wanted)
    async with answer["Body"] as body:
        data: bytes = await body.read()
    # Some stores ignore the condition.
    _refuse_other(version, str(answer.get("ETag", version)).strip('"'))
    return data


async def _read_gcs(fs: Any, path: str, version: str) -> bytes:
    if hasattr(fs, "_is_zonal_bucket") and await fs._is_zonal_bucket(fs.split_path(path)[0]):
        return bytes(await fs._cat_file(path))  # by another protocol, which has no conditions
    try:
        headers, data = await fs._call("GET", fs.url(path), ifGenerationMatch=version or None)
    except FileExistsError:  # gcsfs has this for every failed condition
        raise ReadError(ErrorKind.CHANGED, MEANING[ErrorKind.CHANGED]) from None
    _refuse_other(version, headers.get("x-goog-generation", version))
    return bytes(data)


async def _read_azure(fs: Any, path: str, version: str) -> bytes:
    from azure.core import MatchConditions  # comes with adlfs

    container, blob, version_id = fs.split_path(path)
    same = {"etag": f'"{version}"', "match_condition": MatchConditions.IfNotModified} if version else {}
    async with fs.service_client.get_blob_client(container, blob) as client:
        # Further ranges of a large blob carry the etag of the first one.
        stream = await client.download_blob(version_id=version_id, **same, **fs._timeout_kwargs)
        data = await stream.readall()
    _refuse_other(version, str(stream.properties.etag or version).strip('"'))
    return bytes(data)


def _refuse_other(wanted: str, found: str) -> None:
    if wanted and found != wanted:
        raise ReadError(ErrorKind.CHANGED, MEANING[ErrorKind.CHANGED])


_READS: dict[str, _Read] = {"s3": _read_s3, "gs": _read_gcs, "az": _read_azure}
