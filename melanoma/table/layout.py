"""The layout of the output folder: the one place that spells a name under it."""

import re
import uuid
from dataclasses import dataclass, field
from functools import cached_property

from melanoma import storage
from melanoma.table.schema import PARTITION

_LOG, _STAGING, _REPORTS, _PRIVATE, _ACTIVE = "_delta_log", "_staging", "_reports", "_private", "_active"
_CHUNK_SUFFIX, _RECORD_SUFFIX = ".arrow", ".json"
_DATA_FILE = re.compile(rf"{PARTITION}=[^/]+/[^/]+\.parquet")


@dataclass(frozen=True)
class OutputLayout:
    """Where everything lies in the output folder of a run, which is the folder of the score table.

    Attributes:
        root: Canonical URI of the folder.
        name: The folder as the user wrote it, for messages.
    """

    root: str
    name: str = field(compare=False)

    @classmethod
    def at(cls, uri: str) -> "OutputLayout":
        """Returns the layout of a folder, given as URI or path."""
        return cls(storage.canonical(uri), uri)

    def __str__(self) -> str:
        """The folder as the user wrote it."""
        return self.name

    def _at(self, *names: str) -> str:
        return storage.join(self.root, *names)

    # The score table

    def is_data_file(self, name: str) -> bool:
        """Tells whether a path, relative to the folder, is named like a data file of the table."""
        return _DATA_FILE.fullmatch(name) is not None

    def data_file(self, name: str) -> str:
        """Returns the URI of a data file, given by its path relative to the folder."""
        return self._at(*name.split("/"))

    def is_own(self, uri: str) -> bool:
        """Tells whether a canonical URI belongs to the score table and its runs, and so is no photograph to score."""
        return uri.startswith(self._own_prefixes)

    @cached_property
    def _own_prefixes(self) -> tuple[str, ...]:
        folders = (f"{name}/" for name in (_LOG, _STAGING, _REPORTS, _PRIVATE, _ACTIVE))
        return tuple(self._at(name) for name in (*folders, f"{PARTITION}="))

    # Staged rows

    @property
    def staging(self) -> str:
        """Folder of everything that runs have staged."""
        return self._at(_STAGING)

    def staged_alike(self, fingerprint: str) -> str:
        """Folder of what runs of one fingerprint have staged."""
        return self._at(_STAGING, fingerprint)

    def staged_by(self, fingerprint: str, run_id: str) -> str:
        """Folder of what one run has staged."""
        return self._at(_STAGING, fingerprint, run_id)

    def chunk(self, fingerprint: str, run_id: str, number: int) -> str:
        """Staged file of one chunk."""
        return self._at(_STAGING, fingerprint, run_id, f"{number:06d}{_CHUNK_SUFFIX}")

    @staticmethod
    def is_chunk(uri: str) -> bool:
        """Tells whether a staged file holds the rows of a chunk."""
        return uri.endswith(_CHUNK_SUFFIX)

    def announcement(self, fingerprint: str, run_id: str) -> str:
        """File that says how many photographs a run is about to score."""
        return self._at(_STAGING, fingerprint, run_id, "images.txt")

    def failure(self, fingerprint: str, run_id: str) -> str:
        """File in which a worker leaves the error that ends a run."""
        return self._at(_STAGING, fingerprint, run_id, "failure.json")

    def deferred(self, fingerprint: str) -> str:
        """File of the photographs that the last run of a fingerprint deferred."""
        return self._at(_STAGING, fingerprint, "leftovers")

    def is_deferred(self, uri: str) -> bool:
        """Tells whether a staged file lists deferred photographs."""
        return storage.name_of(uri) == "leftovers"

    def probe(self) -> str:
        """A file that is written and removed to see whether the folder can be written."""
        return self._at(_STAGING, f"probe-{uuid.uuid4().hex[:8]}")

    # Records and reports

    @property
    def reports(self) -> str:
        """Folder of records and reports."""
        return self._at(_REPORTS)

    def record(self, run_id: str) -> str:
        """Record of an ended run."""
        return self._at(_REPORTS, f"{run_id}{_RECORD_SUFFIX}")

    @staticmethod
    def recorded_run(uri: str) -> str | None:
        """Returns the id of the run whose record a file is; None for another file."""
        name = storage.name_of(uri)
        return name.removesuffix(_RECORD_SUFFIX) if name.endswith(_RECORD_SUFFIX) else None

    def report(self, run_id: str) -> str:
        """Report of an ended run."""
        return self._at(_REPORTS, f"{run_id}.html")

    @property
    def index(self) -> str:
        """Page of all runs."""
        return self._at(_REPORTS, "index.html")

    @property
    def series(self) -> str:
        """One file with the main figures of every run."""
        return self._at(_REPORTS, "nights.series")

    # Secrets and running work

    @property
    def key(self) -> str:
        """Key of the pseudonyms."""
        return self._at(_PRIVATE, "key")

    @property
    def forgotten(self) -> str:
        """Hashes of the photographs that must never be scored again."""
        return self._at(_PRIVATE, "forgotten")

    @property
    def active(self) -> str:
        """Folder of the heartbeats."""
        return self._at(_ACTIVE)

    def heartbeat(self, name: str) -> str:
        """Heartbeat of a run, or of work on the table, by its id."""
        return self._at(_ACTIVE, f"{name}.json")

    def trial(self) -> "OutputLayout":
        """Returns a folder of its own inside this one, in which writing can be tried out."""
        name = f"_doctor_{uuid.uuid4().hex[:8]}"
        return OutputLayout(self._at(name), storage.join(self.name, name))
