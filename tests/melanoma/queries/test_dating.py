"""How views date photographs: by a kept column of dates, or else by the run that scored them."""

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.queries import views
from melanoma.table.score_table import ScoreTable
from tests.helpers.score_rows import row
from tests.helpers.visits import write_visits


def only_lesion(table: ScoreTable, **roles: str) -> dict[str, Any]:
    (lesion,) = views.query(table, "FROM lesions", views.Additions(roles=roles)).to_pylist()
    return dict(lesion)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (pa.string(), ["2025-03-01", "2024-12-31 23:59:59", "unknown", None]),
        (pa.date32(), [datetime.date(2025, 3, 1), datetime.date(2024, 12, 31), None, None]),
        (pa.timestamp("us"), [datetime.datetime(2025, 3, 1), datetime.datetime(2024, 12, 31, 23, 59), None, None]),
        (
            pa.timestamp("us", "UTC"),
            [*(pd.Timestamp(when, tz="UTC") for when in ("2025-03-01T00:30", "2024-12-31T23:30")), None, None],
        ),
    ],
)
def test_dates_may_be_text_dates_or_times_in_utc(tmp_path: Path, type_: pa.DataType, values: list[Any]) -> None:
    kept = pa.schema([("lesion_id", pa.string()), ("taken", type_)])
    rows = [row(f"{number}", lesion_id="L1", taken=value) for number, value in enumerate(values)]
    only = only_lesion(write_visits(tmp_path, rows, kept), date="taken")
    assert (only["first_date"], only["last_date"]) == (datetime.date(2024, 12, 31), datetime.date(2025, 3, 1))
    assert (only["newest_image_id"], only["dated_by"], only["photographs"]) == ("DOE-0", "taken", 4)


def test_without_dates_of_visits_the_runs_date_the_photographs(tmp_path: Path) -> None:
    kept = pa.schema([("lesion_id", pa.string()), ("age", pa.int64())])
    table = write_visits(tmp_path, [row("a", lesion_id="L1", age=50)], kept)
    only = only_lesion(table)
    assert (only["first_date"], only["dated_by"]) == (datetime.date(2026, 1, 2), "scored_at")
    with pytest.raises(UsageError, match="the column age holds int64; name a column of dates"):
        only_lesion(table, date="age")
    with pytest.raises(UsageError, match=r"view lesions needs the column 'taken', .* --date-column"):
        only_lesion(table, date="taken")
