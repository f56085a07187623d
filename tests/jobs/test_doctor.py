"""`melanoma doctor`: each line passes or fails with its remedy, and nothing is left behind."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from jobs.doctor import exit_code
from melanoma.operations.checks import Check, Result
from melanoma.runs import heartbeats
from melanoma.storage import filesystems
from tests.helpers import fill
from tests.helpers.outputs import layout_of


@pytest.fixture
def words(tmp_path: Path, bundle_uri: str) -> list[str]:
    fill(tmp_path / "in", 6)
    return ["doctor", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]


def printed(capsys: pytest.CaptureFixture[str], words: list[str], code: int) -> dict[str, Any]:
    """Returns the JSON document with the checks by name."""
    assert main([*words, "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    return document | {"checks": {check["name"]: check for check in document["checks"]}}


def test_a_valid_setup_passes_and_is_left_unchanged(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = printed(capsys, words, 0)
    assert {check["result"] for name, check in found["checks"].items() if name != "memory"} == {"pass"}
    assert all(set(check) == {"name", "result", "found", "remedy"} for check in found["checks"].values())
    (forecast,) = found["forecasts"]
    assert forecast["photographs"] == 6 and forecast["seconds"] > 0
    assert set(forecast) == {
        *("photographs", "seconds", "rate", "waits_for", "output_bytes", "disk_bytes", "memory_bytes")
    }
    assert not (tmp_path / "out").exists()


def test_each_check_is_a_line_and_the_last_one_is_the_forecast(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    text = capsys.readouterr().out
    names = [line[6:20].strip() for line in text.splitlines() if line.startswith(("PASS", "WARN"))]
    assert names == [
        *("versions", "machine", "other nights", "output", "reports", "listing", "bundle", "table", "race"),
        *("decoding", "network", "memory", "space"),
    ]
    assert "Forecast for 6 photographs" in text and text.endswith("This is an estimate, not a promise.\n")


def test_flags_may_come_from_a_settings_file(tmp_path: Path, words: list[str]) -> None:
    lines = [f'{words[place][2:]} = "{words[place + 1]}"' for place in (1, 3, 5)]
    (tmp_path / "night.toml").write_text("\n".join(lines))
    assert main(["doctor", "--config", str(tmp_path / "night.toml")]) == 0


def test_photographs_that_cannot_be_decoded_are_counted_by_kind_and_never_named(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "in").iterdir():
        path.write_bytes(b"")
    assert main(words) == 2
    text = capsys.readouterr().out
    assert "FAIL  decoding      0 of 6 photographs decoded; empty 6\n" in text
    assert f"{'':<20}remedy: look at some of these files" in text and "lesion" not in text


@pytest.mark.parametrize(
    ("place", "value", "check", "code"),
    [
        (2, "{tmp}/missing", "listing", 2),
        (2, "failing://{tmp}/in", "decoding", 3),
        (4, "{tmp}/in", "bundle", 2),
        (6, "{tmp}/in/lesion-0000.jpg", "output", 2),
        (6, "memory://x", "table", 2),
        (6, "nosuch://x", "output", 2),
    ],
)
def test_each_problem_fails_its_own_check_with_a_remedy(
    tmp_path: Path,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    place: int,
    value: str,
    check: str,
    code: int,
) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    words[place] = value.format(tmp=tmp_path)
    found = printed(capsys, words, code)["checks"]
    assert found[check]["result"] in ("fail", "store") and found[check]["remedy"]


@pytest.mark.parametrize(
    ("place", "value", "lines"),
    [
        (2, "{tmp}/missing", ["listing       {tmp}/missing: does not exist", "check --images for a typo"]),
        (2, "{tmp}/bare", ["listing       no photographs in {tmp}/bare", "check --images and --pattern"]),
        (4, "{tmp}/bare", ["bundle        {tmp}/bare: no bundle.json there", "check the path"]),
        (
            6,
            "{tmp}/in/lesion-0000.jpg",
            ["output        {tmp}/in/lesion-0000.jpg: is a file, not", "choose another path"],
        ),
    ],
)
def test_a_failure_names_its_place_and_says_once_what_to_do(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str], place: int, value: str, lines: list[str]
) -> None:
    (tmp_path / "bare").mkdir()
    words[place] = value.format(tmp=tmp_path)
    assert main(words) == 2
    text = capsys.readouterr().out
    found, remedy = (line.format(tmp=tmp_path) for line in lines)
    assert f"\nFAIL  {found}" in text and f"\n{'':<20}remedy: {remedy}" in text and text.count(remedy) == 1


def test_a_damaged_bundle_fails(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(words[4], tmp_path / "bundle")
    network = tmp_path / "bundle" / "model.keras"
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    words[4] = str(tmp_path / "bundle")
    assert printed(capsys, words, 2)["checks"]["bundle"]["result"] == "fail"


def test_an_active_run_is_a_warning(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with heartbeats.beating(layout_of(tmp_path / "out"), "20260101T000000Z-00000000"):
        assert printed(capsys, words, 0)["checks"]["other nights"]["result"] == "warn"


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ((), 0),
        ((Result.PASS, Result.WARN), 0),
        ((Result.STORE, Result.PASS), 3),
        ((Result.STORE, Result.FAIL), 2),
    ],
)
def test_a_permanent_failure_outweighs_a_transient_one(results: tuple[Result, ...], code: int) -> None:
    assert exit_code([Check("x", result, "found") for result in results]) == code
