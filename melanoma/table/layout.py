"""The layout of the output folder: the only place that spells the names of files and folders under it."""

import re
import uuid
from dataclasses import dataclass, field
from functools import cached_property

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.ids import is_run_id
from melanoma.redaction import redacted
from melanoma.shards import Shard
from melanoma.table.schema import PARTITION

_LOG, _STAGING, _REPORTS, _PRIVATE, _ACTIVE = "_delta_log", "_staging", "_reports", "_private", "_active"
_CORRECTIONS = "_corrections"
_CHUNK_SUFFIX, _RECORD_SUFFIX, _DEFERRED = ".arrow", ".json", "leftovers"
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")
_DATA_FILE = re.compile(rf"{PARTITION}=[^/]+/[^/]+\.parquet")
_UNFINISHED = re.compile(r"\.[^/]+\.parquet\.[0-9a-f]{8}\.tmp")  # as `storage` names what it is about to rename


@dataclass(frozen=True)
class OutputLayout:
    """URIs of everything in the output folder, which is also the folder of the score table.

    Two layouts of the same folder are equal, however the user spelled it.

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
        """The folder as the user wrote it, without secrets."""
        return redacted(self.name)

    def _at(self, *names: str) -> str:
        """Joins names to the folder: every path that is built from data passes here.

        Raises:
            UsageError: A name would lead out of the folder, or is not a name.
        """
        if wrong := [name for name in names if not _NAME.fullmatch(name) or name in (".", "..")]:
            raise UsageError(
                f"{self.name}: {wrong[0]!r:.60} cannot be the name of a file there; the file that states it did not "
                "come from this program: remove it"
            )
        return storage.join(self.root, *names)

    # The score table

    @property
    def log(self) -> str:
        """Folder of the table's log."""
        return self._at(_LOG)

    @staticmethod
    def commit_name(version: int) -> str:
        """Returns the path of a commit in the table's log, relative to the folder."""
        return f"{_LOG}/{version:020}.json"

    @staticmethod
    def is_data_file(name: str) -> bool:
        """Tells whether a path, relative to the folder, is named like a data file of the table."""
        return _DATA_FILE.fullmatch(name) is not None

    @staticmethod
    def is_unfinished(uri: str) -> bool:
        """Tells whether a file is named like a data file whose writing was interrupted."""
        return _UNFINISHED.fullmatch(storage.name_of(uri)) is not None

    @staticmethod
    def new_data_file(model_id: str) -> str:
        """Returns the path of a new data file with rows of a model, relative to the folder."""
        return f"{PARTITION}={model_id}/part-00000-{uuid.uuid4()}-c000.zstd.parquet"

    def data_file(self, name: str) -> str:
        """Returns the URI of a data file, given by its path relative to the folder."""
        return self._at(*name.split("/"))

    def is_own(self, uri: str) -> bool:
        """Tells whether a canonical URI belongs to the score table or its runs, and so is not a photograph."""
        return uri.startswith(self._own_prefixes)

    @cached_property
    def _own_prefixes(self) -> tuple[str, ...]:
        folders = (_LOG, _STAGING, _REPORTS, _PRIVATE, _ACTIVE, _CORRECTIONS)
        return (*(f"{self._at(name)}/" for name in folders), self._at(f"{PARTITION}="))

    @property
    def corrections(self) -> str:
        """Values that a manifest has corrected since their photographs were scored."""
        return self._at(_CORRECTIONS, "values.parquet")

    # Staged rows

    @property
    def staging(self) -> str:
        """Folder of the staged files of all runs."""
        return self._at(_STAGING)

    def staging_of(self, fingerprint: str) -> str:
        """Folder of the staged files of all runs with one fingerprint."""
        return self._at(_STAGING, fingerprint)

    def staging_of_run(self, fingerprint: str, run_id: str) -> str:
        """Folder of the staged files of one run."""
        return self._at(_STAGING, fingerprint, run_id)

    def chunk(self, fingerprint: str, run_id: str, number: int) -> str:
        """Staged file of one chunk; `number` counts from 0."""
        return self._at(_STAGING, fingerprint, run_id, f"{number:06d}{_CHUNK_SUFFIX}")

    @staticmethod
    def is_chunk(uri: str) -> bool:
        """Tells whether a staged file holds the rows of a chunk."""
        return uri.endswith(_CHUNK_SUFFIX)

    def announcement(self, fingerprint: str, run_id: str) -> str:
        """File with the number of photographs that a run lists or is about to score."""
        return self._at(_STAGING, fingerprint, run_id, "images.txt")

    def failure(self, fingerprint: str, run_id: str) -> str:
        """File in which a worker records the error that ends a run."""
        return self._at(_STAGING, fingerprint, run_id, "failure.json")

    def deferred(self, fingerprint: str, shard: Shard | None = None) -> str:
        """File with the digests of the photographs that the last run with a fingerprint, and of a shard, deferred."""
        name = _DEFERRED if shard is None else f"{_DEFERRED}-{shard.number}-of-{shard.total}"
        return self._at(_STAGING, fingerprint, name)

    @staticmethod
    def is_deferred(uri: str) -> bool:
        """Tells whether a staged file lists deferred photographs."""
        return storage.name_of(uri).partition("-")[0] == _DEFERRED

    def probe(self) -> str:
        """A new file for testing whether the folder is writable."""
        return self._at(_STAGING, f"probe-{uuid.uuid4().hex[:8]}")

    # Records and reports

    @property
    def reports(self) -> str:
        """Folder of the records and reports of runs."""
        return self._at(_REPORTS)

    def record(self, run_id: str) -> str:
        """Record of a run that has ended."""
        return self._at(_REPORTS, f"{run_id}{_RECORD_SUFFIX}")

    @staticmethod
    def recorded_run(uri: str) -> str | None:
        """Returns the id of the run whose record a file is; None for another file."""
        name = storage.name_of(uri)
        run_id = name.removesuffix(_RECORD_SUFFIX)
        return run_id if name != run_id and is_run_id(run_id) else None

    def report(self, run_id: str, part: str = "") -> str:
        """Report of a run that has ended, or a page beside it, such as `profile`."""
        return self._at(_REPORTS, f"{run_id}.{part}.html" if part else f"{run_id}.html")

    def model_page(self, model_id: str) -> str:
        """Page of a model over all its runs."""
        return self._at(_REPORTS, f"{model_id}.html")

    @property
    def index(self) -> str:
        """Page that lists all runs."""
        return self._at(_REPORTS, "index.html")

    @property
    def series(self) -> str:
        """File with the main figures of every run, one line each."""
        return self._at(_REPORTS, "nights.series")

    # Secrets and heartbeats

    @property
    def private(self) -> str:
        """Folder of the secret keys, and of what is hashed with them."""
        return self._at(_PRIVATE)

    @property
    def key(self) -> str:
        """Secret key of the pseudonyms."""
        return self._at(_PRIVATE, "key")

    @property
    def staging_key(self) -> str:
        """Secret key of the seals of staged files."""
        return self._at(_PRIVATE, "staging_key")

    @property
    def forgotten(self) -> str:
        """Hashes of the photographs that must never be scored again."""
        return self._at(_PRIVATE, "forgotten")

    @property
    def active(self) -> str:
        """Folder of the heartbeats of running work."""
        return self._at(_ACTIVE)

    def heartbeat(self, name: str) -> str:
        """Heartbeat of a run, or of maintenance, by its id."""
        return self._at(_ACTIVE, f"{name}.json")

    def trial(self) -> "OutputLayout":
        """Returns the layout of a new folder inside this one, in which a preflight can try a commit."""
        name = f"_doctor_{uuid.uuid4().hex[:8]}"
        return OutputLayout(self._at(name), storage.join(self.name, name))
