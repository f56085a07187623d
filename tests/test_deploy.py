"""The examples for schedulers name flags, files and exit codes that exist; systemd itself checks its units."""

import ast
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from jobs.cli import parse
from jobs.console import exit_codes
from melanoma.shards import Shard
from tests.helpers import ROOT

DEPLOY = ROOT / "deploy"


def test_the_settings_are_flags_of_score_and_doctor(tmp_path: Path) -> None:
    text = (DEPLOY / "night.toml").read_text()
    settings = tmp_path / "night.toml"
    settings.write_text(re.sub(r"^# (?=[a-z-]+ = )", "", text, flags=re.MULTILINE))
    flags = parse(["score", "--config", str(settings)]).args
    assert flags.bundle == ["/srv/melanoma/bundles/ham10000-lite0-taught"] and flags.max_failed == 0.05
    assert flags.notify_command == "/srv/melanoma/notify.sh"
    assert parse(["doctor", "--config", str(settings)]).args.images == flags.images


@pytest.mark.parametrize("name", ["melanoma.cron", "melanoma.service", "airflow_dag.py", "cronjob.yaml"])
def test_each_example_starts_a_run_with_its_settings(name: str) -> None:
    words = re.sub(r"[\"',\[\]]", " ", (DEPLOY / name).read_text()).split()
    place = words.index("score")
    while words[place + 1] != "--config":
        place = words.index("score", place + 1)
    assert words[place + 2] == "/etc/melanoma/night.toml"


def test_the_cron_lines_of_two_machines_score_all_photographs() -> None:
    lines = [line for line in (DEPLOY / "melanoma-shards.cron").read_text().splitlines() if line.startswith("30")]
    form = re.compile(r"30 1 \* \* \* melanoma /\S+ score --config \S+ --shard (\S+) --quiet")
    assert [Shard.parsed(form.fullmatch(line)[1]) for line in lines] == [Shard(1, 2), Shard(2, 2)]  # type: ignore[index]


def test_a_cron_line_has_five_times_a_user_and_a_command() -> None:
    (line,) = [line for line in (DEPLOY / "melanoma.cron").read_text().splitlines() if line.startswith("30")]
    assert re.fullmatch(r"30 1 \* \* \* melanoma /\S+/melanoma score --config \S+ --quiet", line)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["melanoma.service", "melanoma.timer"])
def test_systemd_accepts_the_units(tmp_path: Path, name: str) -> None:
    for unit in DEPLOY.glob("melanoma.*"):
        text = unit.read_text().replace("/srv/melanoma/.venv/bin/melanoma", "/bin/true")
        (tmp_path / unit.name).write_text(
            text.replace("User=melanoma\n", "").replace("file:/srv/melanoma/docs", "file:/tmp")
        )
    command = ["systemd-analyze", "verify", str(tmp_path / name)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and "melanoma" not in ended.stderr, ended.stderr


def test_only_exit_code_3_is_retried() -> None:
    assert exit_codes.NOTHING_COMMITTED == 3
    assert "RestartForceExitStatus=3\n" in (DEPLOY / "melanoma.service").read_text()
    dag = (DEPLOY / "airflow_dag.py").read_text()
    ast.parse(dag)
    assert "TRY_AGAIN = 3" in dag and "AirflowFailException" in dag
    cronjob = (DEPLOY / "cronjob.yaml").read_text()
    assert "values: [3]" in cronjob and "values: [0, 3]" in cronjob and "concurrencyPolicy: Forbid" in cronjob


def test_the_guide_explains_every_exit_code() -> None:
    guide = (ROOT / "docs" / "use" / "operations.md").read_text()
    codes = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", guide, re.MULTILINE)} == codes


def test_the_guide_explains_every_warning() -> None:
    guide = (ROOT / "docs" / "use" / "scheduling.md").read_text()
    said = re.findall(r"^\| `([^`]+)` \|", guide, re.MULTILINE)
    source = "\n".join(
        path.read_text()
        for folder in ("jobs", "melanoma/reporting", "melanoma/runs")
        for path in (ROOT / folder).rglob("*.py")
    )
    for warning in said:
        assert warning.split("…")[0].strip() in source, warning
    assert len(said) == 9


def test_the_image_is_installed_by_hash() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes -r requirements-stores.lock" in text
    copied = re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())


def test_the_image_of_a_cluster_is_installed_by_hash_and_made_of_pinned_versions() -> None:
    text = (DEPLOY / "cluster.Dockerfile").read_text()
    assert "--require-hashes -r requirements-stores.lock" in text and text.count("USER 9999") == 2
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert len(copied) == 6 and all((ROOT / name).exists() for line in copied for name in line.split())
    versions = tomllib.loads((ROOT / "tools" / "clusters" / "versions.toml").read_text())
    assert f"flink:{versions['pypi']['flink']['version']}-" in text
    assert f"spark:{versions['pypi']['spark']['version']}-" in text
    assert {f"-Dbeam.version={versions['maven'][engine]['beam']}" in text for engine in ("flink", "spark")} == {True}


@pytest.mark.parametrize("name", ["flink.yaml", "spark.yaml"])
def test_the_job_on_a_cluster_starts_the_way_a_run_does(name: str) -> None:
    text = (DEPLOY / name).read_text()
    found = text[text.index("                - score\n") if name == "flink.yaml" else text.index("- melanoma\n") :]
    words = re.findall(r"^                - (\S+)$", found, re.MULTILINE)
    place = words.index("score")
    assert words[place + 1 : place + 4] == ["--config", "/etc/melanoma/night.toml", "--"]
    options = words[place + 4 :]
    known = PipelineOptions(options).get_all_options(drop_default=True)
    assert known.keys() == {word.removeprefix("--").partition("=")[0] for word in options}
    assert "values: [3]" in text and "values: [0, 3]" in text and "concurrencyPolicy: Forbid" in text
    assert text.count("readOnlyRootFilesystem: true") == text.count("allowPrivilegeEscalation: false") >= 2
    assert text.count("runAsUser: 9999") >= 2 and "mountPath: /tmp" in text
