"""The answers of a small store: as much of S3, Google Cloud Storage and Azure as reading needs, and its faults.

A real server seldom sends what a broken gateway, proxy or network sends. This one sends whatever a test wants.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

ACCOUNT = "hospital"
BUCKET = "photographs"
PROTOCOLS = ("s3", "gs", "az")
CONTENT = b"\xff\xd8" + bytes(range(256)) * 4
_DATE = formatdate(1_790_000_000, usegmt=True)
_MOMENT = "2026-09-21T14:13:20.000Z"


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status.
        headers: Without `Content-Length`, which is added unless it is there.
        body: Its bytes.
        rest: What follows the body, until the client goes away or it ends; makes the answer one without a length.
        pause: Seconds after each byte of the body; 0 to send it at once.
        is_reset: Whether the connection is reset in place of an answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    rest: Callable[[], Iterator[bytes]] | None = None
    pause: float = 0.0
    is_reset: bool = False


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: HTTP method.
        path: Decoded path.
        query: Values of the query by their names.
        headers: By their names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def is_listing(self) -> bool:
        """Whether it asks for a page of a listing."""
        return self.query.get("list-type") == "2" or self.query.get("comp") == "list" or self.path.endswith("/o")

    @property
    def describes(self) -> bool:
        """Whether it asks for the entry of one object."""
        return self.method == "HEAD" or (self.path.startswith("/storage/") and not self.is_listing)

    @property
    def is_read(self) -> bool:
        """Whether it asks for the bytes of an object."""
        return self.method == "GET" and not self.is_listing and not self.describes


Fault = Callable[[Request, Answer], Answer | None]


@dataclass
class SmallStore:
    """The store; can be changed while it runs.

    Attributes:
        address: Its address.
        files: Content of each object by its key.
        page: Number of entries on a page of a listing.
        fault: What becomes of each answer; None in place of an answer says nothing, and holds the connection.
        seen: Every request.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    page: int = 1000
    fault: Fault = lambda request, answer: answer
    seen: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Answer | None:
        """Returns the answer to a request; None for none."""
        self.seen.append(request)
        return self.fault(request, self._right(request))

    def _right(self, request: Request) -> Answer:
        if request.is_listing:
            return self._listing(request)
        key = request.path.split(f"/{BUCKET}", 1)[-1].removeprefix("/").removeprefix("o/")
        if not key:
            return Answer(200, {"ETag": '"1"', "Last-Modified": _DATE})
        if key not in self.files:
            return _missing(request)
        if request.path.startswith("/storage/"):
            return Answer(200, {"Content-Type": "application/json"}, json.dumps(self._entry(key)).encode())
        return self._content(request, key)

    def _content(self, request: Request, key: str) -> Answer:
        data, wanted = self.files[key], request.headers.get("if-match", "").strip('"')
        generation = request.query.get("ifGenerationMatch", "")
        if wanted not in ("", etag_of(data)) or generation not in ("", generation_of(data)):
            headers = {"Content-Type": "application/xml", "x-ms-error-code": "ConditionNotMet"}
            return Answer(412, headers, b"<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>")
        headers = {"ETag": f'"{etag_of(data)}"', "Last-Modified": _DATE, "x-goog-generation": generation_of(data)}
        headers |= {"Content-Type": "image/jpeg", "x-ms-blob-type": "BlockBlob"}
        span = request.headers.get("x-ms-range", request.headers.get("range", ""))
        if not span:
            return Answer(200, headers, data)
        if not data:
            return Answer(416, {"x-ms-error-code": "InvalidRange", "Content-Range": "bytes */0"})
        first, _, last = span.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1 if last else None]
        return Answer(
            206, {**headers, "Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"}, part
        )

    def _entry(self, key: str) -> dict[str, str]:
        data = self.files[key]
        found = {"kind": "storage#object", "name": key, "size": str(len(data)), "etag": etag_of(data)}
        return found | {"generation": generation_of(data), "updated": _MOMENT, "timeCreated": _MOMENT}

    def _listing(self, request: Request) -> Answer:
        prefix = request.query.get("prefix", "")
        names = sorted(
            {
                prefix + (name := key[len(prefix) :]).partition("/")[0] + "/" * ("/" in name)
                for key in self.files
                if key.startswith(prefix)
            }
        )
        token = next((request.query[name] for name in TOKENS if name in request.query), "")
        names = [name for name in names if name > token] if token else names
        page, more = names[: self.page], len(names) > self.page
        following = page[-1] if more else ""
        if request.path.startswith("/storage/"):
            return self._gcs_page(page, following)
        return self._s3_page(page, following) if "list-type" in request.query else self._azure_page(page, following)

    def _gcs_page(self, page: list[str], following: str) -> Answer:
        found = {
            "kind": "storage#objects",
            "prefixes": [name for name in page if name.endswith("/")],
            "items": [self._entry(name) for name in page if name in self.files],
        }
        found |= {"nextPageToken": following} if following else {}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(found).encode())

    def _s3_page(self, page: list[str], following: str) -> Answer:
        entries = "".join(
            f"<Contents><Key>{name}</Key><LastModified>{_MOMENT}</LastModified>"
            f'<ETag>"{etag_of(self.files[name])}"</ETag><Size>{len(self.files[name])}</Size></Contents>'
            if name in self.files
            else f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
            for name in page
        )
        token = f"<NextContinuationToken>{following}</NextContinuationToken>" if following else ""
        text = (
            f"<ListBucketResult><Name>{BUCKET}</Name><KeyCount>{len(page)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<IsTruncated>{str(bool(following)).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"
        )
        return Answer(200, {"Content-Type": "application/xml"}, text.encode())

    def _azure_page(self, page: list[str], following: str) -> Answer:
        entries = "".join(
            f"<Blob><Name>{name}</Name><Properties><Last-Modified>{_DATE}</Last-Modified>"
            f"<Etag>{etag_of(self.files[name])}</Etag><Content-Length>{len(self.files[name])}</Content-Length>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            if name in self.files
            else f"<BlobPrefix><Name>{name}</Name></BlobPrefix>"
            for name in page
        )
        text = (
            f'<?xml version="1.0"?><EnumerationResults ContainerName="{BUCKET}"><Blobs>{entries}</Blobs>'
            f"<NextMarker>{following}</NextMarker></EnumerationResults>"
        )
        return Answer(200, {"Content-Type": "application/xml"}, text.encode())


TOKENS = ("continuation-token", "pageToken", "marker")


def etag_of(data: bytes) -> str:
    """Returns the etag of an object's content, without quotes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def generation_of(data: bytes) -> str:
    """Returns the generation of an object's content."""
    return str(1 + int(etag_of(data)[:12], 16))


def _missing(request: Request) -> Answer:
    if request.path.startswith("/storage/"):
        return Answer(404, {"Content-Type": "application/json"}, b'{"error": {"code": 404, "message": "Not Found"}}')
    code = "BlobNotFound" if request.path.startswith(f"/{ACCOUNT}/") else "NoSuchKey"
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Answer(404, {"Content-Type": "application/xml", "x-ms-error-code": code}, body)
