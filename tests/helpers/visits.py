"""A score table of lesions that were photographed on several dates in several clinics, with columns from a manifest."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import SLUGS, commit, failed, row

KEPT = pa.schema(
    [("lesion_id", pa.string()), ("patient_id", pa.string()), ("visit_date", pa.date32()), ("clinic", pa.string())]
)
START = datetime.date(2025, 1, 1)


def visit(name: str, p: float, lesion: str | None = "L1", day: int = 0, **values: Any) -> dict[str, Any]:
    """Returns the row of a photograph of a lesion.

    Args:
        name: Name of the photograph.
        p: Probability of melanoma; the rest is that of a nevus.
        lesion: Id of the lesion.
        day: Days from the first visit.
        **values: Further columns.
    """
    known = {
        "lesion_id": lesion,
        "visit_date": START + datetime.timedelta(days=day),
        "p_melanoma": p,
        "p_nevus": 1 - p,
        "top_label": SLUGS[int(p < 0.5)],
        "top_probability": max(p, 1 - p),
        "image_sha256": f"{name:>064}",
    }
    return row(name, **{**known, **values})


def write_visits(folder: Path, rows: Sequence[dict[str, Any]], kept: pa.Schema = KEPT) -> ScoreTable:
    """Commits rows with kept columns, and opens the table."""
    commit(folder, list(rows), score_schema(SLUGS, kept))
    return table_in(folder)


def many_visits(seed: int = 0, lesions: int = 120) -> list[dict[str, Any]]:
    """Draws the rows of lesions with one to three dates of one to three photographs each; some photographs failed."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for lesion in range(lesions):
        level, clinic = rng.normal(-1, 1.5), f"clinic {rng.integers(3)}"
        for day in rng.choice(400, rng.integers(1, 4), replace=False).tolist():
            for _ in range(rng.integers(1, 4)):
                name = f"{len(rows):04}"
                known = {"patient_id": f"P{lesion // 2}", "clinic": clinic, "flag_melanoma": bool(rng.random() < 0.3)}
                p = float(np.float32(1 / (1 + np.exp(-level - rng.normal(0, 0.4)))))
                rows.append(visit(name, p, f"L{lesion}", day, review=bool(rng.random() < 0.2), **known))
                if rng.random() < 0.1:
                    rows[-1] = failed(name, **{key: rows[-1][key] for key in KEPT.names})
    return rows


def scored_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Returns the scored rows for pandas, with the probabilities as the table stores them: float32."""
    frame = pd.DataFrame([found for found in rows if found["status"] == "scored"])
    for slug in SLUGS:
        frame[f"p_{slug}"] = frame[f"p_{slug}"].astype(np.float32).astype(float)
    return frame
