"""The commands in docs/: each one is a valid command line, and those that take seconds are run as written."""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from jobs.cli import COMMANDS, main, parse
from jobs.nightly.job_server_options import known_to
from melanoma.model.bundle import load_bundle
from melanoma.model.signature import Signer
from tests.helpers import ROOT, fill, photograph
from tests.helpers.score_tables import OTHER_MODEL, failed_row, scored_row, write_labels, write_table

DOCS = ROOT / "docs"


def commands(page: str) -> list[list[str]]:
    """Returns the words of every command in the sh blocks of a page, comments and environment variables left out."""
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [shlex.split(line, comments=True) for line in lines if line.strip()]
    return [[word for word in words if not re.fullmatch(r"[A-Z_]+=\S+", word)] for words in found]


SIGNING = {"openssl", "model_signing"}  # a test of its own runs these
ALL = [
    pytest.param(words, id=f"{page.stem}: {' '.join(words)[:60]}")
    for page in sorted(DOCS.rglob("*.md"))
    for words in commands(str(page.relative_to(DOCS)))
]


@pytest.mark.parametrize("words", ALL)
def test_every_command_is_a_valid_command_line(words: list[str]) -> None:
    program = words[0].rpartition("/")[2]
    if program == "melanoma":
        words = [str(ROOT / "deploy" / "night.toml") if word == "/etc/melanoma/night.toml" else word for word in words]
        if words[-1] == "...":  # an excerpt: what else a training needs
            words = [*words[:-1], "--data", "x", "--data-licence", "x", "--output", "x"]
        assert parse(words[1:]).command == words[1]
    elif program == "python":
        source = (ROOT / words[1]).read_text(encoding="utf-8")
        assert [word for word in words[2:] if word.startswith("--") and f'"{word}"' not in source] == []
    elif words[:2] != ["pip", "install"]:
        assert program in SIGNING


def of_beam() -> set[str]:
    """Returns the options that Beam and its job servers know."""
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    return {*parser._option_string_actions, *(f"--{name}" for name in known_to("PortableRunner"))}


def test_every_flag_that_the_text_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    parents = [[name] for name in COMMANDS]
    parents += [
        ["table", action] for action in ("history", "models", "promote", "delete", "compact", "vacuum", "forget")
    ]
    parents += [["bundle", action] for action in ("inspect", "verify", "import", "check")]
    for words in parents:
        with pytest.raises(SystemExit):
            main([*words, "--help"])
    known = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    known |= of_beam()
    known |= {"--certificate_chain"}  # of model-signing
    known |= {"--logdir", "--python"}  # of TensorBoard, and of uv and pipx
    known |= {"--look", "--taught-by", "--teaching", "--model-id"}  # old names, in the changelog
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        named = {
            flag for code in re.findall(r"`([^`]+)`", text) for flag in re.findall(r"(?<!\S)--[a-z][a-z_-]+", code)
        }
        assert named <= known, page


def run(words: list[str], replacements: dict[str, str]) -> None:
    """Runs a command with other paths and models, in this process."""
    for old, new in replacements.items():
        words = [word.replace(old, new) for word in words]
    assert main(words[1:]) == 0, words


@pytest.fixture
def table(tmp_path: Path) -> str:
    """A table of two models, one to promote and one to delete, over eight lesions."""
    good, bad = "m-501b05be0066", "m-bad"
    rows = [
        scored_row(f"a{n}", 0.8 - n / 10, 0.1 + n / 10, 0.1, model_id=model) for n in range(8) for model in (good, bad)
    ]
    return write_table(tmp_path / "scores", [*rows, failed_row("b", model_id=good)])


def test_a_bad_model_is_rolled_back_and_a_patient_forgotten_as_the_page_says(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uris.txt").write_text("file:///archive/a0.jpg\n", encoding="utf-8")
    found = commands("use/table.md")
    assert len(found) == 8
    for words in found:
        run(words, {"s3://results/scores": table, "400d": "36500d", "ham10000-lite0": "m-501b05be0066"})
    out = capsys.readouterr().out
    assert out.count("nothing to delete: there is no row of a run before") == 2
    assert "8 rows of m-bad would be deleted" in out and "8 rows of m-bad deleted" in out
    assert "1 photograph would be forgotten" in out and "1 photograph forgotten: 1 row" in out


def test_photographs_are_scored_as_the_page_for_operators_says(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    whole, shard = commands("use/operations.md")
    places = {"s3://archive/dermoscopy": str(tmp_path / "in"), "s3://results/scores": str(tmp_path / "out")}
    run(whole, places | {"ham10000-lite0-taught": bundle_uri})
    assert "2 listed = 2 scored" in capsys.readouterr().out
    run(shard, places | {"ham10000-lite0-taught": bundle_uri})
    assert "of other shards" in capsys.readouterr().out


def test_a_config_file_starts_a_run_as_the_page_on_schedulers_says(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    settings = (ROOT / "deploy" / "night.toml").read_text(encoding="utf-8")
    for old, new in (
        ("s3://archive/dermoscopy", f"{tmp_path}/in"),
        ("/srv/melanoma/bundles/ham10000-lite0-taught", bundle_uri),
        ("s3://results/scores", f"{tmp_path}/out"),
        ("/var/lib/node_exporter/textfile", str(tmp_path)),
    ):
        assert old in settings
        settings = settings.replace(old, new)
    (tmp_path / "night.toml").write_text(settings, encoding="utf-8")
    (words,) = (found for found in commands("use/scheduling.md") if found[0] not in SIGNING)
    run(words, {"/etc/melanoma/night.toml": str(tmp_path / "night.toml")})
    assert "2 listed = 2 scored" in capsys.readouterr().out
    assert "melanoma_ok" in (tmp_path / "melanoma.prom").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl, which makes the keys on that page")
def test_a_bundle_is_signed_as_the_page_on_schedulers_says(tmp_path: Path, bundle_uri: str) -> None:
    shutil.copytree(bundle_uri, tmp_path / "my-bundle")
    signing = [words for words in commands("use/scheduling.md") if words[0] in SIGNING]
    assert [words[0] for words in signing] == ["openssl", "openssl", "model_signing"]
    for words in signing:
        program = [sys.executable, "-m", words[0]] if words[0] == "model_signing" else words[:1]
        subprocess.run([*program, *words[1:]], cwd=tmp_path, check=True, capture_output=True)
    signer = Signer(str(tmp_path / "makers.pub"), None)
    assert load_bundle(str(tmp_path / "my-bundle"), signer=signer).digest == load_bundle(bundle_uri).digest


def test_models_are_evaluated_and_compared_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [scored_row(f"a{n}", 0.1 + n % 2 * 0.7, 0.8 - n % 2 * 0.7, 0.1) for n in range(24)]
    write_table(tmp_path / "scores", rows)
    lines = [f"a{n},{'mel' if n % 2 else 'nv'},lesion-{n},{20 + n},male,back" for n in range(24)]
    write_labels(tmp_path / "metadata.csv", "\n".join(["image_id,dx,lesion_id,age,sex,localization", *lines]))
    (tmp_path / "bundles" / "mine").mkdir(parents=True)
    (tmp_path / "bundles" / "mine" / "split.csv").write_text("image_id,group,part\na0,lesion-0,train\n")
    evaluate, compare = commands("models/evaluation.md")[:2]
    run(evaluate, {"/results": str(tmp_path)})
    write_table(tmp_path / "scores", [row | {"model_id": OTHER_MODEL} for row in rows])
    run(compare, {"/results": str(tmp_path), "m-1…": rows[0]["model_id"], "m-2…": OTHER_MODEL})
    assert "no difference shown" in capsys.readouterr().out
    assert (tmp_path / "evaluation" / "evaluation.json").exists()
    assert (tmp_path / "comparison" / "comparison.json").exists()


@pytest.mark.parametrize(("page", "number"), [("models/audit.md", 0), ("models/leakage.md", 2)])
def test_folders_are_audited_as_the_page_says(
    page: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place, part in enumerate(("train", "test", "validation")):
        folder = tmp_path / "data" / part / "nevus"
        folder.mkdir(parents=True)
        (folder / f"{part}.jpg").write_bytes(photograph(place, height=64, width=96))
    words = commands(page)[number]
    assert words[:3] == ["melanoma", "audit", "data/train"]
    run(words, {})
