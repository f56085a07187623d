"""Requests to Google Cloud Storage, without what gcsfs does to them.

It tries again, reads an answer without a limit, and decides by words of an error's text what kind of error it is.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from melanoma.storage.answer_limits import FIRST_WITHOUT_OBJECT, limit_answer

_STEP_BYTES = 2**20
_OK, _BAD_REQUEST, _MISSING, _PRECONDITION_FAILED = 200, 400, 404, 412
_OF_AN_OBJECT = "?alt=media"  # in the address of its bytes
_MD5 = re.compile(r"md5=([A-Za-z0-9+/=]+)")


class GcsAnswer(NamedTuple):
    """An answer.

    Attributes:
        status: 200, or 412 for a condition that is not met.
        headers: A multi-dictionary of aiohttp, whose names are in any case.
        data: Body.
    """

    status: int
    headers: Any
    data: bytes

    @property
    def is_met(self) -> bool:
        """Whether the condition of the request is met."""
        return self.status == _OK

    @property
    def md5(self) -> bytes:
        """MD5 checksum that the store states; empty where it states none."""
        stated = _MD5.search(",".join(self.headers.getall("x-goog-hash", [])))
        return base64.b64decode(stated[1]) if stated else b""


async def get_from_gcs(
    fs: Any,
    address: str,
    *words: str,
    query: Mapping[str, str | None],
    most: int | None = None,
    as_stored: bool = False,
) -> GcsAnswer:
    """Sends one GET request with the session and the credentials of gcsfs.

    Args:
        fs: File system of gcsfs.
        address: Address, or a path of the JSON API with a placeholder for each of `words`.
        *words: Bucket and key, as they are.
        query: Further parameters; those that are None are left out.
        most: Number of bytes after which reading stops; None for no limit.
        as_stored: Whether an object that is stored packed stays packed.

    Raises:
        FileNotFoundError: The store has no such bucket or object.
        gcsfs.retry.HttpError: Any other status; its text is not kept, because it may hold a name.
    """
    from gcsfs.retry import HttpError

    await fs._set_session()
    packed = {"Accept-Encoding": "gzip"} if as_stored else {}
    async with fs.session.get(
        fs._format_path(address, words),
        params=fs._get_params(query),
        headers={**fs._get_headers(None), **packed},
        timeout=fs.requests_timeout,
        auto_decompress=not as_stored,
    ) as answer:
        if answer.status not in (_OK, _PRECONDITION_FAILED):
            raise FileNotFoundError if answer.status == _MISSING else HttpError({"code": answer.status, "message": ""})
        parts, size = list[bytes](), 0
        async for part in answer.content.iter_chunked(_STEP_BYTES):
            parts.append(part)
            size += len(part)
            if most is not None and size >= most:
                break
        return GcsAnswer(answer.status, answer.headers, b"".join(parts))


async def request_of_gcs(
    fs: Any,
    method: str,
    path: str,
    *words: str,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Any = None,
    cache_type: str | None = None,
    cache_source: str | None = None,
    **query: Any,
) -> tuple[int, Any, Any, bytes]:
    """Sends one request of gcsfs; stands in for its own method, with the same arguments and results.

    Raises:
        FileNotFoundError: The store has no such bucket or object.
        FileExistsError: The condition of the request is not met.
        OSError: Access is refused.
        ValueError: The request is wrong, as with a name that no bucket can have.
        gcsfs.retry.HttpError: Any other status from 400.
    """
    from gcsfs.retry import validate_response

    await fs._set_session()
    if hasattr(data, "seek"):
        data.seek(0)
    async with fs.session.request(
        method=method,
        url=fs._format_path(path, words),
        params=fs._get_params(query),
        json=json,
        headers=fs._get_headers(headers, cache_type=cache_type, cache_source=cache_source),
        data=data,
        timeout=fs.requests_timeout,
    ) as answer:
        if _OF_AN_OBJECT not in path or answer.status >= FIRST_WITHOUT_OBJECT:
            limit_answer(answer)
        content = await answer.read()
        if answer.status == _BAD_REQUEST:
            raise ValueError
        validate_response(answer.status, b"", path, words)  # without the text, only the status counts
        return answer.status, answer.headers, answer.request_info, content
