"""The photographs of a run that a person should look at: uncertain ones, and those whose scores changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from melanoma.reporting.photograph_names import PhotographNames
from melanoma.runs.run import ModelRun
from melanoma.table.schema import PROBABILITY_PREFIX, SCORED
from melanoma.table.score_table import ScoreTable

_SAMPLE_SIZE = 5
_LEAST_DISTANCE = 0.0005  # smaller ones read 0.000, and may come from rounding
MAX_COMPARED = 200_000  # rows of a run that are looked at together, and compared with earlier scores
_MELANOMA = "melanoma"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ReportOptions:
    """Options for the content of a report.

    Attributes:
        show_uris: Whether photographs appear by their URIs instead of their pseudonyms.
        list_suspicious: Whether the largest probabilities of melanoma are listed.
    """

    show_uris: bool = False
    list_suspicious: bool = False


@dataclass(frozen=True)
class ScoredRows:
    """The scored rows of one run.

    Attributes:
        rows: Columns image_uri, top_label and the probabilities, among others.
        probabilities: float64 (rows, classes), in the order of `slugs`, 0 to 1.
        slugs: Slugs of the classes.
    """

    rows: pa.Table
    probabilities: npt.NDArray[np.float64]
    slugs: Sequence[str]

    def uri(self, row: int) -> str:
        """Returns the URI of the photograph in a row."""
        return str(self.rows["image_uri"][row].as_py())

    def top_label(self, row: int) -> str:
        """Returns the slug of the predicted class in a row."""
        return str(self.rows["top_label"][row].as_py())


class _Moved(NamedTuple):
    """A photograph that the same model scored before, and how far its probabilities moved."""

    distance: float
    uri: str
    before: str
    now: str


def quality_sample(
    table: ScoreTable,
    model: ModelRun,
    scored: ScoredRows,
    options: ReportOptions,
    shown: PhotographNames,
    *,
    is_whole: bool = True,
) -> dict[str, Rows]:
    """Chooses the photographs for the report.

    Args:
        table: The score table after the run.
        model: The model that ran.
        scored: Rows that the model scored in this run.
        options: Options for the content of the report.
        shown: Names of photographs in the report.
        is_whole: Whether these are all rows of the run; only then they are compared with earlier scores.

    Returns:
        JSON values: `least_certain` and `most_moved`, and `suspicious` if the options ask for it.
    """
    sample = {
        "least_certain": _least_certain(shown, scored),
        "most_moved": _most_moved(shown, scored, _scores_before(table, model, scored) if is_whole else {}),
    }
    if options.list_suspicious and _MELANOMA in scored.slugs:
        sample["suspicious"] = _suspicious(shown, scored)
    return sample


def merged_samples(parts: Sequence[dict[str, Rows]]) -> dict[str, Rows]:
    """Chooses from what `quality_sample` returned for the parts of a run, at least one, what it returns for the run."""
    if len(parts) == 1:
        return parts[0]
    rows = {name: [row for part in parts for row in part[name]] for name in parts[0]}
    orders = {"least_certain": ("margin", 1), "most_moved": ("distance", -1), "suspicious": ("p_melanoma", -1)}
    for name, found in rows.items():
        column, sign = orders[name]
        rows[name] = sorted(found, key=lambda row: sign * row[column])[: max(len(part[name]) for part in parts)]
    return rows


def _least_certain(names: PhotographNames, scored: ScoredRows) -> Rows:
    if not len(scored.probabilities):
        return []
    top_two = np.sort(scored.probabilities, axis=1)[:, -2:]
    margin = top_two[:, 1] - top_two[:, 0]
    return [
        {"photograph": names.of(scored.uri(row)), "margin": float(margin[row]), "top_label": scored.top_label(row)}
        for row in np.argsort(margin, kind="stable")[:_SAMPLE_SIZE].tolist()
    ]


def _scores_before(table: ScoreTable, model: ModelRun, scored: ScoredRows) -> dict[str, dict[str, Any]]:
    """Returns the newest earlier row of the same model for each photograph that has one, by URI."""
    if not scored.rows.num_rows:
        return {}
    columns = ["image_uri", "run_id", "top_label", *_columns(scored.slugs)]
    wanted = pa.compute.field("image_uri").isin(scored.rows["image_uri"].combine_chunks())
    wanted &= pa.compute.field("run_id") < model.run.run_id
    before = table.rows(columns, wanted, model_id=model.run.model_id, status=SCORED)
    return {row["image_uri"]: row for row in before.sort_by("run_id").to_pylist()}


def _most_moved(names: PhotographNames, scored: ScoredRows, before: dict[str, dict[str, Any]]) -> Rows:
    """Finds the photographs whose probabilities are farthest from those of the same model before."""
    if not before:
        return []
    moved = []
    for row, uri in enumerate(scored.rows["image_uri"].to_pylist()):
        if uri in before:
            old = np.array([before[uri][name] for name in _columns(scored.slugs)], np.float64)
            # Total variation distance: the share of the probability that went to other classes.
            distance = 0.5 * float(np.abs(old - scored.probabilities[row]).sum())
            if distance >= _LEAST_DISTANCE:
                moved.append(_Moved(distance, uri, before[uri]["top_label"], scored.top_label(row)))
    moved.sort(key=lambda one: (-one.distance, one.uri))
    return [
        {"photograph": names.of(one.uri), "distance": one.distance, "from": one.before, "to": one.now}
        for one in moved[:_SAMPLE_SIZE]
    ]


def _suspicious(names: PhotographNames, scored: ScoredRows) -> Rows:
    values = scored.probabilities[:, list(scored.slugs).index(_MELANOMA)]
    return [
        {"photograph": names.of(scored.uri(row)), "p_melanoma": float(values[row])}
        for row in np.argsort(-values, kind="stable")[: 2 * _SAMPLE_SIZE].tolist()
    ]


def _columns(slugs: Sequence[str]) -> list[str]:
    return [f"{PROBABILITY_PREFIX}{slug}" for slug in slugs]
