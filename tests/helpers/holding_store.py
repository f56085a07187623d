"""A store on the local disk that stops at a name for as long as a file beside the photographs says so."""

import time
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from melanoma.runs.records import RunRecord
from tests.helpers.pipeline_runs import run_once

_SECONDS = 60.0  # after which it stops holding, whatever happens


class HoldingStore(LocalFileSystem):  # type: ignore[misc]
    """holding:///FOLDER is the local folder; listing or reading a path waits while the file `FOLDER.hold` names it."""

    protocol = "holding"
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(super()._strip_protocol(str(path).removeprefix("holding://")))

    def unstrip_protocol(self, name: str) -> str:
        """Returns the URI of a path."""
        return f"holding://{self._strip_protocol(name)}"

    def ls(self, path: str, detail: bool = False, **options: Any) -> list[Any]:
        """Lists a folder."""
        _wait(self._strip_protocol(path))
        found = super().ls(self._strip_protocol(path), detail=True, **options)
        return found if detail else [entry["name"] for entry in found]

    def _open(self, path: str, *args: Any, **options: Any) -> Any:
        _wait(self._strip_protocol(path))
        return super()._open(self._strip_protocol(path), *args, **options)


def _wait(path: str) -> None:
    until = time.monotonic() + _SECONDS
    while any(hold.read_text() == path for hold in _holds(path)) and time.monotonic() < until:
        time.sleep(0.01)


def _holds(path: str) -> list[Path]:
    holds = (Path(f"{folder}.hold") for folder in Path(path).parents)
    return [hold for hold in holds if hold.exists()]


def score_held(folder: Path, output: Path, bundle_uri: str, **options: Any) -> RunRecord:
    """Scores a folder through the store, and returns the record of the run."""
    fsspec.register_implementation("holding", HoldingStore, clobber=True)
    return run_once(f"holding://{folder}", output, bundle_uri, **options)
