"""A check-up before a night: each line passes or fails with its remedy, and nothing is left behind."""

import json
import shutil
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.operations import preflight
from melanoma.operations.forecast import forecast
from melanoma.operations.preflight import Result
from melanoma.runs import heartbeats
from tests.helpers import fill
from tests.helpers.nights import committed
from tests.helpers.outputs import layout_of


@pytest.fixture
def words(tmp_path: Path, bundle_uri: str) -> list[str]:
    fill(tmp_path / "in", 6)
    return ["doctor", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]


def results(capsys: pytest.CaptureFixture[str], words: list[str], code: int) -> dict[str, str]:
    assert main([*words, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    return {check["name"]: check["result"] for check in found["checks"]}


def test_a_sound_place_passes_and_is_left_as_it_was(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(results(capsys, words, 0).values()) == {"pass"}
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file()] if (tmp_path / "out").exists() else []
    assert left == []


def test_each_line_says_how_it_went_and_the_last_one_forecasts(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    said = capsys.readouterr().out
    names = [line[6:20].strip() for line in said.splitlines() if line.startswith("PASS")]
    wanted = (
        "versions",
        "other nights",
        "output",
        "listing",
        "bundle",
        "table",
        "decoding",
        "network",
        "memory",
        "space",
    )
    assert tuple(names) == wanted
    assert "Forecast for 6 photographs" in said and "not a promise" in said


def test_flags_come_from_the_nights_file_too(tmp_path: Path, words: list[str]) -> None:
    lines = [f'{words[place][2:]} = "{words[place + 1]}"' for place in (1, 3, 5)]
    (tmp_path / "night.toml").write_text("\n".join(lines))
    assert main(["doctor", "--config", str(tmp_path / "night.toml")]) == 0


def broken_images(folder: Path, count: int) -> None:
    for path in sorted(folder.iterdir())[:count]:
        path.write_bytes(b"")


def test_photographs_that_cannot_be_decoded_are_counted_by_kind(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    broken_images(tmp_path / "in", 2)
    assert results(capsys, words, 0)["decoding"] == "warn"
    broken_images(tmp_path / "in", 6)
    assert main(words) == 2
    said = capsys.readouterr().out
    assert "FAIL  decoding      0 of 6 photographs; empty 6" in said and "remedy:" in said and "lesion" not in said


@pytest.mark.parametrize(
    ("place", "value", "check", "code"),
    [
        (2, "{tmp}/absent", "listing", 2),
        (2, "failing://{tmp}/in", "decoding", 3),
        (4, "{tmp}/in", "bundle", 2),
        (6, "{tmp}/in/lesion-0000.jpg", "output", 2),
        (6, "memory://x", "table", 2),
    ],
)
def test_what_is_wrong_fails_on_its_own_line(
    tmp_path: Path,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    place: int,
    value: str,
    check: str,
    code: int,
) -> None:
    words[place] = value.format(tmp=tmp_path)
    found = results(capsys, words, code)
    assert found[check] in ("fail", "store"), found
    assert main(words) == code
    assert "remedy: " in capsys.readouterr().out


def test_a_damaged_bundle_fails(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(words[4], tmp_path / "bundle")
    network = tmp_path / "bundle" / "model.keras"
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    words[4] = str(tmp_path / "bundle")
    assert results(capsys, words, 2)["bundle"] == "fail"


def test_a_running_night_is_a_warning(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with heartbeats.beating(layout_of(tmp_path / "out"), "20260101T000000Z-00000000"):
        assert results(capsys, words, 0)["other nights"] == "warn"


def test_a_disk_without_room_fails(tmp_path: Path) -> None:
    assert preflight.check_space(layout_of(tmp_path / "not" / "yet"), 1e18).result is Result.FAIL
    assert preflight.check_space(layout_of(tmp_path), 1.0).result is Result.PASS
    assert preflight.check_memory(1e18).result is Result.WARN


def test_a_version_outside_the_bounds_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_version_of", lambda package: "0.0.1" if package == "keras" else None)
    found = preflight.check_versions()
    assert found.result is Result.FAIL and "keras 0.0.1" in found.found and "is missing" in found.found


def test_a_table_of_many_photographs_is_sampled_all_over(tmp_path: Path, bundle_uri: str) -> None:
    from melanoma.ingest.sources import Root

    for number in range(500):
        (tmp_path / f"{number:03}.jpg").write_bytes(b"x")
    listed = preflight.list_some([Root(str(tmp_path))])
    assert (listed.count, len(listed.refs), listed.is_all, listed.size) == (500, 50, True, 500)
    assert [ref.image_id for ref in listed.refs][::25] == ["000", "250"]


def test_a_forecast_waits_for_what_is_slowest() -> None:
    ref = ImageRef("file:///x.jpg", "v", 1, "x")
    near = [Loaded(ref, read_seconds=0.001, decode_seconds=0.02)]
    far = [Loaded(ref, read_seconds=2.0, decode_seconds=0.02)]
    quick, slow = (forecast(1000, loaded, 0.01, 1000, is_local=False) for loaded in (near, far))
    assert quick.waits_for == "decoding and the network" and slow.waits_for == "reading"
    assert slow.seconds > quick.seconds > 1000 * 0.01
    assert forecast(2000, near, 0.01, 1000, is_local=False).output_bytes == 2 * quick.output_bytes


def test_a_check_up_scores_nothing(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0
    assert committed(tmp_path / "out") == 0
