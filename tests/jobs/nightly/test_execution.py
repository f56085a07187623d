"""A nightly run from its checks to its exit code, and what becomes of one that ends with an error."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from jobs.cli import main, parse
from jobs.console.sigterm import Terminated
from jobs.nightly import summary
from jobs.nightly.execution import execute
from jobs.nightly.options import NightlyOptions
from melanoma.errors import BundleError, NothingCommittedError, UsageError
from tests.helpers import fill, refusing
from tests.helpers.bundles import describe, document_of
from tests.helpers.pipeline_runs import committed


class AtFirstLine(io.StringIO):
    """Standard output that does something when the first line is printed: after the checks, before the listing."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__()
        self._action = action

    def write(self, text: str) -> int:
        if not self.getvalue():
            self._action()
        return super().write(text)


def words_for(tmp_path: Path, bundle_uri: str, *words: str) -> list[str]:
    where = ["--images", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--bundle", bundle_uri]
    note = tmp_path / "note.py"
    note.write_text(f"import sys; open({str(tmp_path / 'notes')!r}, 'a').write(sys.argv[-1] + chr(10))")
    return ["score", *where, "--notify-command", f"{sys.executable} {note}", *words]


def options(words: list[str]) -> NightlyOptions:
    return NightlyOptions.from_command_line(parse(words).args)


def test_two_models_have_a_summary_and_a_report_each(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 3)
    assert execute(options(words_for(tmp_path, bundle_uri, "--bundle", other_bundle_uri))) == 0
    lines = capsys.readouterr().out.splitlines()
    ids = [line.split()[1].rstrip(":") for line in lines if line.startswith("Run ") and ": model " in line]
    assert [line.split()[1] for line in lines if " finished in " in line] == ids and len(set(ids)) == 2
    assert {path.stem for path in (tmp_path / "out" / "_reports").glob("2*.html")} == set(ids)
    assert (tmp_path / "notes").read_text().count("OK 3 new, 3 scored") == 2
    assert committed(tmp_path / "out") == 6


def test_the_record_has_duration_and_warnings_of_the_whole_run(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    assert execute(options(words_for(tmp_path, bundle_uri, "--allow-empty"))) == 0
    warning = f"{tmp_path / 'in'}: no photograph there"
    assert f"melanoma: warning: {warning}\n" in capsys.readouterr().err
    (path,) = (tmp_path / "out" / "_reports").glob("2*.json")
    record = json.loads(path.read_text())
    assert record["warnings"] == [warning] and record["seconds"] > 0


def test_an_error_is_published_but_not_that_of_a_dry_run(tmp_path: Path, bundle_uri: str) -> None:
    words = words_for(tmp_path, bundle_uri)
    with pytest.raises(UsageError, match="check --images"):
        execute(options([*words, "--dry-run"]))
    assert not (tmp_path / "notes").exists()
    with pytest.raises(UsageError, match="check --images"):
        execute(options(words))
    assert (tmp_path / "notes").read_text().startswith(f"FAILED {tmp_path / 'in'}")


def test_a_run_that_ends_early_has_a_record_and_a_page_with_the_reason(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 2)
    bundle = shutil.copytree(bundle_uri, tmp_path / "bundle")

    def replace_bundle() -> None:
        (bundle / "card.md").write_text("# Another card\n")
        describe(bundle, document_of(bundle))

    monkeypatch.setattr(sys, "stdout", AtFirstLine(replace_bundle))
    with pytest.raises(BundleError, match="it has digest"):
        execute(options(words_for(tmp_path, str(bundle))))
    (record,) = (tmp_path / "out" / "_reports").glob("2*.json")
    document = json.loads(record.read_text())
    assert document["outcome"] == "refused" and "it has digest" in document["reason"]
    assert "it has digest" in record.with_suffix(".html").read_text()
    assert not list((tmp_path / "out" / "_active").iterdir())


def test_a_folder_that_disappears_after_the_checks_is_a_mistake(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 2)
    monkeypatch.setattr(sys, "stdout", AtFirstLine(lambda: shutil.rmtree(tmp_path / "in")))
    with pytest.raises(UsageError, match="a folder disappeared while it was being listed: "):
        execute(options(words_for(tmp_path, bundle_uri, "--dry-run")))


def test_a_store_that_fails_after_the_checks_is_a_reason_to_start_again(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 2)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between tries
    ls = refusing("/in", LocalFileSystem.ls, OSError(5, "Input/output error"))
    monkeypatch.setattr(sys, "stdout", AtFirstLine(lambda: monkeypatch.setattr(LocalFileSystem, "ls", ls)))
    with pytest.raises(NothingCommittedError, match=r"listing failed: .*; nothing was committed, start again"):
        execute(options(words_for(tmp_path, bundle_uri, "--dry-run")))


@pytest.mark.parametrize(("signal_class", "code"), [(Terminated, 3), (KeyboardInterrupt, 130)])
def test_a_stop_before_the_pipeline_says_that_nothing_was_committed(
    tmp_path: Path,
    bundle_uri: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    signal_class: type[BaseException],
    code: int,
) -> None:
    def stop() -> None:
        raise signal_class

    fill(tmp_path / "in", 2)
    monkeypatch.setattr(sys, "stdout", AtFirstLine(stop))
    assert main(words_for(tmp_path, bundle_uri)) == code
    assert capsys.readouterr().err == "melanoma: stopped: nothing was committed; run the same command again\n"


def test_a_stop_after_the_commit_does_not_say_that_nothing_was_committed(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    fill(tmp_path / "in", 2)
    monkeypatch.setattr(summary, "summary", stop)
    assert main(words_for(tmp_path, bundle_uri)) == 130
    assert "nothing was committed" not in capsys.readouterr().err and committed(tmp_path / "out") == 2


def test_the_exit_code_is_the_highest_of_all_models(tmp_path: Path, bundle_uri: str, other_bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    assert main(words_for(tmp_path, bundle_uri)) == 0
    for index in range(10):
        (tmp_path / "in" / f"broken-{index}.jpg").write_bytes(b"")
    assert main(words_for(tmp_path, bundle_uri, "--limit", "5")) == 0
    # The first model has 6 failures left, too few to count; the second has 10.
    assert main(words_for(tmp_path, bundle_uri, "--bundle", other_bundle_uri)) == 1
