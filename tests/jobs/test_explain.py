"""Every attempt to score one photograph, and whether the predictions about the next run are right."""

import datetime
import json
import shutil
from pathlib import Path

import pytest

from jobs import explain as command
from jobs.cli import main
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.model.bundle import load_bundle
from melanoma.model.description import Description, read_description
from melanoma.queries.explain import Explanation, Outlook
from melanoma.table.forgotten import Forgotten
from melanoma.table.pseudonyms import Pseudonyms
from melanoma.table.schema import score_schema
from tests.helpers import ROOT, fill, photograph
from tests.helpers.explaining import explain
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import run_once, start
from tests.helpers.score_rows import commit, failed, row

TONIGHT = datetime.date(2026, 1, 2)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, bundle_uri: str) -> Path:
    """A folder with photographs in `in` and their table in `out`, which tests read only."""
    folder = tmp_path_factory.mktemp("explain")
    fill(folder / "in", 2)
    (folder / "in" / "broken.jpg").write_bytes(b"")
    run_once(folder / "in", folder / "out", bundle_uri)
    return folder


def does(table: Path | str, path: Path | str, days: int = 1, check_store: bool = True) -> tuple[str, str]:
    """Returns what the next run will do with a photograph, and why; for a table of one model."""
    date = TONIGHT + datetime.timedelta(days=days)
    (outlook,) = explain(table_in(table), str(path), date, check_store).outlooks
    return outlook.does, outlook.why


def test_every_attempt_is_shown_in_order(tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    (path,), table = fill(tmp_path / "in", 1), str(tmp_path / "out")
    run_once(tmp_path / "in", table, bundle_uri)
    path.write_bytes(photograph(77))
    run_once(tmp_path / "in", table, bundle_uri)
    assert main(["explain", table, str(path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"file://{path}\n") and out.count("attempt 1: scored") == 2
    assert "\nThe next run\n" in out and "skip: this version is already scored" in out
    assert out.endswith(f"\n{NO_DIAGNOSIS}\n")
    assert main(["explain", table, str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["uri", "version", "rows", "next_night"]
    assert [row["attempt"] for row in document["rows"]] == [1, 1] and document["next_night"][0]["does"] == "skip"


def test_a_pseudonym_from_a_report_works_like_the_name(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = str(scored / "out")
    uri = f"file://{scored}/in/lesion-0000.jpg"
    assert main(["explain", table, Pseudonyms.of_table(layout_of(table)).pseudonym(uri)]) == 0
    assert capsys.readouterr().out.startswith(uri)
    assert main(["explain", table, "0123456789ab"]) == 2
    assert "no photograph in this score table has that pseudonym" in capsys.readouterr().err


def test_predictions_about_the_next_run_are_right(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    table, folder = tmp_path / "out", tmp_path / "in"
    (folder / "broken.jpg").write_bytes(b"")
    run_once(folder, table, bundle_uri)
    changed, gone = folder / "lesion-0000.jpg", folder / "lesion-0001.jpg"
    changed.write_bytes(photograph(78))
    gone.unlink()
    assert does(table, changed)[0] == "score"
    assert does(table, changed, check_store=False)[0] == "skip"
    assert does(table, gone) == ("nothing", "it is no longer in the store, so it will not be listed")
    kind, why = does(table, folder / "broken.jpg")
    assert kind == "skip" and "empty is not retried until the file is replaced" in why
    record = run_once(folder, table, bundle_uri, run=start(table, bundle_uri, days=1))
    assert (record.counts.scored, record.counts.skipped) == (1, 1)


@pytest.mark.parametrize(
    ("attempts", "due"),
    [(1, "2026-01-03"), (2, "2026-01-04"), (3, "2026-01-05"), (4, "2026-01-12")],
)
def test_the_date_of_the_next_attempt_is_shown(tmp_path: Path, attempts: int, due: str) -> None:
    """A failure that may heal is retried on three days in a row, then a week later."""
    tries = [
        failed("x", attempt=number, run_date=TONIGHT + datetime.timedelta(days=number - 1))
        | {"error_kind": "missing", "scored_at": datetime.datetime(2026, 1, 1 + number, tzinfo=datetime.UTC)}
        for number in range(1, attempts + 1)
    ]
    commit(tmp_path, tries)
    uri, day = tries[0]["image_uri"], datetime.date.fromisoformat(due)
    waiting = explain(table_in(tmp_path), uri, day - datetime.timedelta(days=1), check_store=False)
    assert [row["attempt"] for row in waiting.rows] == list(range(1, attempts + 1))
    assert waiting.outlooks[0].does == "skip"
    assert f"after {attempts} attempts; the next retry is due on {due}" in waiting.outlooks[0].why
    ready = explain(table_in(tmp_path), uri, day, check_store=False)
    assert ready.outlooks[0].does == "try again" and f"attempt {attempts + 1}" in ready.outlooks[0].why


def test_a_forgotten_photograph_stays_so(scored: Path, tmp_path: Path) -> None:
    table = shutil.copytree(scored / "out", tmp_path / "out")
    Forgotten.add(layout_of(table), [f"file://{scored}/in/lesion-0000.jpg"])
    assert does(table, scored / "in" / "lesion-0000.jpg") == ("skip", "it was erased with melanoma table forget")


def test_an_unknown_photograph_is_an_error_that_does_not_repeat_its_name(
    scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(scored / "out"), "/nowhere/x.jpg"]) == 2
    err = capsys.readouterr().err
    assert "no such photograph in the score table" in err and "/nowhere" not in err
    assert main(["explain", "/nowhere/table", "/nowhere/x.jpg"]) == 2
    assert "no score table there" in capsys.readouterr().err


def test_with_offline_the_store_is_not_accessed(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = scored / "in" / "lesion-0001.jpg"
    assert main(["explain", str(scored / "out"), str(path), "--offline", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["version"] is None and document["rows"][0]["image_version"]


def lines_about(rules: dict[str, Description] | None = None, **values: object) -> list[str]:
    """Returns the text about one attempt with these columns."""
    complete = {"width": 80, "height": 60, "flag_melanoma": False, "review": False, "review_reason": None}
    found = Explanation(
        "file:///a.jpg", [{**row("a"), **complete, "error_kind": None, "ood_score": None, **values}], "v", []
    )
    return command._as_text(found, rules or {}).splitlines()


def test_a_scored_attempt_shows_class_and_probabilities() -> None:
    lines = lines_about()
    assert lines[2] == "2026-01-02 03:04 UTC  m-000000000001  attempt 1: scored"
    assert lines[3:6] == [
        "  run       20260102T030405Z-00000000",
        "  version   DOE-version-a, 80x60",
        "  class     melanocytic nevus (melanocytic nevus 0.750, melanoma 0.250)",
    ]
    assert not any(line.startswith("  notes") for line in lines)


def test_notes_say_what_a_person_should_look_at() -> None:
    lines = lines_about(flag_melanoma=True, review=True, review_reason="low_confidence", ood_score=0.987)
    assert (
        "  notes     p_melanoma is at or above the threshold of flag_melanoma; needs review: low confidence; "
        in "".join(lines)
    )


def test_what_was_kept_from_the_manifest_is_shown() -> None:
    assert "  manifest  patient_id P1; age 55" in lines_about(patient_id="P1", age=55, site=None)
    assert not any(line.startswith("  manifest") for line in lines_about())


def test_a_failed_attempt_shows_its_error_kind_and_detail() -> None:
    lines = lines_about(
        status="failed", error_kind="truncated", error="the file ends early", width=None, image_version=""
    )
    assert "  error     truncated: the file ends early" in lines
    assert "  version   (none), size unknown" in lines
    assert not any(line.startswith("  class") for line in lines)


def test_the_outlook_of_every_model_is_shown() -> None:
    outlooks = [Outlook("m-1", "skip", "this"), Outlook("m-2", "score", "that")]
    text = command._as_text(Explanation("file:///a.jpg", [], None, outlooks), {})
    assert text.endswith("The next run\n  m-1  skip: this\n  m-2  score: that")


def test_control_characters_in_a_name_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(tmp_path, [row("\x1b[2Jb")])
    assert main(["explain", str(tmp_path), row("\x1b[2Jb")["image_uri"], "--offline"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_an_image_id_shows_every_photograph_that_has_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(tmp_path, [row("a"), row("b", image_id="DOE-a"), row("c")])
    assert main(["explain", str(tmp_path), "DOE-a", "--offline"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 photographs have this id\n\nfile:///archive/DOE-a.jpg\n")
    assert "\n\nfile:///archive/DOE-b.jpg\n" in out and "DOE-c" not in out and out.count(NO_DIAGNOSIS) == 1
    assert main(["explain", str(tmp_path), "DOE-a", "--offline", "--json"]) == 0
    assert [entry["uri"][-9:] for entry in json.loads(capsys.readouterr().out)] == ["DOE-a.jpg", "DOE-b.jpg"]
    assert main(["explain", str(tmp_path), "DOE-c", "--offline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["uri"].endswith("DOE-c.jpg")


def test_a_class_that_is_not_the_most_probable_one_is_explained_in_numbers() -> None:
    found = read_description((ROOT / "bundles" / "ham10000-lite0-taught" / "bundle.json").read_bytes())
    share = dict(zip(found.slugs, found.prior, strict=True))
    lines = lines_about({"m-000000000001": found}, top_label="melanoma", p_melanoma=0.25, p_nevus=0.75)
    place = next(index for index, line in enumerate(lines) if line.startswith("  why"))
    assert "divides each probability by the share of" in lines[place]
    assert lines[place + 2 : place + 4] == [
        f"            melanoma: probability 0.250 / prior {share['melanoma']:.3f} = {0.25 / share['melanoma']:.2f}",
        f"            melanocytic nevus: probability 0.750 / prior {share['nevus']:.3f} = {0.75 / share['nevus']:.2f}",
    ]
    unknown = "\n".join(lines_about(top_label="melanoma"))
    assert "not the largest probability" in unknown and "--bundle to see the numbers" in unknown


def test_the_numbers_come_from_a_bundle_that_is_named(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load_bundle(bundle_uri)
    slugs = model.slugs
    values = {f"p_{slug}": 0.9 if slug == slugs[0] else 0.1 / (len(slugs) - 1) for slug in slugs}
    odd = {**row("a", model_id=model.model_id, top_label=slugs[1]), "p_melanoma": None, "p_nevus": None, **values}
    commit(tmp_path / "t", [odd], score_schema(slugs))
    words = ["explain", str(tmp_path / "t"), "DOE-a", "--offline"]
    assert main([*words, "--bundle", bundle_uri, "--json"]) == 0
    decision = json.loads(capsys.readouterr().out)["rows"][0]["decision"]
    assert decision["rule"] == model.decision_rule and {entry["slug"] for entry in decision["classes"]} <= set(slugs)
    assert main([*words, "--bundle", str(tmp_path / "absent")]) == 2
    assert "--bundle" in capsys.readouterr().err
    assert main(words) == 0
    assert "with --bundle to see the numbers" in capsys.readouterr().out
