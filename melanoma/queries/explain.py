"""Everything that is known of one photograph, and what the next night will do with it."""

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

_HASH = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Outlook:
    """What the next night will do with a photograph for one model.

    Attributes:
        model_id: Of the model.
        does: `skip`, `score`, `try again` or `nothing`.
        why: In a sentence.
    """

    model_id: str
    does: str
    why: str


@dataclass(frozen=True)
class Explanation:
    """One photograph.

    Attributes:
        uri: As the table spells it.
        rows: Of the table, the oldest first.
        version: That the store gives now; None where it was not asked or did not say.
        outlooks: Of each model.
    """

    uri: str
    rows: Sequence[dict[str, Any]]
    version: str | None
    outlooks: Sequence[Outlook]


def explain(table: ScoreTable, name: str, tonight: datetime.date, look: bool = True) -> Explanation:
    """Gathers what is known of a photograph.

    Args:
        table: The score table.
        name: URI or path of the photograph, or the hash of 12 hex digits by which a report shows it.
        tonight: Date of the next night.
        look: Whether the store is asked for the photograph's present version.

    Raises:
        UsageError: There is no table, or it knows no such photograph.
    """
    uri = _by_hash(table, name) if _HASH.fullmatch(name) else _canonical(name)
    rows = _rows(table, uri)
    forgotten = Forgotten.read(table.layout)
    if forgotten is not None and uri in forgotten:
        forgot = [Outlook(model.model_id, "skip", "it was forgotten, for good") for model in table.models()]
        return Explanation(uri, rows, None, forgot)
    if not rows:
        raise UsageError(
            "the table knows no such photograph; write it as the table does (see image_uri), or as the hash of a report"
        )
    present = _present(uri) if look else _Present(None, "the store was not asked")
    models = list(dict.fromkeys(row[PARTITION] for row in rows))
    outlooks = [_outlook(model, [row for row in rows if row[PARTITION] == model], present, tonight) for model in models]
    return Explanation(uri, rows, present.version, outlooks)


def _canonical(name: str) -> str:
    try:
        return storage.canonical(name)
    except ReadError:
        return name


def _by_hash(table: ScoreTable, name: str) -> str:
    pseudonyms = Pseudonyms.known_to(table.layout)
    if pseudonyms is not None:
        for uri in table.rows(["image_uri"])["image_uri"].unique().to_pylist():
            if pseudonyms.pseudonym(uri) == name:
                return str(uri)
    raise UsageError(f"{name}: no photograph of the table has that hash; is it from the report of another table?")


def _rows(table: ScoreTable, uri: str) -> list[dict[str, Any]]:
    names = table.dataset().schema.names
    found = table.rows(names, pa.compute.field("image_uri") == uri)
    return list(found.sort_by([("scored_at", "ascending"), ("attempt", "ascending")]).to_pylist())


class _Present(NamedTuple):
    """What the store says of a photograph now: its version, or why there is none."""

    version: str | None
    reason: str = ""
    is_gone: bool = False


def _present(uri: str) -> _Present:
    try:
        return _Present(storage.stat(uri).version)
    except ReadError as error:
        return _Present(None, f"the store says: {error.detail}", error.kind is ErrorKind.MISSING)
    except UsageError as error:
        return _Present(None, str(error))


def _outlook(model: str, rows: Sequence[dict[str, Any]], present: _Present, tonight: datetime.date) -> Outlook:
    if present.is_gone:
        return Outlook(model, "nothing", "the store has it no more, and a listing will not show it")
    if present.version is not None and present.version not in {row["image_version"] for row in rows}:
        return Outlook(model, "score", "the store has a version of it that this model has not scored")
    outlook = _of_version(model, rows, present.version or rows[-1]["image_version"], tonight)
    return replace(outlook, why=f"{outlook.why} ({present.reason})") if present.reason else outlook


def _of_version(model: str, rows: Sequence[dict[str, Any]], version: str, tonight: datetime.date) -> Outlook:
    same = [row for row in rows if row["image_version"] == version]
    if any(row["status"] == SCORED for row in same):
        return Outlook(model, "skip", "this version of it has been scored")
    last = same[-1]
    if last["error_kind"] not in MAY_HEAL:
        return Outlook(model, "skip", f"{last['error_kind']} does not heal; a new version, or --retry-failed, is tried")
    due = next_try(last["attempt"], last["run_date"])
    if due <= tonight:
        return Outlook(model, "try again", f"{last['error_kind']} may have healed; attempt {last['attempt'] + 1}")
    return Outlook(
        model, "skip", f"{last['error_kind']} is tried again from {due} on, after {last['attempt']} attempts"
    )


def likeliest(row: dict[str, Any], most: int = 3) -> list[tuple[str, float]]:
    """Gives the likeliest classes of a scored row, as slug and probability."""
    values = {
        name.removeprefix(PROBABILITY_PREFIX): value
        for name, value in row.items()
        if name.startswith(PROBABILITY_PREFIX) and value is not None
    }
    return sorted(values.items(), key=lambda item: -item[1])[:most]
