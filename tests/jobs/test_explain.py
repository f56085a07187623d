"""One photograph's whole story, and whether what is foretold of the next night comes true."""

import datetime
import json
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.queries.explain import explain
from melanoma.table.forgotten import Forgotten
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers import fill, photograph
from tests.helpers.nights import night, start
from tests.helpers.outputs import layout_of, table_in

TONIGHT = datetime.date(2026, 1, 2)


@pytest.fixture
def table(tmp_path: Path, bundle_uri: str) -> str:
    fill(tmp_path / "in", 2)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"")
    night(tmp_path / "in", tmp_path / "out", bundle_uri)
    return str(tmp_path / "out")


def does(table: str, path: Path | str, days: int = 1, check_store: bool = True) -> tuple[str, str]:
    (outlook,) = explain(table_in(table), str(path), TONIGHT + datetime.timedelta(days=days), check_store).outlooks
    return outlook.does, outlook.why


def test_every_attempt_is_told_in_order(
    tmp_path: Path, table: str, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in" / "lesion-0000.jpg"
    path.write_bytes(photograph(77))
    night(tmp_path / "in", table, bundle_uri)
    assert main(["explain", table, str(path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"file://{path}\n") and said.count("attempt 1: scored") == 2
    assert "not a diagnosis" in said and "skip: this version is already scored" in said
    assert main(["explain", table, str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["attempt"] for row in document["rows"]] == [1, 1] and document["next_night"][0]["does"] == "skip"


def test_a_hash_of_a_report_is_as_good_as_the_name(
    tmp_path: Path, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"file://{tmp_path}/in/lesion-0000.jpg"
    assert main(["explain", table, Pseudonyms.of_table(layout_of(table)).pseudonym(uri)]) == 0
    assert capsys.readouterr().out.startswith(uri)
    assert main(["explain", table, "0123456789ab"]) == 2
    assert "no photograph in this score table has that pseudonym" in capsys.readouterr().err


def test_what_is_foretold_comes_true(tmp_path: Path, table: str, bundle_uri: str) -> None:
    folder = tmp_path / "in"
    changed, gone = folder / "lesion-0000.jpg", folder / "lesion-0001.jpg"
    changed.write_bytes(photograph(78))
    gone.unlink()
    assert does(table, changed)[0] == "score"
    assert does(table, changed, check_store=False)[0] == "skip"
    assert does(table, gone) == ("nothing", "it is no longer in the store, so it will not be listed")
    kind, why = does(table, folder / "broken.jpg")
    assert kind == "skip" and "empty is not retried until the file is replaced" in why
    record = night(folder, table, bundle_uri, run=start(table, bundle_uri, nights=1))
    assert (record.counts.scored, record.counts.skipped) == (1, 1)


def test_the_next_try_of_what_may_heal_is_dated(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    (tmp_path / "m.csv").write_text(f"uri\n{tmp_path}/in/lesion-0000.jpg\n{tmp_path}/absent.jpg\n")
    from melanoma.ingest.sources import Manifest

    table, sources = str(tmp_path / "out"), [Manifest(str(tmp_path / "m.csv"))]
    for number in range(5):
        night(sources, table, bundle_uri, run=start(table, bundle_uri, nights=number))
    found = explain(table_in(table), f"{tmp_path}/absent.jpg", TONIGHT + datetime.timedelta(days=5), check_store=False)
    assert [row["attempt"] for row in found.rows] == [1, 2, 3, 4]
    assert "after 4 attempts; the next retry is due on 2026-01-12" in found.outlooks[0].why
    due = explain(table_in(table), f"{tmp_path}/absent.jpg", datetime.date(2026, 1, 12), check_store=False)
    assert due.outlooks[0].does == "try again" and "attempt 5" in due.outlooks[0].why


def test_a_forgotten_photograph_stays_so(tmp_path: Path, table: str) -> None:
    Forgotten.add(layout_of(table), [f"file://{tmp_path}/in/lesion-0000.jpg"])
    assert does(table, tmp_path / "in" / "lesion-0000.jpg") == ("skip", "it was forgotten for good")


def test_an_unknown_photograph_is_a_mistake(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", table, "/nowhere/x.jpg"]) == 2
    said = capsys.readouterr().err
    assert "no such photograph in the score table" in said and "/nowhere" not in said
    assert main(["explain", "/nowhere/table", "/nowhere/x.jpg"]) == 2
