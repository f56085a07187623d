"""The names under the output folder: they are a format, which other programs and earlier versions rely on."""

import pickle
import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of
from tests.helpers.score_rows import commit, row

RUN, FINGERPRINT = "20260102T030405Z-00000000", "f00d"
LAYOUT = OutputLayout.at("/out/scores")


def relative(uri: str) -> str:
    assert uri.startswith(f"{LAYOUT.root}/")
    return uri.removeprefix(f"{LAYOUT.root}/")


def test_every_file_has_its_promised_name() -> None:
    promised = {
        LAYOUT.log: "_delta_log",
        LAYOUT.staging: "_staging",
        LAYOUT.staging_of(FINGERPRINT): "_staging/f00d",
        LAYOUT.staging_of_run(FINGERPRINT, RUN): f"_staging/f00d/{RUN}",
        LAYOUT.chunk(FINGERPRINT, RUN, 7): f"_staging/f00d/{RUN}/000007.arrow",
        LAYOUT.chunk(FINGERPRINT, RUN, 1234567): f"_staging/f00d/{RUN}/1234567.arrow",
        LAYOUT.announcement(FINGERPRINT, RUN): f"_staging/f00d/{RUN}/images.txt",
        LAYOUT.failure(FINGERPRINT, RUN): f"_staging/f00d/{RUN}/failure.json",
        LAYOUT.deferred(FINGERPRINT): "_staging/f00d/leftovers",
        LAYOUT.reports: "_reports",
        LAYOUT.record(RUN): f"_reports/{RUN}.json",
        LAYOUT.report(RUN): f"_reports/{RUN}.html",
        LAYOUT.index: "_reports/index.html",
        LAYOUT.series: "_reports/nights.series",
        LAYOUT.private: "_private",
        LAYOUT.key: "_private/key",
        LAYOUT.staging_key: "_private/staging_key",
        LAYOUT.forgotten: "_private/forgotten",
        LAYOUT.active: "_active",
        LAYOUT.corrections: "_corrections/values.parquet",
        LAYOUT.heartbeat(RUN): f"_active/{RUN}.json",
        LAYOUT.data_file("model_id=m-1/part-0.parquet"): "model_id=m-1/part-0.parquet",
    }
    for uri, name in promised.items():
        assert relative(uri) == name


def test_every_public_uri_is_covered_by_the_promise() -> None:
    """A property that is added to the layout must be added to the list above."""
    properties = {name for name, value in vars(OutputLayout).items() if isinstance(value, property)}
    assert properties == {
        "log",
        "private",
        "staging",
        "reports",
        "index",
        "series",
        "key",
        "forgotten",
        "active",
        "corrections",
        "staging_key",
    }


def test_probes_and_trials_have_names_of_their_own_every_time() -> None:
    assert re.fullmatch(r"_staging/probe-[0-9a-f]{8}", relative(LAYOUT.probe()))
    assert LAYOUT.probe() != LAYOUT.probe()
    trial = LAYOUT.trial()
    assert re.fullmatch(r"_doctor_[0-9a-f]{8}", relative(trial.root))
    assert trial.name == f"/out/scores/{relative(trial.root)}" and trial != LAYOUT.trial()
    assert trial.record(RUN) == f"{trial.root}/_reports/{RUN}.json"


@pytest.mark.parametrize(
    "name",
    [
        "_delta_log/00000000000000000000.json",
        "_staging/f00d/leftovers",
        "_reports/index.html",
        "_private/key",
        "_active/x.json",
        "model_id=m-1/part-0.parquet",
        "model_id=m-1/lesion.jpg",
        "_staging/deep/er/lesion.jpg",
    ],
)
def test_files_of_the_table_and_its_runs_are_its_own(name: str) -> None:
    assert LAYOUT.is_own(f"{LAYOUT.root}/{name}")


@pytest.mark.parametrize(
    "uri",
    [
        "file:///out/scores/lesion.jpg",
        "file:///out/scores/_staging.jpg",
        "file:///out/scores/sub/_reports/lesion.jpg",
        "file:///out/scores/my_model_id=1/lesion.jpg",
        "file:///out/scores2/_reports/lesion.jpg",
        "file:///elsewhere/_delta_log/lesion.jpg",
        "s3:///out/scores/_staging/lesion.jpg",
    ],
)
def test_photographs_beside_and_below_the_table_are_not_its_own(uri: str) -> None:
    assert not LAYOUT.is_own(uri)


def test_everything_that_a_commit_writes_is_its_own(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 3
    assert all(layout_of(tmp_path).is_own(f"file://{path}") for path in written)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model_id=m-1/part-0.parquet", True),
        ("model_id=m-1/deep/part-0.parquet", False),
        ("model_id=m-1/part-0.parquet.crc", False),
        ("model_id=m-1/lesion.jpg", False),
        ("model_id=/part-0.parquet", False),
        ("export.parquet", False),
        ("export/part-0.parquet", False),
        ("sub/model_id=m-1/part-0.parquet", False),
    ],
)
def test_data_files_are_recognised_by_name(name: str, expected: bool) -> None:
    assert LAYOUT.is_data_file(name) is expected


def test_staged_files_and_records_are_recognised_by_name() -> None:
    assert LAYOUT.is_chunk(LAYOUT.chunk(FINGERPRINT, RUN, 1)) and not LAYOUT.is_chunk(LAYOUT.deferred(FINGERPRINT))
    assert LAYOUT.is_deferred(LAYOUT.deferred(FINGERPRINT))
    assert not LAYOUT.is_deferred(LAYOUT.chunk(FINGERPRINT, RUN, 1))
    assert LAYOUT.recorded_run(LAYOUT.record(RUN)) == RUN
    for uri in (LAYOUT.report(RUN), LAYOUT.index, LAYOUT.series):
        assert LAYOUT.recorded_run(uri) is None


def test_spellings_of_one_folder_are_one_layout_with_the_users_name(tmp_path: Path) -> None:
    plain, as_uri = layout_of(tmp_path / "out"), layout_of(f"file://{tmp_path}/x/../out/")
    assert plain == as_uri and hash(plain) == hash(as_uri) and len({plain, as_uri}) == 1
    assert plain.root == as_uri.root == f"file://{tmp_path}/out"
    assert (str(plain), str(as_uri)) == (f"{tmp_path}/out", f"file://{tmp_path}/x/../out/")
    assert plain != layout_of(tmp_path / "other")


def test_a_layout_survives_pickling_also_after_its_use() -> None:
    fresh = pickle.loads(pickle.dumps(LAYOUT))
    assert LAYOUT.is_own(LAYOUT.key)
    used = pickle.loads(pickle.dumps(LAYOUT))
    for copy in (fresh, used):
        assert copy == LAYOUT and copy.name == LAYOUT.name and copy.is_own(LAYOUT.key)


def test_a_layout_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        LAYOUT.root = "file:///elsewhere"  # type: ignore[misc]


def test_a_folder_that_delta_lake_cannot_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose another --output"):
        ScoreTable.open(layout_of(tmp_path / "res%20x"))


@pytest.mark.parametrize("name", ["../../victims", "..", ".", "", "a/b", "a\\b", "a\nb", "a\x00", "x" * 256])
def test_no_path_is_built_from_a_name_that_leads_elsewhere(name: str) -> None:
    with pytest.raises(UsageError, match=r"/out/scores: .* cannot be the name of a file there") as caught:
        LAYOUT.staging_of_run(FINGERPRINT, name)
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError):
        LAYOUT.data_file(f"model_id=m-1/../{name}")


@pytest.mark.parametrize(
    "name", ["a.json", "index.html", f"{RUN}.html", f"{RUN}", "20269902T030405Z-00000000.json", f"{RUN}.json.json"]
)
def test_only_a_file_with_the_id_of_a_run_is_its_record(name: str) -> None:
    assert LAYOUT.recorded_run(f"{LAYOUT.reports}/{name}") is None
    assert LAYOUT.recorded_run(f"{LAYOUT.reports}/{RUN}.json") == RUN
