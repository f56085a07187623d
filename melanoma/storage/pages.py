"""Lists one folder page by page, so that a million files neither fill the memory nor need one long answer."""

import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.answer_limits import MOST_BYTES
from melanoma.storage.deadlines import no_later_than, object_timeout
from melanoma.storage.errors import WrongAnswerError
from melanoma.storage.filesystems import Place, call_store
from melanoma.storage.gcs_requests import get_from_gcs
from melanoma.storage.uris import split

_Info = dict[str, Any]  # as fsspec describes a file or folder
_INFOS = 1000  # entries of which a local disk is asked at a time; their names alone are cheap


class _Page(NamedTuple):
    """A page of an object store's listing, and the token of the next one; None for the last."""

    infos: list[_Info]
    next: str | None


def pages_of(place: Place, folder: str) -> Iterator[list[_Info]]:
    """Lists what is directly inside a folder; each page that brings something new has a deadline of its own.

    Args:
        place: Any place of the file system.
        folder: Path of the folder.

    Yields:
        Entries as fsspec describes them, sorted by name within each page; objects also from page to page.

    Raises:
        ReadError: There is no such folder, or it cannot be listed.
    """
    if place.is_local:
        yield from _pages_of_disk(place, folder)
    elif (read := _reader(place, folder)) is None:
        yield _sorted(call_store(place.fs.ls, folder, detail=True))
    else:
        yield from _pages_of_store(place, folder, read)


def check_missing(place: Place) -> None:
    """Makes sure that a folder of an object store is missing: its library takes any answer for an empty listing.

    Raises:
        ReadError: The store does not answer as a store does.
    """
    if (read := _reader(place, place.path)) is not None:
        call_store(_checked_page, place.fs, place.path, None, read)


def info_of(place: Place) -> dict[str, Any]:
    """Returns what fsspec says of one file or folder.

    S3 refuses a question about one object without a text. So a listing is asked for, which has one: it says why, or its
    library learns from it in which region the bucket lies.

    Raises:
        ReadError: The store has no such file or folder, or does not tell.
    """
    try:
        info: _Info = call_store(place.fs.info, place.path)
    except ReadError as refused:
        if refused.kind is not ErrorKind.FORBIDDEN or _reader(place, place.path) is None:
            raise
        try:
            check_missing(place)
        except ReadError as told:
            raise (told if told.kind is ErrorKind.FORBIDDEN else refused) from None
        info = call_store(place.fs.info, place.path)
    return info


def _reader(place: Place, folder: str) -> "_ReadPage | None":
    is_store = not place.suffix and folder.strip("/")
    return _PAGES.get(split(place.prefix)[0]) if is_store else None


def _sorted(infos: Sequence[_Info]) -> list[_Info]:
    return sorted(infos, key=lambda info: str(info["name"]))


def _pages_of_disk(place: Place, folder: str) -> Iterator[list[_Info]]:
    paths = sorted(call_store(place.fs.ls, folder, detail=False))
    for start in range(0, len(paths), _INFOS):
        yield call_store(_infos, place.fs, paths[start : start + _INFOS])


def _infos(fs: Any, paths: Sequence[str]) -> list[_Info]:
    found = []
    for path in paths:
        try:
            found.append(_link_info(path) if Path(path).is_symlink() else fs.info(path))
        except FileNotFoundError:  # removed meanwhile
            continue
    return found


def _link_info(path: str) -> _Info:
    return {"name": path, "type": "other", "islink": True}  # a link is listed, but never followed


_ReadPage = Callable[[Any, str, str | None], Awaitable[_Page]]


def _pages_of_store(place: Place, folder: str, read: _ReadPage) -> Iterator[list[_Info]]:
    page = call_store(_checked_page, place.fs, folder, None, read)
    if not page.infos and page.next is None and call_store(place.fs.info, folder)["type"] != "directory":
        raise ReadError(ErrorKind.MISSING, "the store has no such folder")
    infos, tokens = _sorted(page.infos), set[str]()
    yield infos
    ends = time.monotonic() + object_timeout()
    while page.next is not None:
        if page.next in tokens:
            raise ReadError(ErrorKind.STORE_UNAVAILABLE, "the store's listing begins again and again")
        tokens.add(page.next)
        with no_later_than(ends):  # also of pages without an entry, or with those of the page before
            page = call_store(_checked_page, place.fs, folder, page.next, read)
        before, infos = infos, _sorted(page.infos)
        if infos and (not before or infos[-1]["name"] != before[-1]["name"]):
            yield infos
            ends = time.monotonic() + object_timeout()


async def _checked_page(fs: Any, folder: str, token: str | None, read: _ReadPage) -> _Page:
    """Reads a page, and refuses one that is not of this folder."""
    try:
        page = await read(fs, folder, token)
    except ValueError as error:  # a number or a date that is none: the name of the folder was right before
        if isinstance(error, OSError):  # certificates that fail are both
            raise
        raise WrongAnswerError("its listing cannot be read") from None
    if not all(str(info["name"]).startswith(f"{folder.strip('/')}/") for info in page.infos):
        raise WrongAnswerError("it listed another folder")
    return page


def _folder_info(name: str) -> _Info:
    return {"name": name, "type": "directory", "size": 0}


async def _page_of_s3(fs: Any, folder: str, token: str | None) -> _Page:
    bucket, key, _ = fs.split_path(folder)
    prefix = f"{key.rstrip('/')}/" if key else ""
    start = {"ContinuationToken": token} if token else {}
    answer = await fs._call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter="/", **start)
    if "IsTruncated" not in answer:  # the library takes any XML, and no content, for an empty listing
        raise WrongAnswerError("its answer is no listing")
    infos = [_folder_info(f"{bucket}/{found['Prefix'][:-1]}") for found in answer.get("CommonPrefixes", [])]
    for found in answer.get("Contents", []):
        infos.append({**found, "name": f"{bucket}/{found['Key']}", "type": "file", "size": found["Size"]})
    return _Page(infos, answer.get("NextContinuationToken") if answer.get("IsTruncated") else None)


async def _page_of_gcs(fs: Any, folder: str, token: str | None) -> _Page:
    bucket, key, _ = fs.split_path(folder)
    prefix = f"{key.rstrip('/')}/" if key else None
    is_hierarchical = hasattr(fs, "_is_bucket_hns_enabled") and await fs._is_bucket_hns_enabled(bucket)
    folders = {"includeFoldersAsPrefixes": "true"} if is_hierarchical else {}
    query = {"delimiter": "/", "prefix": prefix, "pageToken": token, **folders}
    answer = json.loads((await get_from_gcs(fs, "b/{}/o", bucket, query=query, most=MOST_BYTES)).data)
    if not isinstance(answer, dict) or answer.get("kind") != "storage#objects":
        raise WrongAnswerError("its answer is no listing")
    infos = [_folder_info(f"{bucket}/{found[:-1]}") for found in answer.get("prefixes", [])]
    infos += [fs._process_object(bucket, found) for found in answer.get("items", [])]
    return _Page(infos, answer.get("nextPageToken"))


async def _page_of_azure(fs: Any, folder: str, token: str | None) -> _Page:
    container, key, _ = fs.split_path(folder)
    prefix = f"{key.rstrip('/')}/" if key else ""
    async with fs.service_client.get_container_client(container) as client:
        pages = client.walk_blobs(name_starts_with=prefix, include=["metadata"]).by_page(continuation_token=token)
        found = [entry async for entry in await anext(pages)]
    infos = {info["name"]: info for info in await fs._details(found)}  # a folder may also be an object of that name
    infos.pop(folder.strip("/"), None)
    return _Page(list(infos.values()), pages.continuation_token or None)


_PAGES: dict[str, _ReadPage] = {"s3": _page_of_s3, "gs": _page_of_gcs, "az": _page_of_azure}
