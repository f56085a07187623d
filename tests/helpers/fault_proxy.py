"""A proxy before a real store that fails as a test tells it to: silence, dripping, resets, redirects, errors."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DRIP_SECONDS = 0.2
_QUIET_SECONDS = 0.5
_OTHER_HOST = re.compile(r"http://[^/]+")  # of whoever takes it for the proxy of a network
_ENDS = ("connection", "transfer-encoding", "keep-alive")


@dataclass
class FaultProxy:
    """What the proxy does with requests; can be changed while it runs.

    Attributes:
        address: Its own address.
        fault: `pass`, `silence`, `drip`, `reset`, `redirect`, `error`, or `strip` for requests without conditions.
        match: Pattern of `METHOD path` to which the fault applies.
        times: How many requests it applies to; None for all.
        status: Status of an `error`.
        code: Code of S3 in the body of an `error`.
        before: Called with each `METHOD path` before it is passed on.
        seen: Every `METHOD path`.
    """

    address: str
    fault: str = "pass"
    match: str = "."
    times: int | None = None
    status: int = 503
    code: str = "SlowDown"
    before: Callable[[str], object] = lambda request: None
    seen: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def forget_seen(self) -> None:
        """Empties `seen` when nothing is on its way any more: a client may have sent a request twice."""
        number = -1
        while number != len(self.seen):
            number = len(self.seen)
            time.sleep(_QUIET_SECONDS)
        self.seen.clear()

    def fault_of(self, request: str) -> str:
        """Returns what happens to a request, and counts it."""
        self.seen.append(request)
        self.before(request)
        if self.fault == "pass" or not re.search(self.match, request) or self.times == 0:
            return "pass"
        if self.times is not None:
            self.times -= 1
        return self.fault


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """Runs a proxy before an HTTP server, given as `http://host:port`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.faults = FaultProxy(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    server.upstream = upstream.removeprefix("http://")  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.faults  # type: ignore[attr-defined]
    finally:
        server.faults.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        faults: FaultProxy = self.server.faults  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = faults.fault_of(f"{self.command} {self.path}")
        self.close_connection = True
        if fault == "silence":
            faults.released.wait(3600)
        elif fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
        elif fault == "redirect":
            self._answer(307, [("Location", f"{faults.address}{self.path}")], b"")
        elif fault == "error":
            text = f"<?xml version='1.0'?><Error><Code>{faults.code}</Code><Message>m</Message></Error>"
            self._answer(faults.status, [("Content-Type", "application/xml")], text.encode())
        else:
            self._pass_on(body, fault)

    def _pass_on(self, body: bytes, fault: str) -> None:
        connection = HTTPConnection(self.server.upstream, timeout=60)  # type: ignore[attr-defined]
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _ENDS}
        if fault == "strip":
            headers = {name: value for name, value in headers.items() if not name.lower().startswith("if-")}
        connection.request(self.command, _OTHER_HOST.sub("", self.path), body, headers)
        answer = connection.getresponse()
        found = [(name, value) for name, value in answer.getheaders() if name.lower() not in (*_ENDS, "content-length")]
        content = answer.read()
        length = answer.getheader("Content-Length") or str(len(content))
        self._answer(answer.status, [*found, ("Content-Length", length)], content, fault == "drip")

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, is_dripping: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name == "Content-Length" for name, _ in headers):
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            for start in range(len(content) if is_dripping else 0):
                self.wfile.write(content[start : start + 1])
                time.sleep(_DRIP_SECONDS)
            if not is_dripping and self.command != "HEAD":
                self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, *words: object) -> None:
        """Writes no log."""
