"""`melanoma evaluate`: a table, a label file, metrics."""

import argparse
import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import recall_score

from jobs.cli import main
from jobs.evaluate import EvaluateOptions, add_arguments
from melanoma.labels import slug_of
from tests.helpers import ROOT
from tests.helpers.reports import name_model
from tests.helpers.score_tables import MODEL, OTHER_MODEL, SLUGS, scored_row, write_labels, write_table

NAMES = ["--id-column", "image_id", "--label-column", "dx"]


@pytest.fixture
def evaluated(tmp_path: Path) -> tuple[str, str]:
    """A table of ninety photographs, most of them right, and their labels."""
    rng = np.random.default_rng(0)
    truth = np.arange(90) % 3
    p = 0.4 * np.eye(3)[truth] + 0.6 * rng.dirichlet(np.ones(3), 90)
    table = write_table(tmp_path / "scores", [scored_row(f"DOE-{i}", *p[i]) for i in range(90)])
    lines = [f"DOE-{i},{SLUGS[truth[i]]},L{i // 2},{'mf'[i % 2]}\n" for i in range(90)]
    return table, write_labels(tmp_path / "labels.csv", "image_id,dx,lesion,sex\n" + "".join(lines))


def test_metrics_are_printed_and_written(
    evaluated: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, file = evaluated
    flags = ["--group-column", "lesion", "--by", "sex", "--output", str(tmp_path / "out")]
    assert main(["evaluate", table, "--labels", file, *NAMES, *flags]) == 0
    output = capsys.readouterr()
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    value = report["balanced_accuracy"]
    assert f"{MODEL}: 90 photographs of 45 lesions or patients" in output.out
    assert f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})" in output.out
    assert "not a diagnosis" in output.out
    assert f"file://{tmp_path}/out/evaluation.html" in output.out
    assert output.err == ""
    assert "DOE" not in output.out + (tmp_path / "out" / "evaluation.json").read_text()
    assert list(report["subgroups"]["sex"]) == ["f", "m"]
    assert (report["data"]["judged"], report["data"]["group_column"]) == (90, "lesion")
    assert MODEL in (tmp_path / "out" / "evaluation.html").read_text()


def test_subgroup_columns_are_named_once_whatever_their_blanks() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    labels = ["--labels", "x.csv", *NAMES]
    options = EvaluateOptions.from_args(parser.parse_args(["scores", *labels, "--by", " sex,age ,,sex,"]))
    assert (options.table, options.by, options.model) == ("scores", ("sex", "age"), None)
    assert EvaluateOptions.from_args(parser.parse_args(["scores", *labels])).by == ()


def test_without_an_output_nothing_is_written(
    evaluated: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES]) == 0
    assert "report" not in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_a_seed_repeats_the_intervals(evaluated: tuple[str, str], tmp_path: Path) -> None:
    reports = []
    for seed in ("7", "7", "8"):
        flags = ["--seed", seed, "--output", str(tmp_path / "out")]
        assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES, *flags]) == 0
        reports.append(json.loads((tmp_path / "out" / "evaluation.json").read_text()))
    assert reports[0] == reports[1]
    assert reports[0]["balanced_accuracy"]["low"] != reports[2]["balanced_accuracy"]["low"]


def test_training_photographs_are_left_out(
    evaluated: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = write_labels(tmp_path / "split.csv", "image_id,group,part\nDOE-0,L0,train\nDOE-9,L4,test\n")
    flags = ["--group-column", "lesion", "--trained-on", split]
    assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES, *flags]) == 0
    output = capsys.readouterr().out
    assert f"{MODEL}: 88 photographs of 44 lesions" in output
    assert f"left out: 2, according to {split}." in output


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (
            ["--label-column", "diagnosis"],
            "no column 'diagnosis', expected one; it has 4 columns, among them image_id, dx, lesion, sex",
        ),
        (["--by", "skin"], "no column 'skin'"),
        (["--by", "lesion"], "--by lesion: 45 different values, at most 40"),
        (["--model", OTHER_MODEL], f"no rows of --model {OTHER_MODEL}; the table has {MODEL}"),
        (["--labels", "absent.csv"], "absent.csv"),
        (["--trained-on", "absent.csv"], "--trained-on absent.csv"),
        (["--id-column", "lesion"], "ids in"),
        (["--seed", "-1"], "'-1' is not a whole number of at least 0"),
    ],
)
def test_wrong_arguments_exit_with_2_in_one_line(
    evaluated: tuple[str, str], capsys: pytest.CaptureFixture[str], flags: list[str], complaint: str
) -> None:
    assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES, *flags]) == 2
    output = capsys.readouterr()
    assert output.err.startswith("melanoma: ") and complaint in output.err
    assert len(output.err.splitlines()) == 1 and output.out == ""
    assert "DOE" not in output.err


def test_one_of_several_models_must_be_named(evaluated: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    write_table(Path(evaluated[0]), [scored_row("DOE-0", 1, 0, 0, model_id=OTHER_MODEL)])
    assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES]) == 2
    assert f"{MODEL}, {OTHER_MODEL}; choose one with --model" in capsys.readouterr().err
    assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES, "--model-id", OTHER_MODEL]) == 0
    assert f"{OTHER_MODEL}: 1 photograph of" in capsys.readouterr().out
    name_model(evaluated[0], OTHER_MODEL, "lite0")
    assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES, "--model", "lite0"]) == 0
    assert f"lite0 ({OTHER_MODEL}): 1 photograph of" in capsys.readouterr().out


def test_names_from_files_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path / "scores", [scored_row("a", 1, 0, 0), scored_row("b", 0, 1, 0)])
    file = write_labels(tmp_path / "labels.csv", "image_id,dx,\x1b[2Jlesion\na,mel,L1\nb,nv,L2\n")
    assert main(["evaluate", table, "--labels", file, *NAMES, "--group-column", "\x1b[2Jlesion"]) == 0
    out = capsys.readouterr().out
    assert "same \N{REPLACEMENT CHARACTER}[2Jlesion were kept together" in out
    assert "\x1b" not in out


def test_an_evaluation_loads_no_library_for_training_or_plotting(evaluated: tuple[str, str], tmp_path: Path) -> None:
    flags = ["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES, "--output", str(tmp_path / "out")]
    command = [sys.executable, "-W", "error", "-X", "importtime", "-m", "jobs.cli", *flags]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "deltalake" in imported
    assert not imported & {"tensorflow", "keras", "apache_beam", "sklearn", "matplotlib", "duckdb"}
    assert [line for line in ended.stderr.splitlines() if not line.startswith("import time:")] == []


def test_real_metadata_is_evaluated(data: Path, tmp_path: Path) -> None:
    """HAM10000's own file, on a model that knows four of its seven classes and scored every third photograph."""
    metadata = data / "ham10000" / "metadata.csv"
    with metadata.open(newline="") as file:
        rows = list(csv.DictReader(file))
    scored = rows[::3]
    rng = np.random.default_rng(0)
    slugs = ("melanoma", "nevus", "basal_cell_carcinoma", "actinic_keratosis", "squamous_cell_carcinoma")
    truth = [slugs.index(slug) if (slug := slug_of(row["dx"])) in slugs else 4 for row in scored]
    p = 0.4 * np.eye(5)[truth] + 0.6 * rng.dirichlet(np.ones(5), len(scored))
    table_rows = [scored_row(row["image_id"], *map(float, p[i]), slugs=slugs) for i, row in enumerate(scored)]
    table = write_table(tmp_path / "scores", table_rows, slugs)
    flags = [*NAMES, "--group-column", "lesion_id", "--by", "age,sex,localization", "--output", str(tmp_path / "out")]
    assert main(["evaluate", table, "--labels", str(metadata), *flags]) == 0
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    known = [i for i, row in enumerate(scored) if slug_of(row["dx"]) in slugs]
    assert report["n"] == len(known) > 2500
    assert report["groups"] == len({scored[i]["lesion_id"] for i in known})
    expected = recall_score([truth[i] for i in known], p.argmax(axis=1)[known], labels=range(4), average="macro")
    assert report["balanced_accuracy"]["value"] == pytest.approx(expected)
    unknown = Counter(slug for row in scored if (slug := slug_of(row["dx"])) not in slugs)
    assert set(unknown) == {"benign_keratosis", "vascular_lesion", "dermatofibroma"}
    assert report["data"]["classes_unknown_to_model"] == unknown
    assert report["data"]["classes_without_label"] == ["squamous_cell_carcinoma"]
    assert (report["data"]["labelled"], report["data"]["labels_without_photograph"]) == (10015, 10015 - len(scored))
    assert set(report["subgroups"]["age"]) == {"0-29", "30-44", "45-59", "60-74", "75+", "unknown"}
    assert sum(group["n"] for group in report["subgroups"]["localization"].values()) == len(known)


def test_another_hospital_stands_beside_the_labels(
    evaluated: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, file = evaluated
    rows = [f"pictures/NORTH-{i}.jpg,{SLUGS[i % 2]},P{i // 2}\n" for i in range(40)]
    north = write_labels(tmp_path / "north.csv", "file,class,patient\n" + "".join(rows))
    p = [(0.7, 0.2, 0.1) if i % 4 else (0.1, 0.2, 0.7) for i in range(40)]
    write_table(Path(table), [scored_row(f"NORTH-{i}", *p[i]) for i in range(40)])
    split = write_labels(tmp_path / "split.csv", "image_id,group,part\nNORTH-0,P0,test\nDOE-0,L0,train\n")
    columns = ["--external-id-column", "file", "--external-label-column", "class", "--external-group-column", "patient"]
    flags = ["--trained-on", split, "--external", north, *columns, "--output", str(tmp_path / "out")]
    assert main(["evaluate", table, "--labels", file, *NAMES, *flags]) == 0
    output = capsys.readouterr().out
    (part,) = json.loads((tmp_path / "out" / "evaluation.json").read_text())["external"]
    assert (part["source"], part["n"], part["data"]["photographs_trained_on"]) == ("north", 38, 2)
    truth = np.array([i % 2 for i in range(2, 40)])
    top = np.array([0 if i % 4 else 2 for i in range(2, 40)])
    assert part["balanced_accuracy"]["value"] == pytest.approx(np.mean([(top == c)[truth == c].mean() for c in (0, 1)]))
    assert "At other hospitals" in output and "external: north" in output and "NORTH" not in output
    assert "external: north" in (tmp_path / "out" / "evaluation.html").read_text()


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--external-id-column", "file"], "--external-id-column and the like go with --external"),
        (["--external", "absent.csv"], "--external absent.csv"),
        (["--training-photographs", "x"], "--training-photographs goes with --external and --trained-on"),
    ],
)
def test_flags_of_other_hospitals_go_together(
    evaluated: tuple[str, str], capsys: pytest.CaptureFixture[str], flags: list[str], complaint: str
) -> None:
    assert main(["evaluate", evaluated[0], "--labels", evaluated[1], *NAMES, *flags]) == 2
    output = capsys.readouterr()
    assert complaint in output.err and output.out == ""
