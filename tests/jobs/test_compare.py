"""`melanoma compare`: two models, runs or runners on the same photographs."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jobs.cli import main
from jobs.compare import CompareOptions, add_arguments
from tests.helpers import ROOT
from tests.helpers.reports import name_model
from tests.helpers.score_tables import MODEL, OTHER_MODEL, SLUGS, scored_row, write_labels, write_table


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str, str]:
    """A model that guesses, another one that is mostly right, and labels."""
    rng = np.random.default_rng(0)
    truth = np.arange(150) % 3
    guess = rng.dirichlet(np.ones(3), 150)
    sure = 0.5 * np.eye(3)[truth] + 0.5 * guess
    old = write_table(tmp_path / "old", [scored_row(f"DOE-{i}", *guess[i]) for i in range(150)])
    new = write_table(tmp_path / "new", [scored_row(f"DOE-{i}", *sure[i], model_id=OTHER_MODEL) for i in range(150)])
    text = "image_id,dx,lesion\n" + "".join(f"DOE-{i},{SLUGS[truth[i]]},L{i // 2}\n" for i in range(150))
    return old, new, write_labels(tmp_path / "labels.csv", text)


def label_flags(file: str) -> list[str]:
    return ["--labels", file, "--id-column", "image_id", "--label-column", "dx", "--group-column", "lesion"]


def test_a_better_model_is_promoted_and_a_worse_one_is_not(
    tables: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, file = tables
    flags = [*label_flags(file), "--output", str(tmp_path / "out")]
    assert main(["compare", old, new, *flags]) == 0
    output = capsys.readouterr()
    assert "verdict            promote: balanced accuracy differs by +" in output.out
    assert "not a diagnosis" in output.out
    assert output.err == ""
    report = json.loads((tmp_path / "out" / "comparison.json").read_text())
    row = report["judged"]["figures"]["melanoma_auc"]["difference"]
    assert f"{row['value']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})" in output.out
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert f"{MODEL} against {OTHER_MODEL}" in page
    assert "DOE" not in output.out + page + json.dumps(report)
    assert main(["compare", new, old, *label_flags(file)]) == 0
    assert "verdict            do not promote: balanced accuracy is worse" in capsys.readouterr().out


def test_every_argument_is_an_option() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    flags = ["--old-model", "m-1", "--new-model", "m-2", "--old-run", "one", "--new-run", "two", "--seed", "3"]
    options = CompareOptions.from_args(parser.parse_args(["a", "b", *flags]))
    assert (options.old, options.old_model, options.old_run) == ("a", "m-1", "one")
    assert (options.new, options.new_model, options.new_run) == ("b", "m-2", "two")
    assert (options.labels, options.seed) == (None, 3)
    assert CompareOptions.from_args(parser.parse_args(["a"])).new is None


def test_without_labels_it_prints_how_far_the_predictions_differ(
    tables: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", tables[0], tables[1]]) == 0
    output = capsys.readouterr().out
    assert "on 150 photographs" in output
    assert "Cohen's kappa" in output
    assert "changes" in output
    assert "verdict" not in output


def test_a_run_on_another_runner_can_be_compared_with_the_first(
    tables: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [scored_row(f"DOE-{i}", 0.2, 0.3, 0.5) for i in range(20)]
    one, two = write_table(tmp_path / "one", rows), write_table(tmp_path / "two", rows)
    assert main(["compare", one, two]) == 0
    output = capsys.readouterr().out
    assert "same class chosen  20 of 20" in output
    assert "0 at most, 0 on average; 20 photographs identical, 20 within 1e-5" in output
    assert "changes" not in output


def test_two_runs_of_one_table_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path / "runs", [scored_row(f"DOE-{i}", 0.6, 0.3, 0.1, run_id="one") for i in range(20)])
    write_table(
        tmp_path / "runs",
        [scored_row(f"DOE-{i}", 0.6 - 0.02 * i, 0.3 + 0.02 * i, 0.1, run_id="two") for i in range(20)],
    )
    assert main(["compare", table, "--old-run", "one", "--new-run", "two"]) == 0
    output = capsys.readouterr().out
    assert "on 20 photographs" in output and "0.38 at most" in output and "1 photographs identical" in output
    assert main(["compare", table, "--old-run", "one", "--new-run", "one"]) == 2
    assert main(["compare", table, "--old-run", "one", "--new-run", "absent"]) == 2
    assert "run absent has no row of" in capsys.readouterr().err


def test_two_models_of_one_table_are_named(tables: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    table = tables[0]
    write_table(Path(table), [scored_row("DOE-0", 1, 0, 0, model_id=OTHER_MODEL)])
    assert main(["compare", table]) == 2
    assert f"{MODEL}, {OTHER_MODEL}; choose one with --old-model" in capsys.readouterr().err
    assert main(["compare", table, "--old-model", MODEL]) == 2
    assert "choose one with --new-model" in capsys.readouterr().err
    assert main(["compare", table, "--old-model", MODEL, "--new-model", OTHER_MODEL]) == 0
    output = capsys.readouterr().out
    assert f"{MODEL} (old) against {OTHER_MODEL} (new) on 1 photograph\n" in output
    name_model(table, OTHER_MODEL, "lite0")
    assert main(["compare", table, "--old-model", MODEL, "--new-model", "lite0"]) == 0
    assert f"{MODEL} (old) against lite0 ({OTHER_MODEL}) (new) on 1 photograph\n" in capsys.readouterr().out
    assert "Photographs in the old table only, left out: 149." in output


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ([], "both sides are m-000000000001 of the same table; name two models, runs or tables"),
        (["--labels", "x.csv", "--id-column", ""], "--id-column and --label-column must not be empty"),
    ],
)
def test_wrong_arguments_exit_with_2(
    tables: tuple[str, str, str], capsys: pytest.CaptureFixture[str], flags: list[str], complaint: str
) -> None:
    assert main(["compare", tables[0], *flags]) == 2
    output = capsys.readouterr()
    assert complaint in output.err
    assert len(output.err.splitlines()) == 1 and output.out == ""


def test_a_comparison_loads_no_library_for_training_or_plotting(tables: tuple[str, str, str]) -> None:
    flags = ["compare", tables[0], tables[1], *label_flags(tables[2])]
    command = [sys.executable, "-W", "error", "-X", "importtime", "-m", "jobs.cli", *flags]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert not imported & {"tensorflow", "keras", "apache_beam", "sklearn", "matplotlib", "duckdb"}
    assert [line for line in ended.stderr.splitlines() if not line.startswith("import time:")] == []
