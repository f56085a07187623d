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
from melanoma.table.forgotten import Forgotten
from melanoma.table.pseudonyms import Pseudonyms
from melanoma.table.schema import PARTITION, PROBABILITY_PREFIX, SCORED
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


class Probability(NamedTuple):
    """The probability of one class, 0 to 1.

    Attributes:
        slug: Slug of the class.
        value: Its probability.
    """

    slug: str
    value: float


class _Present(NamedTuple):
    """The current version of a photograph in its store, or the reason why it is unknown."""

    version: str | None
    reason: str = ""
    is_gone: bool = False


def explain(table: ScoreTable, name: str, next_run: datetime.date, check_store: bool = True) -> Explanation:
    """Collects what is known about a photograph.

    Args:
        table: The score table.
        name: URI or path of the photograph, or its pseudonym of 12 hex digits from a report.
        next_run: Date of the next run.
        check_store: Whether to look up the photograph's current version in the store.

    Raises:
        UsageError: There is no score table, or no such photograph in it.
    """
    uri = _by_pseudonym(table, name) if _PSEUDONYM.fullmatch(name) else _canonical(name)
    rows = _rows(table, uri)
    forgotten = Forgotten.read(table.layout)
    if forgotten is not None and uri in forgotten:
        skipped = [
            Outlook(model.model_id, "skip", "it was erased with melanoma table forget") for model in table.models()
        ]
        return Explanation(uri, rows, None, skipped)
    if not rows:
        raise UsageError(
            "no such photograph in the score table; give its URI as in the image_uri column, or its pseudonym from a "
            "report"
        )
    present = _present(uri) if check_store else _Present(None, "the store was not checked")
    models = list(dict.fromkeys(row[PARTITION] for row in rows))
    rows_by_model = [[row for row in rows if row[PARTITION] == model] for model in models]
    outlooks = [_outlook(model_rows, present, next_run) for model_rows in rows_by_model]
    return Explanation(uri, rows, present.version, outlooks)


def most_likely_classes(row: dict[str, Any], count: int = 3) -> list[Probability]:
    """Returns the most probable classes of a scored row, highest first."""
    values = [
        Probability(name.removeprefix(PROBABILITY_PREFIX), value)
        for name, value in row.items()
        if name.startswith(PROBABILITY_PREFIX) and value is not None
    ]
    return sorted(values, key=lambda probability: -probability.value)[:count]


def _canonical(name: str) -> str:
    try:
        return storage.canonical(name)
    except ReadError:
        return name


def _by_pseudonym(table: ScoreTable, pseudonym: str) -> str:
    pseudonyms = Pseudonyms.known_to(table.layout)
    if pseudonyms is not None:
        for uri in table.rows(["image_uri"])["image_uri"].unique().to_pylist():
            if pseudonyms.pseudonym(uri) == pseudonym:
                return str(uri)
    raise UsageError(
        f"{pseudonym}: no photograph in this score table has that pseudonym; check that the report belongs to this "
        "table"
    )


def _rows(table: ScoreTable, uri: str) -> list[dict[str, Any]]:
    names = table.dataset().schema.names
    found = table.rows(names, pa.compute.field("image_uri") == uri)
    return list(found.sort_by([("scored_at", "ascending"), ("attempt", "ascending")]).to_pylist())


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
