"""The newest results are those that were committed last, even if a clock was two days fast."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.cli import main
from jobs.nightly.clock import clock_behind, clock_warnings
from melanoma.queries.views import query
from tests.helpers import fill, photograph
from tests.helpers.outputs import table_in
from tests.helpers.pipeline_runs import run_once, start

NOW = datetime.datetime(2026, 3, 4, 5, 6, tzinfo=datetime.UTC)
TWO_DAYS = datetime.timedelta(days=2)


@pytest.mark.parametrize(
    ("newest", "behind"),
    [
        (None, datetime.timedelta(0)),
        (NOW - TWO_DAYS, datetime.timedelta(0)),
        (NOW + TWO_DAYS, TWO_DAYS),
    ],
)
def test_a_clock_is_behind_where_the_table_has_later_rows(
    newest: datetime.datetime | None, behind: datetime.timedelta
) -> None:
    assert clock_behind(newest, NOW) == behind


def test_only_a_difference_that_is_not_usual_is_told() -> None:
    assert clock_warnings(datetime.timedelta(minutes=2)) == ()
    (warning,) = clock_warnings(TWO_DAYS)
    assert "48.0 hours ahead of this machine's clock" in warning


def test_latest_follows_the_commits_and_not_the_clock(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output, (path, other) = tmp_path / "out", fill(tmp_path / "in", 2)
    run_once(tmp_path / "in", output, bundle_uri, replace(start(output, bundle_uri), clock_behind=TWO_DAYS))
    path.write_bytes(photograph(seed=77))
    other.unlink()
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(output)]
    assert main(words) == 0
    assert "hours ahead of this machine's clock" in capsys.readouterr().err
    newest = {row["image_id"]: row for row in query(table_in(output), "FROM latest").to_pylist()}
    runs = {row["run_id"] for row in table_in(output).dataset().to_table().to_pylist()}
    assert newest[path.stem]["run_id"] == max(runs) != newest[other.stem]["run_id"]
    times = [newest[stem]["scored_at"] for stem in (other.stem, path.stem)]
    assert times[0] < times[1] < times[0] + datetime.timedelta(hours=1)


def test_the_version_before_a_run_with_a_wrong_clock_can_be_restored(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the documentation says: the photographs of later runs are scored again, and nothing warns any more."""
    output, seventy_years = tmp_path / "out", datetime.timedelta(days=25_600)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(output)]
    fill(tmp_path / "in", 1)
    assert main(words) == 0
    fill(tmp_path / "in", 1, first=1)
    run_once(tmp_path / "in", output, bundle_uri, replace(start(output, bundle_uri), clock_behind=seventy_years))
    assert main(words) == 0
    assert "hours ahead of this machine's clock" in capsys.readouterr().err
    DeltaTable(str(output)).restore(1)
    assert main(words) == 0
    assert "ahead of this machine's clock" not in capsys.readouterr().err
    rows = table_in(output).rows(["image_id", "scored_at"]).to_pylist()
    assert len(rows) == len({row["image_id"] for row in rows}) == 2
    assert all(row["scored_at"] < datetime.datetime.now(datetime.UTC) for row in rows)
