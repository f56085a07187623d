"""A small store that speaks as much of S3, Google Cloud Storage and Azure Blob Storage as reading needs, and can fail.

A real server seldom sends what a broken gateway, proxy or network sends. This one sends whatever a test wants.
"""

import contextlib
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

ACCOUNT = "hospital"
BUCKET = "photographs"
PROTOCOLS = ("s3", "gs", "az")
_KEY = "c2VjcmV0"  # base64 of "secret"
_DATE = formatdate(1_790_000_000, usegmt=True)
_HELD_SECONDS = 3600.0
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


@contextlib.contextmanager
def small_store(files: Mapping[str, bytes], certificate: tuple[str, str] | None = None) -> Iterator[SmallStore]:
    """Runs a store with these objects.

    Args:
        files: Content by key.
        certificate: Files of the chain and of the key, for HTTPS; None for HTTP.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    store = SmallStore(f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}", dict(files))
    server.store = store  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield store
    finally:
        store.released.set()
        server.shutdown()
        server.server_close()


def store_variables(address: str) -> dict[str, str]:
    """Returns the environment in which all three protocols lead to a store."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "STORAGE_EMULATOR_HOST": address,
        "FSSPEC_GS_TOKEN": "anon",
        "FSSPEC_GCS_TOKEN": "anon",
        "NO_GCE_CHECK": "true",
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        "AZURE_STORAGE_CONNECTION_STRING": (
            f"DefaultEndpointsProtocol={address.partition(':')[0]};AccountName={ACCOUNT};AccountKey={_KEY};"
            f"BlobEndpoint={address}/{ACCOUNT};"
        ),
    }


@contextlib.contextmanager
def environment_of(store: SmallStore) -> Iterator[None]:
    """Lets the stores' libraries find a store while the block runs, and forget it afterwards."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in store_variables(store.address).items():
            environment.setenv(name, value)
        _forget_clients()
        yield
    _forget_clients()


def _forget_clients() -> None:
    import adlfs
    import fsspec
    import gcsfs
    import s3fs
    from fsspec.config import conf, set_conf_env

    for protocol in ("gs", "gcs"):
        conf.pop(protocol, None)
    set_conf_env(conf)
    for kind in (s3fs.S3FileSystem, gcsfs.GCSFileSystem, adlfs.AzureBlobFileSystem, fsspec.get_filesystem_class("gs")):
        kind.clear_instance_cache()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        store: SmallStore = self.server.store  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = store.answer(Request(self.command, unquote(parts.path), query, headers))
        self.close_connection = True
        with contextlib.suppress(OSError):
            if answer is None:
                store.released.wait(_HELD_SECONDS)
            elif answer.is_reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.connection.close()
            else:
                self._send(answer, store.released)

    def _send(self, answer: Answer, released: threading.Event) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.rest is None and "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        for byte in range(len(answer.body)) if answer.pause else ():
            self.wfile.write(answer.body[byte : byte + 1])
            released.wait(answer.pause)
        if not answer.pause:
            self.wfile.write(answer.body)
        for part in answer.rest() if answer.rest else ():
            self.wfile.write(part)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, *words: object) -> None:
        """Writes no log."""
