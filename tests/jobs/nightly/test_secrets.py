"""Secrets in URIs are in nothing that a run prints, sends or leaves."""

import gzip
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest

from jobs.cli import main
from tests.helpers import fill

CANARY = "CANARY"


def everything_below(folder: Path) -> str:
    """Returns all that files hold, also what they hold compressed."""
    texts = []
    for path in filter(Path.is_file, folder.rglob("*")):
        data = path.read_bytes()
        texts += [path.name, data.decode("utf-8", "replace")]
        if path.suffix == ".parquet":
            texts.append(str(pq.ParquetFile(path).read().to_pydict()))
        if data[:2] == b"\x1f\x8b":
            texts.append(gzip.decompress(data).decode("utf-8", "replace"))
    return "\n".join(texts)


def test_no_secret_of_a_uri_is_told_or_kept(tmp_path: Path, bundle_uri: str, capfd: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "in", 1)
    secret = f"memory://user:{CANARY}@bucket/in?sig={CANARY}"
    fsspec.filesystem("memory").pipe_file(f"{secret}/notes.txt", b"no photograph")
    script = tmp_path / "notify"
    script.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/told\n')
    script.chmod(0o755)
    words = ["score", "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    words += ["--metrics-file", str(tmp_path / "run.prom"), "--notify-command", str(script)]
    assert main([*words, "--images", str(tmp_path / "in"), "--images", secret, "--allow-empty"]) == 0
    assert main([*words, "--images", secret]) == 2
    captured = capfd.readouterr()
    said = captured.out + captured.err
    assert "memory://***@bucket" in said and "no photograph there" in said
    assert "memory://***@bucket" in (tmp_path / "told").read_text()
    assert CANARY not in said and CANARY not in everything_below(tmp_path)
