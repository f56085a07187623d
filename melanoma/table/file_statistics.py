"""What the table's log says about the values in a data file, so that readers skip files that they do not need."""

import datetime
import json
import math
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute

from melanoma.table.schema import STATISTICS_COLUMNS


class FileStatistics:
    """Number of rows of a file, and the limits and the number of nulls of some of its columns.

    Source: "Per-file Statistics" in the protocol of Delta Lake. Times are cut to milliseconds, as it demands.

    Attributes:
        rows: Number of rows.
    """

    def __init__(self) -> None:
        """Begins without rows."""
        self.rows = 0
        self._nulls = Counter[str]()
        self._least: dict[str, Any] = {}
        self._most: dict[str, Any] = {}

    def add(self, rows: pa.Table) -> None:
        """Counts further rows, which have all of `STATISTICS_COLUMNS`."""
        self.rows += rows.num_rows
        for name in STATISTICS_COLUMNS:
            self._nulls[name] += rows[name].null_count
            least, most = pa.compute.min_max(rows[name]).as_py().values()
            if least is not None and _is_finite(least):
                self._least[name] = min(self._least.get(name, least), least)
                self._most[name] = max(self._most.get(name, most), most)

    def to_json(self) -> str:
        """Returns the statistics as the log holds them."""
        return json.dumps(
            {
                "numRecords": self.rows,
                "minValues": {name: _stated(value) for name, value in self._least.items()},
                "maxValues": {name: _stated(value) for name, value in self._most.items()},
                "nullCount": {name: self._nulls[name] for name in STATISTICS_COLUMNS},
            }
        )


def _stated(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return value.isoformat() if isinstance(value, datetime.date) else value


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
