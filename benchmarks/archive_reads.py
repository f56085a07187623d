"""Measures how fast the members of a tar and of a zip archive are read, on a local disk and in S3 with a slow line.

The S3 stand-in is a process of its own that waits before it answers each request. Every round reads the same members in
the same order with as many threads as a run uses; the first listing, which reads the index, is timed by itself.

    PYTHONPATH=. .venv/bin/python benchmarks/archive_reads.py
"""

import argparse
import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from melanoma import storage
from melanoma.ingest.threads import default_threads
from tests.helpers.ports import free_port, wait_for_port
from tests.helpers.s3_process import s3_variables

_SERVER = """
import http.server, pathlib, re, sys, time
folder, latency = pathlib.Path(sys.argv[2]), float(sys.argv[3])
class Objects(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def do_HEAD(self): self.answer(False)
    def do_GET(self): self.answer(True)
    def answer(self, has_body):
        time.sleep(latency)
        path = folder / self.path.partition("?")[0].split("/")[-1]
        size = path.stat().st_size
        first, last = 0, size - 1
        if found := re.fullmatch(r"bytes=(\\d+)-(\\d+)", self.headers.get("Range", "")):
            first, last = int(found[1]), min(int(found[2]), size - 1)
        self.send_response(206 if found else 200)
        for name, value in {
            "Content-Length": last - first + 1, "ETag": '"1"', "Content-Type": "application/octet-stream",
            "Last-Modified": "Mon, 30 Nov 2026 00:00:00 GMT", "Content-Range": f"bytes {first}-{last}/{size}",
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        if has_body:
            with path.open("rb") as file:
                file.seek(first)
                self.wfile.write(file.read(last - first + 1))
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server(("127.0.0.1", int(sys.argv[1])), Objects).serve_forever()
"""


@contextlib.contextmanager
def slow_s3(folder: Path, latency: float) -> Iterator[None]:
    """Serves the files of a folder as the objects of every bucket, and waits before each answer.

    Args:
        folder: With the files.
        latency: Seconds before each answer.
    """
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", _SERVER, str(port), str(folder), str(latency)])
    try:
        wait_for_port(port)
        with s3_variables(f"http://127.0.0.1:{port}"):
            yield
    finally:
        server.kill()
        server.wait()


def write_archives(folder: Path, members: int, size: int) -> list[Path]:
    """Writes a tar and a zip archive of random bytes, as photographs hardly compress."""
    draw, tar_path, zip_path = random.Random(1), folder / "a.tar", folder / "a.zip"
    with tarfile.open(tar_path, "w") as tar, zipfile.ZipFile(zip_path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(members):
            name, data = f"{number:06d}.jpg", draw.randbytes(size)
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(data))
            packed.writestr(name, data)
    return [tar_path, zip_path]


def read(root: str, count: int, in_chunks: int) -> dict[str, float]:
    """Lists an archive and reads some of its members, in the order in which a run would."""
    began = time.perf_counter()
    listed = list(storage.list_files(root))
    listing = time.perf_counter() - began
    chosen = in_order(listed, in_chunks)[:count]
    is_local = not root.partition("://")[2].startswith("s3")
    began = time.perf_counter()
    with ThreadPoolExecutor(default_threads(is_local)) as pool:
        size = sum(len(data) for data in pool.map(lambda one: storage.read_bytes(one.uri, one), chosen))
    seconds = time.perf_counter() - began
    return {
        "list": round(listing, 2),
        "read": round(seconds, 2),
        "per_second": round(len(chosen) / seconds),
        "bytes": size,
    }


def in_order(listed: list[storage.StoredFile], chunks: int) -> list[storage.StoredFile]:
    """Returns the members chunk by chunk, as a run divides them."""
    from melanoma.ingest.listed import ref_to
    from melanoma.ingest.tasks import Task
    from melanoma.runs.chunking import cut

    by_uri = {one.uri: one for one in listed}
    divided = cut([Task(ref_to(one, "")) for one in listed], chunks)
    return [by_uri[uri] for chunk in divided for uri in sorted(task.ref.uri for task in chunk.tasks)]


def main() -> None:
    """Prints one line of JSON for each archive and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=20_000, help="bytes of a member")
    parser.add_argument("--read", type=int, default=10_000, help="members to read")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds before each answer of S3")
    parser.add_argument("--chunks", type=int, default=10)
    parser.add_argument("--stores", nargs="+", default=["local", "s3"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_archives(Path(folder), args.members, args.size)
        for path in paths if "local" in args.stores else ():
            found = read(f"{path.suffix[1:]}://{path}", args.read, args.chunks)
            print(json.dumps({"archive": path.name, "store": "local", **found}), flush=True)
        if "s3" in args.stores:
            with slow_s3(Path(folder), args.latency):
                for path in paths:
                    found = read(f"{path.suffix[1:]}://s3://bench/{path.name}", args.read, args.chunks)
                    print(json.dumps({"archive": path.name, "store": "s3", **found}), flush=True)
    os._exit(0)  # the threads of the stores need not end


if __name__ == "__main__":
    main()
