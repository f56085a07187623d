"""Everything known about one photograph, and what the next run will do with it."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import MAY_HEAL, ErrorKind, ReadError, UsageError
from melanoma.runs.retry_policy import next_try
from melanoma.table.corrections import Corrections
from melanoma.table.forgotten import Forgotten
from melanoma.table.pseudonyms import Pseudonyms
from melanoma.table.schema import PARTITION, SCORED
from melanoma.table.score_table import ScoreTable

_PSEUDONYM = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Outlook:
    """What the next run will do with a photograph for one model.

    Attributes:
        model_id: Id of the model.
        does: `skip`, `score`, `try again` or `nothing`.
        why: The reason, as part of a sentence.
    """

    model_id: str
    does: str
    why: str


@dataclass(frozen=True)
class Explanation:
    """What is known about one photograph.

    Attributes:
        uri: URI as in the score table.
        rows: Its rows in the score table, oldest first.
        version: Its current version in the store; None if the store was not checked or did not answer.
        outlooks: One per model.
    """

    uri: str
    rows: Sequence[dict[str, Any]]
    version: str | None
    outlooks: Sequence[Outlook]


class _Present(NamedTuple):
    """The current version of a photograph in its store, or the reason why it is unknown."""

    version: str | None
    reason: str = ""
    is_gone: bool = False


def explain_all(table: ScoreTable, name: str, next_run: datetime.date, check_store: bool = True) -> list[Explanation]:
    """Collects what is known about a photograph, or about each one that has an id.

    Args:
        table: The score table.
        name: URI or path of the photograph, its pseudonym of 12 hex digits from a report, or its `image_id`, which
            several photographs may share.
        next_run: Date of the next run.
        check_store: Whether to look up the photographs' current versions in the store.

    Returns:
        One entry per photograph, in the order of their URIs.

    Raises:
        UsageError: There is no score table, or no such photograph in it.
    """
    corrections = Corrections.read(table.layout)
    return [
        _explained(table, uri, corrections.applied_to(_rows(table, uri)), next_run, check_store)
        for uri in _photographs(table, name, corrections)
    ]


def _photographs(table: ScoreTable, name: str, corrections: Corrections) -> list[str]:
    """Returns the URIs of the photographs that a name may mean: a pseudonym counts before a URI, and that before an id.

    Raises:
        UsageError: There is none.
    """
    is_pseudonym = _PSEUDONYM.fullmatch(name) is not None
    if is_pseudonym and (named := _by_pseudonym(table, name)) is not None:
        return [named]
    spellings = [] if is_pseudonym else storage.spellings(_canonical(name))
    if (known := next((uri for uri in spellings if _is_known(table, uri)), None)) is not None:
        return [known]
    by_id = table.rows(["image_uri", "image_id"], pa.compute.field("image_id") == name)
    matching = corrections.applied_to(by_id).filter(pa.compute.field("image_id") == name)
    if found := sorted({*matching["image_uri"].to_pylist(), *corrections.uris_with("image_id", name)}):
        return found
    if is_pseudonym:
        raise UsageError(
            f"{name}: no photograph in this score table has that pseudonym; check that the report belongs to this table"
        )
    raise UsageError(
        "no such photograph in the score table; give its URI as in the image_uri column, its image_id, or its "
        "pseudonym from a report; for all photographs of a folder, give it with --images"
    )


def _is_known(table: ScoreTable, uri: str) -> bool:
    forgotten = Forgotten.readable(table.layout)
    if forgotten is not None and uri in forgotten:
        return True
    return bool(table.rows(["image_uri"], pa.compute.field("image_uri") == uri).num_rows)


def _explained(table: ScoreTable, uri: str, found: pa.Table, next_run: datetime.date, check_store: bool) -> Explanation:
    rows = list(found.to_pylist())
    forgotten = Forgotten.readable(table.layout)
    if forgotten is not None and uri in forgotten:
        skipped = [
            Outlook(model.model_id, "skip", "it was erased with melanoma table forget") for model in table.models()
        ]
        return Explanation(uri, rows, None, skipped)
    present = _present(uri) if check_store else _Present(None, "the store was not checked")
    models = list(dict.fromkeys(row[PARTITION] for row in rows))
    rows_by_model = [[row for row in rows if row[PARTITION] == model] for model in models]
    outlooks = [_outlook(model_rows, present, next_run) for model_rows in rows_by_model]
    return Explanation(uri, rows, present.version, outlooks)


def _canonical(name: str) -> str:
    try:
        return storage.canonical(name)
    except ReadError:
        return name


def _by_pseudonym(table: ScoreTable, pseudonym: str) -> str | None:
    pseudonyms = Pseudonyms.known_to(table.layout)
    if pseudonyms is not None:
        for uri in table.rows(["image_uri"])["image_uri"].unique().to_pylist():
            if pseudonyms.pseudonym(uri) == pseudonym:
                return str(uri)
    return None


def _rows(table: ScoreTable, uri: str) -> pa.Table:
    names = table.dataset().schema.names
    found = table.rows(names, pa.compute.field("image_uri") == uri)
    return found.sort_by([("scored_at", "ascending"), ("attempt", "ascending")])


def _present(uri: str) -> _Present:
    try:
        return _Present(storage.stat(uri).version)
    except ReadError as error:
        return _Present(None, f"the store reports: {error.detail}", error.kind is ErrorKind.MISSING)
    except UsageError as error:
        return _Present(None, str(error))


def _outlook(rows: Sequence[dict[str, Any]], present: _Present, next_run: datetime.date) -> Outlook:
    """Predicts what the next run does for one model; all rows must belong to it."""
    model = rows[0][PARTITION]
    if present.is_gone:
        return Outlook(model, "nothing", "it is no longer in the store, so it will not be listed")
    if present.version is not None and present.version not in {row["image_version"] for row in rows}:
        return Outlook(model, "score", "the store has a version that this model has not scored")
    version = present.version or rows[-1]["image_version"]
    outlook = _outlook_of_version([row for row in rows if row["image_version"] == version], next_run)
    return replace(outlook, why=f"{outlook.why} ({present.reason})") if present.reason else outlook


def _outlook_of_version(rows: Sequence[dict[str, Any]], next_run: datetime.date) -> Outlook:
    last = rows[-1]
    model, kind, attempts = last[PARTITION], last["error_kind"], last["attempt"]
    if any(row["status"] == SCORED for row in rows):
        return Outlook(model, "skip", "this version is already scored")
    if kind not in MAY_HEAL:
        return Outlook(model, "skip", f"{kind} is not retried until the file is replaced, or --retry-failed is given")
    due = next_try(attempts, last["run_date"])
    if due <= next_run:
        return Outlook(model, "try again", f"{kind} may be resolved by now; this will be attempt {attempts + 1}")
    return Outlook(model, "skip", f"{kind} after {attempts} attempts; the next retry is due on {due}")
