"""What is known about one photograph, and what the next run will do with it, from rows made by hand."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.queries.explain import Explanation, explain_all
from melanoma.table.corrections import SCHEMA, Corrections
from melanoma.table.forgotten import Forgotten
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers.explaining import explain
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import commit, failed, row

DATE = datetime.date(2026, 1, 2)
OTHER = "m-000000000002"
CORRECTED_IDS = pa.schema([*SCHEMA, ("image_id", pa.string())])


def explained(folder: Path, *rows: dict[str, Any], days: int = 1, check_store: bool = False) -> Explanation:
    """Commits the rows of one photograph, and explains it."""
    commit(folder, list(rows))
    return explain(table_in(folder), rows[0]["image_uri"], DATE + datetime.timedelta(days=days), check_store)


def test_a_scored_version_is_skipped(tmp_path: Path) -> None:
    found = explained(tmp_path, row("a"))
    (outlook,) = found.outlooks
    assert (outlook.does, outlook.why) == ("skip", "this version is already scored (the store was not checked)")
    assert found.uri == row("a")["image_uri"] and found.version is None


@pytest.mark.parametrize(
    ("attempt", "days", "does", "why"),
    [
        (1, 0, "skip", "the next retry is due on 2026-01-03"),
        (1, 1, "try again", "attempt 2"),
        (4, 6, "skip", "the next retry is due on 2026-01-09"),
        (4, 7, "try again", "attempt 5"),
    ],
)
def test_a_failure_that_may_heal_is_retried_when_it_is_due(
    tmp_path: Path, attempt: int, days: int, does: str, why: str
) -> None:
    timeout = {**failed("a", attempt=attempt), "error_kind": "timeout"}
    (outlook,) = explained(tmp_path, timeout, days=days).outlooks
    assert outlook.does == does and why in outlook.why


def test_a_permanent_failure_is_not_retried_until_the_file_is_replaced(tmp_path: Path) -> None:
    (outlook,) = explained(tmp_path, failed("a")).outlooks
    assert outlook.does == "skip" and "corrupt is not retried until the file is replaced" in outlook.why


def test_each_model_has_its_own_outlook(tmp_path: Path) -> None:
    timeout = {**failed("a", model_id=OTHER), "error_kind": "timeout"}
    found = explained(tmp_path, row("a"), timeout)
    assert {outlook.model_id: outlook.does for outlook in found.outlooks} == {
        "m-000000000001": "skip",
        OTHER: "try again",
    }


def test_rows_are_sorted_oldest_first(tmp_path: Path) -> None:
    now = row("a")["scored_at"]
    later = [now + datetime.timedelta(days=days) for days in (2, 1)]
    found = explained(
        tmp_path, row("a", attempt=3, scored_at=later[0]), row("a", attempt=2, scored_at=later[1]), row("a")
    )
    assert [entry["attempt"] for entry in found.rows] == [1, 2, 3]


def test_the_outlook_follows_the_current_version_in_the_store(tmp_path: Path) -> None:
    file = tmp_path / "lesion.jpg"
    file.write_bytes(b"x")
    stored = storage.stat(f"file://{file}")
    known = row("a", image_uri=stored.uri, image_version=stored.version)
    found = explained(tmp_path / "scores", known, check_store=True)
    assert found.version == stored.version
    assert [(outlook.does, outlook.why) for outlook in found.outlooks] == [("skip", "this version is already scored")]
    file.write_bytes(b"another")
    (outlook,) = explain(table_in(tmp_path / "scores"), str(file), DATE).outlooks
    assert (outlook.does, outlook.why) == ("score", "the store has a version that this model has not scored")
    file.unlink()
    (outlook,) = explain(table_in(tmp_path / "scores"), str(file), DATE).outlooks
    assert outlook.does == "nothing"


def test_a_store_that_cannot_be_used_is_named_in_the_reason(tmp_path: Path) -> None:
    uri = "nosuch://archive/a.jpg"
    commit(tmp_path, [row("a", image_uri=uri)])
    (outlook,) = explain(table_in(tmp_path), Pseudonyms.of_table(layout_of(tmp_path)).pseudonym(uri), DATE).outlooks
    assert outlook.does == "skip" and "nosuch://" in outlook.why
    with pytest.raises(UsageError, match="nosuch://"):
        explain(table_in(tmp_path), uri, DATE)


def test_a_photograph_is_found_by_its_pseudonym(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), row("b")])
    pseudonym = Pseudonyms.of_table(layout_of(tmp_path)).pseudonym(row("b")["image_uri"])
    assert explain(table_in(tmp_path), pseudonym, DATE, False).rows[0]["image_id"] == "DOE-b"


def test_a_pseudonym_of_another_table_is_refused(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    for _ in range(2):  # without a key, and with one
        with pytest.raises(UsageError, match="check that the report belongs to this table"):
            explain(table_in(tmp_path), "0123456789ab", DATE, False)
        Pseudonyms.of_table(layout_of(tmp_path))


def test_an_erased_photograph_is_skipped_even_without_rows(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    Forgotten.add(layout_of(tmp_path), [row("gone")["image_uri"]])
    found = explain(table_in(tmp_path), row("gone")["image_uri"], DATE, False)
    assert found.rows == [] and [outlook.why for outlook in found.outlooks] == [
        "it was erased with melanoma table forget"
    ]


def test_an_unknown_photograph_is_an_error_that_does_not_repeat_its_name(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    with pytest.raises(UsageError, match="no such photograph") as caught:
        explain(table_in(tmp_path), "/nowhere/DOE.jpg", DATE, False)
    assert "DOE" not in str(caught.value)


def test_a_photograph_is_found_by_its_id_as_committed_or_corrected(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), row("b"), row("c", image_id="0123456789ab")])
    uris = [row(name)["image_uri"] for name in ("a", "b")]
    Corrections(
        pa.table({"image_uri": [uris[0]], "corrected": [["image_id"]], "image_id": ["DOE-b"]}, schema=CORRECTED_IDS)
    ).write(layout_of(tmp_path))
    assert [found.uri for found in explain_all(table_in(tmp_path), "DOE-b", DATE, False)] == uris
    assert [found.rows[0]["image_id"] for found in explain_all(table_in(tmp_path), "DOE-b", DATE, False)] == [
        "DOE-b"
    ] * 2
    with pytest.raises(UsageError, match="no such photograph"):  # its id is another one by now
        explain(table_in(tmp_path), "DOE-a", DATE, False)
    assert explain(table_in(tmp_path), "0123456789ab", DATE, False).uri == row("c")["image_uri"]
