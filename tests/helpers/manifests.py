"""Small manifests, and the files that they name."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from melanoma.ingest.manifests import Manifest


def touch(folder: Path, *names: str) -> Path:
    """Writes files of one byte, with their folders, and returns the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def csv_manifest(folder: Path, text: str | bytes, *keep: str) -> Manifest:
    """Writes a CSV manifest and returns it, with columns to keep."""
    path = folder / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Manifest(str(path), keep)


def parquet_manifest(folder: Path, columns: Any, *keep: str) -> Manifest:
    """Writes a Parquet manifest and returns it, with columns to keep."""
    path = folder / "manifest.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return Manifest(str(path), keep)
