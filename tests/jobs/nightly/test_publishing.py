"""Every run leaves a report, metrics and a message, and none of them names a photograph."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cli import main, parse
from jobs.nightly import publishing
from jobs.nightly.destination import Destination
from jobs.nightly.options import NightlyOptions
from melanoma.errors import UsageError
from melanoma.reporting.judging import judge_error
from melanoma.runs.records import STAGES, Counts
from melanoma.runs.timeline import Timeline
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers import fill
from tests.helpers.model_runs import commit_scores, model_run
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import rows
from tests.helpers.reports import reported


@pytest.fixture
def words(tmp_path: Path, bundle_uri: str) -> list[str]:
    for number, path in enumerate(fill(tmp_path / "in", 4)):
        path.rename(path.with_name(f"DOE-JANE-{number}{path.suffix}"))
    (tmp_path / "in" / "DOE-JANE-broken.jpg").write_bytes(b"")
    return ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]


def reports(tmp_path: Path, suffix: str = "html") -> list[Path]:
    """Returns the reports, oldest first; two runs may begin in the same second."""
    return sorted((tmp_path / "out" / "_reports").glob(f"2*.{suffix}"), key=lambda path: path.stat().st_mtime_ns)


def noting(tmp_path: Path) -> list[str]:
    """Returns the flags for a command that appends its last argument to a file."""
    script = tmp_path / "note.py"
    script.write_text(f"import sys; open({str(tmp_path / 'notes')!r}, 'a').write(sys.argv[-1] + chr(10))")
    return ["--notify-command", f"{sys.executable} {script}"]


def test_every_run_leaves_a_report_even_with_nothing_new(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0 and main(words) == 0
    committed, quiet = (path.read_text() for path in reports(tmp_path))
    assert "OK: 4 photographs scored, 1 failed" in committed
    assert "OK: nothing new among 5 photographs" in quiet
    assert (tmp_path / "out" / "_reports" / "index.html").read_text().count('<a href="2') == 2
    document = json.loads(reports(tmp_path, "json")[0].read_text())
    assert document["report"]["format"] == 1 and document["report"]["seen"]["n"] == 4
    assert document["seconds"] > 0 and set(document["stages"]) >= {"list", "read", "decode", "infer"}


def test_photographs_appear_under_pseudonyms_only(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--metrics-file", str(tmp_path / "m.prom"), "--list-suspicious", *noting(tmp_path)]) == 0
    left = [*(tmp_path / "out" / "_reports").iterdir(), tmp_path / "m.prom", tmp_path / "notes"]
    assert len(left) == 7 and not [path for path in left if b"DOE" in path.read_bytes()]
    output = capsys.readouterr()
    assert "DOE" not in output.out + output.err
    names = {row["image_uri"] for row in rows(tmp_path / "out") if row["status"] == "scored"}
    pseudonyms = Pseudonyms.of_table(layout_of(tmp_path / "out"))
    sample = json.loads(reports(tmp_path, "json")[0].read_text())["report"]["sample"]
    assert {row["photograph"] for row in sample["least_certain"]} == {pseudonyms.pseudonym(uri) for uri in names}


def test_a_profiled_run_leaves_a_picture_of_the_same_seconds_without_names(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--profile"]) == 0
    folder = tmp_path / "out" / "_reports"
    (picture,) = folder.glob("*.profile.html")
    assert str(picture) in capsys.readouterr().out
    document = json.loads((folder / f"{picture.name.split('.')[0]}.json").read_text())
    timeline = Timeline.from_json(document["timeline"], "timeline")
    for name in STAGES:
        assert timeline.seconds(name) == pytest.approx(document["stages"][name]["seconds"], abs=0.005)
    assert timeline.steps * timeline.step <= document["seconds"] + 2  # the id of a run states whole seconds
    assert all("DOE" not in path.read_text() for path in folder.iterdir())


def test_a_run_that_is_not_profiled_leaves_no_picture(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0
    assert not list((tmp_path / "out" / "_reports").glob("*.profile.html"))
    assert "timeline" not in json.loads(reports(tmp_path, "json")[0].read_text())


def test_uris_are_shown_on_request(tmp_path: Path, words: list[str]) -> None:
    assert main([*words, "--show-uris"]) == 0
    assert "DOE-JANE-0.jpg" in reports(tmp_path)[0].read_text()


def test_photographs_whose_scores_changed_most_are_in_the_report(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0
    paths = sorted((tmp_path / "in").glob("*-0*")) + sorted((tmp_path / "in").glob("*-1*"))
    first, second = paths[0].read_bytes(), paths[1].read_bytes()
    paths[0].write_bytes(second)
    assert main(words) == 0 and first != second
    (moved,) = json.loads(reports(tmp_path, "json")[1].read_text())["report"]["sample"]["most_moved"]
    assert moved["distance"] > 0
    assert moved["photograph"] == Pseudonyms.of_table(layout_of(tmp_path / "out")).pseudonym(f"file://{paths[0]}")


def test_the_message_is_one_line_for_good_and_bad_runs(tmp_path: Path, words: list[str]) -> None:
    assert main([*words, *noting(tmp_path)]) == 0
    assert main([*words, *noting(tmp_path)]) == 0
    assert main([*words, "--images", str(tmp_path / "absent"), *noting(tmp_path)]) == 2
    good, quiet, bad = (tmp_path / "notes").read_text().splitlines()
    assert good.startswith("OK 5 new, 4 scored, 1 failed (empty), ") and ", table v1. Run of " in good
    assert good.endswith(f"bundle tiny, report file://{reports(tmp_path)[0]}")
    assert quiet.startswith("OK 0 new") and bad.startswith("FAILED ") and "absent" in bad
    assert bad.endswith(f"bundle tiny, report file://{reports(tmp_path)[-1]}")


def test_a_refused_start_without_a_report_says_so(tmp_path: Path, words: list[str]) -> None:
    assert main([*words, "--images", str(tmp_path / "absent"), *noting(tmp_path)]) == 2
    assert (tmp_path / "notes").read_text().endswith("bundle tiny, no report\n") and reports(tmp_path) == []


def test_a_quiet_run_prints_its_summary_if_somebody_has_to_look_at_it(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    for number in range(10):
        (tmp_path / "in" / f"broken-{number}.jpg").write_bytes(b"")
    assert main([*words, "--quiet"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("melanoma: over budget: ") and "committed, over budget" in said.out
    assert f"report    file://{reports(tmp_path)[-1]}" in said.out


def test_metrics_keep_the_time_of_the_last_successful_run(tmp_path: Path, words: list[str]) -> None:
    metrics = ["--metrics-file", str(tmp_path / "m.prom")]
    assert main([*words, *metrics]) == 0
    before = [line for line in (tmp_path / "m.prom").read_text().splitlines() if "success" in line][-1]
    assert main([*words, "--images", str(tmp_path / "absent"), *metrics]) == 2
    after = (tmp_path / "m.prom").read_text()
    assert before in after.splitlines() and {"melanoma_ok 0", "melanoma_exit_code 2"} <= set(after.splitlines())


def test_a_message_that_cannot_be_sent_is_a_warning(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--notify-command", f"{sys.executable} -c 'raise SystemExit(4)'"]) == 0
    assert "warning: --notify-command ended with exit code 4" in capsys.readouterr().err


def test_a_command_that_does_not_exist_is_refused_before_the_run(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tmp_path / "m.prom"
    for command in ("'", "/absent/program", str(tmp_path / "in")):
        assert main([*words, "--notify-command", command, "--metrics-file", str(metrics)]) == 2
        assert "melanoma: --notify-command" in capsys.readouterr().err
        assert "melanoma_ok 0" in metrics.read_text()
    assert table_in(tmp_path / "out").version is None


def test_metrics_that_cannot_be_written_are_told_from_the_start(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main([*words, "--metrics-file", str(tmp_path / "file" / "m.prom"), *noting(tmp_path)]) == 2
    assert "lies below a file" in capsys.readouterr().err
    metrics = "/sys/melanoma/m.prom"  # nobody can create a folder there
    assert main([*words, "--metrics-file", metrics, *noting(tmp_path)]) == 0
    warning = f"--metrics-file {metrics} cannot be written: "
    assert f"melanoma: warning: {warning}" in capsys.readouterr().err
    assert warning in (tmp_path / "notes").read_text() and warning in reports(tmp_path)[0].read_text()


def test_a_report_that_cannot_be_written_costs_no_row(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "_reports" / "index.html").mkdir(parents=True)
    assert main(words) == 0
    assert "report of run" in capsys.readouterr().err
    assert table_in(tmp_path / "out").dataset().count_rows() == 5


def test_the_next_run_writes_the_page_that_a_killed_one_could_not(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0
    page = reports(tmp_path)[0]
    before = page.read_text()
    page.unlink()
    (tmp_path / "out" / "_reports" / "nights.series").write_text("{damaged")
    assert main(words) == 0
    assert page.read_text() == before
    assert (tmp_path / "out" / "_reports" / "index.html").read_text().count('<a href="2') == 2


def options_for(*words: str) -> NightlyOptions:
    return NightlyOptions.from_command_line(parse(["score", "--bundle", "b", "--output", "o", *words]).args)


def destination(*words: str) -> Destination:
    return options_for(*words).destination


def test_a_command_that_hangs_is_killed_and_is_a_warning(tmp_path: Path) -> None:
    hanging = destination("--notify-command", f"{sys.executable} -c 'import time; time.sleep(60)'")
    (warning,) = publishing.deliver([], hanging, 3, judge_error(UsageError("x")), seconds=0.2)
    assert warning == "--notify-command did not finish within 0.2 seconds and was killed"


def test_what_a_hanging_command_has_started_is_killed_with_it(tmp_path: Path) -> None:
    script = tmp_path / "notify.sh"
    script.write_text(f"sleep 300 &\necho $! > {tmp_path / 'child'}\nwait\n")
    hanging = destination("--notify-command", f"/bin/sh {script}")
    (warning,) = publishing.deliver([], hanging, 3, judge_error(UsageError("x")), seconds=2)
    assert warning.endswith("was killed")
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    for _ in range(600):
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("a process of the command is left")


def test_a_command_that_has_gone_meanwhile_is_a_warning() -> None:
    (warning,) = publishing.deliver([], destination("--notify-command", "/absent/program"), 0)
    assert warning == "--notify-command could not be run (No such file or directory)"


def test_an_error_is_published_on_one_line_without_control_characters(tmp_path: Path) -> None:
    told = destination("--metrics-file", str(tmp_path / "m.prom"), *noting(tmp_path))
    assert publishing.deliver([], told, 2, judge_error(UsageError("found \x1b[2J,\nexpected y"))) == []
    assert (tmp_path / "notes").read_text().startswith("FAILED found \ufffd[2J,\ufffdexpected y. Run of ")
    assert "melanoma_exit_code 2" in (tmp_path / "m.prom").read_text()


def test_metrics_that_cannot_be_written_at_the_end_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (warning,) = publishing.deliver([], destination("--metrics-file", str(tmp_path / "file" / "m.prom")), 2)
    assert warning.startswith("--metrics-file: ")


def test_a_report_that_fails_does_not_keep_another_from_being_written(tmp_path: Path, bundle_uri: str) -> None:
    first, second = model_run(tmp_path / "out", bundle_uri), model_run(tmp_path / "out", bundle_uri, day=3)
    records = [
        replace(commit_scores(model, {f"{model.run.run_id}-a": (0.2, 0.3, 0.5)}), counts=Counts(12, 2, 10))
        for model in (first, second)
    ]
    blocked = tmp_path / "out" / "_reports" / f"{first.run.run_id}.json"
    blocked.unlink()
    blocked.mkdir()
    runs = publishing.publish_reports([first, second], records, options_for("--max-failed", "0.9"))
    assert runs[0].content == {} and runs[1].content["is_over_budget"] is False
    (warning,) = runs[0].verdict.reasons
    assert warning.text.startswith(f"the report of run {first.run.run_id} could not be written")
    assert runs[0].record.warnings == (warning.text,) and runs[1].verdict.reasons == ()
    (run,) = publishing.publish_reports([second], records[1:], options_for("--max-failed", "0.1"))
    assert run.content["is_over_budget"] is True and run.verdict.exit_code == 1


def test_a_defect_after_the_commit_is_told_beside_the_run(tmp_path: Path) -> None:
    error = judge_error(ValueError("DOE-JANE.jpg"))
    line = publishing.message([reported()], destination(), error)
    assert line.startswith("OK 15 new") and "; FAILED a defect of melanoma (ValueError)" in line and "DOE" not in line
