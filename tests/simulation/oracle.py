"""What the table must hold after a history of runs, by a few rules of its own.

It shares no line with the ledger, the retry policy, the staging or the commit, so that their mistakes show here.
"""

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.simulation.store import fault_of

HEALS = {"forbidden", "timeout"}
MANY = 10  # so many photographs that the store refuses, and no other, mean that it is down


class Row(NamedTuple):
    """The part of a row that does not depend on chance."""

    uri: str
    version: str
    model: str
    attempt: int
    status: str
    error_kind: str | None
    date: datetime.date
    sha256: str | None


class Listed(NamedTuple):
    """One photograph as the store shows it."""

    uri: str
    version: str
    path: Path


def listing(folder: Path, prefix: str) -> list[Listed]:
    """Lists the store by the operating system alone."""
    listed = []
    for path in sorted(folder.glob("*.jpg")):
        status = path.stat()
        listed.append(Listed(f"{prefix}{path}", f"{status.st_mtime}-{status.st_size}", path))
    return listed


def judge(path: Path) -> tuple[str, str | None, str | None]:
    """Returns what a run must make of a file: status, kind of error, digest."""
    fault = fault_of(str(path))
    if fault is not None:
        return "failed", fault, None
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if not data:
        return "failed", "empty", digest
    if data.startswith(b"\x89PNG") or (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")):
        return "scored", None, digest
    return "failed", "truncated" if data.startswith(b"\xff\xd8") else "unsupported_format", digest


@dataclass
class Expected:
    """What the record of a run must say for one model."""

    scored: int = 0
    failed: int = 0
    deferred: int = 0
    is_store_down: bool = False


@dataclass
class Oracle:
    """The rows so far, and the photographs that were forgotten, by name and by digest."""

    rows: list[Row] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    contents: set[str] = field(default_factory=set)

    def run(
        self,
        listed: list[Listed],
        model: str,
        today: datetime.date,
        *,
        retry_failed: bool = False,
        is_too_late: bool = False,
    ) -> Expected:
        """Adds the rows of one run, and returns what its record must say."""
        due = [
            (photo, attempt)
            for photo in listed
            if (attempt := self._attempt(photo, model, today, retry_failed)) and photo.uri not in self.forgotten
        ]
        if is_too_late:
            return Expected(deferred=len(due))
        found = [Row(p.uri, p.version, model, n, *self._judged(p.path), today, judge(p.path)[2]) for p, n in due]
        found = [row for row in found if row.sha256 not in self.contents]
        is_nothing_known = len(due) == len(listed)
        if found and all(row.error_kind in HEALS for row in found) and (len(found) >= MANY or is_nothing_known):
            return Expected(deferred=len(found), is_store_down=True)
        self.rows += found
        scored = sum(row.status == "scored" for row in found)
        return Expected(scored, len(found) - scored)

    @staticmethod
    def _judged(path: Path) -> tuple[str, str | None]:
        return judge(path)[:2]

    def _attempt(self, photo: Listed, model: str, today: datetime.date, retry_failed: bool) -> int:
        """Returns the number of the attempt that is due today; 0 if none is."""
        attempts = [row for row in self.rows if (row.uri, row.version, row.model) == (photo.uri, photo.version, model)]
        if not attempts:
            return 1
        last = max(attempts, key=lambda row: row.attempt)
        if last.status == "scored":
            return 0
        if retry_failed:
            return last.attempt + 1
        if last.error_kind not in HEALS:
            return 0
        days = (today - last.date).days
        # The first attempt and three more on the following days; after that a week passes between them.
        return last.attempt + 1 if days >= (1 if last.attempt <= 3 else 7) else 0

    def forget(self, uris: set[str]) -> None:
        """Removes photographs for good, and others with the same bytes."""
        self.forgotten |= uris
        paths = [path for uri in uris if (path := Path(uri.partition("://")[2])).exists()]
        seen = [(row.error_kind, row.sha256) for row in self.rows if row.uri in uris]
        seen += [judge(path)[1:] for path in paths]
        self.contents |= {digest for kind, digest in seen if digest and kind in (None, "truncated")}
        self.rows = [row for row in self.rows if row.uri not in uris and row.sha256 not in self.contents]


def as_row(found: Mapping[str, object]) -> Row:
    """Returns the part of a table's row that the oracle knows."""
    names = ("image_uri", "image_version", "model_id", "attempt", "status", "error_kind", "run_date", "image_sha256")
    return Row(*(found[name] for name in names))  # type: ignore[arg-type]
