"""A stand-in for S3 that waits before it answers each request, in a process of its own; connections stay open.

Usage: `python -m benchmarks.slow_store PORT FOLDER SECONDS` serves the files of a folder until it is ended.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.helpers import ROOT
from tests.helpers.ports import free_port, wait_for_port
from tests.helpers.small_answers import Request, SmallStore


@contextlib.contextmanager
def slow_store(folder: Path, latency: float) -> Iterator[str]:
    """Runs the server while the block runs, and yields its address.

    Args:
        folder: Whose files are the objects.
        latency: Seconds before each answer.
    """
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.slow_store", str(port), str(folder), str(latency)]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


async def _serve(port: int, store: SmallStore, latency: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = _request_in((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
                await asyncio.sleep(latency)
                writer.write(_answer_to(request, store))
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port, backlog=256) as server:
        await server.serve_forever()


def _request_in(head: str) -> Request:
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method, unquote(parts.path), query, headers)


def _answer_to(request: Request, store: SmallStore) -> bytes:
    answer = store.answer(request)
    if answer is None:
        raise ConnectionError
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    body = b"" if request.method == "HEAD" else answer.body
    return "\r\n".join([*head, "", ""]).encode() + body


def main() -> None:
    """Serves until the process is ended."""
    port, folder, latency = sys.argv[1:]
    files = {f"in/{path.name}": path.read_bytes() for path in sorted(Path(folder).iterdir())}
    asyncio.run(_serve(int(port), SmallStore(files=files), float(latency)))


if __name__ == "__main__":
    main()
