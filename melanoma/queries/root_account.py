"""Why each photograph of a whole root is in the score table or not, with numbers that add up."""

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from melanoma.errors import MAY_HEAL, ErrorKind
from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.listed import Listed
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.sources import Source, list_with_times, naming
from melanoma.queries.known_photographs import Failure, KnownPhotographs, Match
from melanoma.runs.retry_policy import next_try

_PAGE = 4096
_SKIP, _SCORE, _TRY_AGAIN = "skip", "score", "try again"  # as in `explain.Outlook.does`


class Reason(StrEnum):
    """Why a listed photograph is in the score table or not, for one model."""

    SCORED = "scored"
    FAILED = "failed"
    CHANGED = "changed"
    DEFERRED = "deferred"
    NEW = "new"
    NOT_TRIED = "not_tried"
    NOT_IN_STORE = "not_in_store"
    FORGOTTEN = "forgotten"
    DUPLICATE = "duplicate"


class Finding(NamedTuple):
    """What is known of one listed photograph.

    Attributes:
        reason: Why it is in the table or not.
        next_run: What the next run does with it: `skip`, `score` or `try again`.
        error_kind: Why it failed; None if it did not.
    """

    reason: Reason
    next_run: str
    error_kind: ErrorKind | None = None


class Explained(NamedTuple):
    """A listed photograph, with what is known of it.

    Attributes:
        uri: URI under which the table knows it, or will know it.
        image_id: Its id for analysts.
        finding: What is known of it.
    """

    uri: str
    image_id: str
    finding: Finding


@dataclass(frozen=True)
class RootAccount:
    """The numbers of a root; every listed file is counted once.

    Attributes:
        photographs: Number of photographs by finding.
        ignored: Number of other files, by extension or reason.
    """

    photographs: Counter[Finding] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def listed(self) -> int:
        """Number of listed photographs."""
        return self.photographs.total()


def explain_root(
    known: KnownPhotographs, sources: Sequence[Source], next_run: datetime.date, account: RootAccount
) -> Iterator[Explained]:
    """Lists sources as a run does, and says of each photograph whether the table has it, and why not.

    Writes nothing and reads no photograph. Memory does not grow with the length of one root. Several roots or a
    manifest may list a photograph twice, so that their URIs are remembered as digests.

    Args:
        known: What the table knows for one model.
        sources: Roots or a manifest.
        next_run: Date of the next run.
        account: Counts every listed file.

    Yields:
        The photographs in the order of the listing, but those that were forgotten, which nothing may name.

    Raises:
        ReadError: The store does not answer.
        UsageError: A root does not exist, or must not be listed.
    """
    may_repeat = len(sources) > 1 or any(isinstance(source, Manifest) for source in sources)
    seen = set[bytes]()
    for source in sources:
        with naming(source):
            for entry, finding in _findings(known, list_with_times(source, account.ignored), next_run):
                found = _first_time(entry, finding, seen) if may_repeat else finding
                account.photographs[found] += 1
                if found.reason is not Reason.FORGOTTEN:
                    yield Explained(entry.ref.uri, entry.ref.image_id, found)


def _findings(
    known: KnownPhotographs, listed: Iterator[Listed], next_run: datetime.date
) -> Iterator[tuple[Listed, Finding]]:
    while page := list(islice(listed, _PAGE)):
        for entry, match in zip(page, known.look_up([entry.ref for entry in page]), strict=True):
            yield entry, _finding(known, entry, match, next_run)


def _first_time(entry: Listed, finding: Finding, seen: set[bytes]) -> Finding:
    """Returns the finding of a photograph unless its URI was listed before; remembers the URI."""
    digest = digest_of(entry.ref.uri, "")
    if digest in seen and finding.reason is not Reason.FORGOTTEN:
        return Finding(Reason.DUPLICATE, _SKIP)
    seen.add(digest)
    return finding


def _finding(known: KnownPhotographs, entry: Listed, match: Match, next_run: datetime.date) -> Finding:
    digest = digest_of(entry.ref.uri, entry.ref.version)
    if known.is_forgotten(entry.ref.uri):
        return Finding(Reason.FORGOTTEN, _SKIP)
    if match.is_scored:
        return Finding(Reason.SCORED, _SKIP)
    if (failure := known.failed.get(digest)) is not None:
        return _failed(failure, next_run)
    if not entry.ref.version:
        return Finding(Reason.NOT_IN_STORE, _SCORE)
    if digest in known.deferred:
        return Finding(Reason.DEFERRED, _SCORE)
    if match.has_uri:
        return Finding(Reason.CHANGED, _SCORE)
    return Finding(Reason.NEW if _is_newer(entry.modified, known.last_run) else Reason.NOT_TRIED, _SCORE)


def _failed(failure: Failure, next_run: datetime.date) -> Finding:
    is_due = failure.kind in MAY_HEAL and next_try(failure.attempt, failure.run_date) <= next_run
    return Finding(Reason.FAILED, _TRY_AGAIN if is_due else _SKIP, failure.kind)


def _is_newer(modified: datetime.datetime | None, last_run: datetime.datetime | None) -> bool:
    return modified is not None and last_run is not None and modified > last_run
