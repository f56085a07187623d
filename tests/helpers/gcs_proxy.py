"""A proxy before fake-gcs-server that adds what Google Cloud Storage has and that server lacks.

Delta Lake's library speaks the XML interface: the proxy turns its PUT into an upload of the JSON interface, so that a
condition on the generation holds, and leaves out of a listing what does not come after `start-after`. And the proxy
checks who asks: a token that it issued itself for a service account, or one that the account's key signed. It runs in a
process of its own, since Delta Lake holds Python's lock while it reads its log:

    python -m tests.helpers.gcs_proxy PORT UPSTREAM [EMAIL CERTIFICATE]
"""

import contextlib
import json
import re
import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit
from xml.sax.saxutils import unescape

from google.auth import jwt

_OF_JSON = ("storage", "upload", "download", "batch", "resumable", "b", "_internal")
_NOT_PASSED = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "authorization")
_ENTRY = re.compile(r"<Contents>.*?<Key>(.*?)</Key>.*?</Contents>", re.DOTALL)
TOKEN_PATH = "/token"  # noqa: S105 - where tokens are issued
_TOKEN = "issued-by-the-proxy"  # noqa: S105 - of a stand-in


class _Proxy(ThreadingHTTPServer):
    """The proxy.

    Attributes:
        upstream: Host and port of fake-gcs-server.
        email: The only account that may ask; None lets everybody in.
        certificate: Public key of that account, PEM.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: str, upstream: str, email: str | None = None, certificate: str = "") -> None:
        """Takes its port of the loopback."""
        super().__init__(("127.0.0.1", int(port)), _Handler)
        self.upstream, self.email, self.certificate = upstream, email, certificate

    def lets_in(self, authorization: str) -> bool:
        """Tells whether a request with this header may pass."""
        token = authorization.removeprefix("Bearer ")
        if self.email is None or token == _TOKEN:
            return True
        try:
            return bool(jwt.decode(token, self.certificate)["iss"] == self.email)
        except ValueError:
            return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == TOKEN_PATH:
            self._issue(body)
        elif not self.server.lets_in(self.headers.get("Authorization", "")):
            self._answer(401, {"Content-Type": "application/json"}, b'{"error": {"code": 401, "message": "refused"}}')
        else:
            self._pass_on(body)

    def _issue(self, body: bytes) -> None:
        assertion = parse_qs(body.decode()).get("assertion", [""])[0]
        if self.server.lets_in(f"Bearer {assertion}"):
            answer: dict[str, Any] = {"access_token": _TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            self._answer(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())
        else:
            self._answer(400, {"Content-Type": "application/json"}, b'{"error": "invalid_grant"}')

    def _pass_on(self, body: bytes) -> None:
        url = urlsplit(self.path)
        first, _, name = url.path.lstrip("/").partition("/")
        is_xml = first not in _OF_JSON
        method, path = self.command, self.path
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _NOT_PASSED}
        if is_xml and method == "PUT" and "uploadId" not in url.query:
            query = {"uploadType": "media", "name": unquote(name)}
            if (generation := self.headers.get("x-goog-if-generation-match")) is not None:
                query["ifGenerationMatch"] = generation
            method, path = "POST", f"/upload/storage/v1/b/{first}/o?{urlencode(query)}"
            headers.setdefault("Content-Type", "application/octet-stream")
        connection = HTTPConnection(self.server.upstream, timeout=60)
        connection.request(method, path, body, {**headers, "Content-Length": str(len(body))})
        answer = connection.getresponse()
        content = answer.read()
        found = {key: value for key, value in answer.getheaders() if key.lower() not in _NOT_PASSED}
        if is_xml and answer.status == 200:
            content = self._as_xml(content, found, parse_qs(url.query))
        elif is_xml and answer.status == 404 and not name:
            content = b"<?xml version='1.0'?><Error><Code>NoSuchBucket</Code></Error>"
        if self.command == "HEAD":
            found["Content-Length"] = answer.getheader("Content-Length") or "0"
        self._answer(answer.status, found, content)
        connection.close()

    def _as_xml(self, content: bytes, headers: dict[str, str], query: dict[str, list[str]]) -> bytes:
        """Returns the answer as Google's XML interface writes it; changes the headers."""
        if self.command == "PUT" and "uploadId" not in query:
            stored = json.loads(content)
            headers |= {"ETag": f'"{stored["etag"].strip(chr(34))}"', "x-goog-generation": stored["generation"]}
            return b""
        if after := query.get("start-after", [""])[0]:
            text = _ENTRY.sub(lambda entry: entry[0] if unescape(entry[1]) > after else "", content.decode())
            return text.encode()
        return content

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for key, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            with contextlib.suppress(OSError):  # whoever asked has given up
                self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _serve  # noqa: N815 - the names of http.server

    def log_message(self, *words: object) -> None:
        """Writes no log."""


if __name__ == "__main__":
    _Proxy(*sys.argv[1:]).serve_forever()
