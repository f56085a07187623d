"""Runs the small store of `small_answers` on the loopback, and leads the stores' libraries there."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.helpers.small_answers import ACCOUNT, Answer, Request, SmallStore

_KEY = "c2VjcmV0"  # base64 of "secret"
_HELD_SECONDS = 3600.0


@contextlib.contextmanager
def small_store(files: Mapping[str, bytes], certificate: tuple[str, str] | None = None) -> Iterator[SmallStore]:
    """Runs a store with these objects.

    Args:
        files: Content by key.
        certificate: Files of the chain and of the key, for HTTPS; None for HTTP.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # as many connect at once


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
