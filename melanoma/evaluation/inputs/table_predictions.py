"""What one model of the score table says of each photograph: its newest scored row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from melanoma.errors import DataError, NothingCommittedError, UsageError
from melanoma.evaluation.inputs.predictions import Classes, Mask
from melanoma.table.schema import FAILED, PROBABILITY_PREFIX, SCORED
from melanoma.table.score_table import ScoreTable

_COLUMNS = ["image_id", "image_uri", "image_sha256", "scored_at", "status", "top_label", "flag_melanoma", "review"]


@dataclass(frozen=True)
class Answers:
    """One row for each photograph that a model has scored.

    Attributes:
        table: URI of the score table.
        version: Of the table that was read.
        model_id: Of the model.
        slugs: Of the k classes that it knows.
        image_ids: Of the n photographs, each once.
        sha256: Of their bytes, hex; empty where not recorded.
        probabilities: float32 (n, k), 0 to 1.
        top: int64 (n,), the class chosen by the decision rule.
        flagged: bool (n,); None where the model sets no flag.
        review: bool (n,); None where a row does not say.
        failed: Ids of photographs that the model failed on and never scored.
        superseded: Scored rows that a newer one of the same photograph replaces.
        ambiguous: Ids that several different photographs bear; none of these is an answer.
    """

    table: str
    version: int
    model_id: str
    slugs: tuple[str, ...]
    image_ids: tuple[str, ...]
    sha256: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]
    top: Classes
    flagged: Mask | None
    review: Mask | None
    failed: frozenset[str]
    superseded: int
    ambiguous: frozenset[str]

    def take(self, places: Sequence[int], slugs: tuple[str, ...]) -> "Answers":
        """Gives some of the photographs, in that order, with other classes; one that the model does not know gets 0.

        Args:
            places: Indices of the photographs.
            slugs: The classes, all of the model's among them.
        """
        columns = [slugs.index(slug) for slug in self.slugs]
        probabilities = np.zeros((len(places), len(slugs)), np.float32)
        probabilities[:, columns] = self.probabilities[places]
        return replace(
            self,
            slugs=slugs,
            image_ids=tuple(self.image_ids[place] for place in places),
            sha256=tuple(self.sha256[place] for place in places),
            probabilities=probabilities,
            top=np.asarray(columns, np.int64)[self.top[places]],
            flagged=None if self.flagged is None else self.flagged[places],
            review=None if self.review is None else self.review[places],
        )


def read_answers(
    table: ScoreTable, model_id: str | None = None, option: str = "--model-id", run_id: str | None = None
) -> Answers:
    """Reads the newest scored row of each photograph.

    Args:
        table: The score table.
        model_id: Whose rows; None where the table holds those of one model.
        option: That names the model, for complaints.
        run_id: Of the one run whose rows count; None for all runs.

    Raises:
        UsageError: There is no table, it holds several models and none is named, or it lacks the named one.
        DataError: The model has scored no photograph, or its rows contradict themselves.
        NothingCommittedError: The store does not answer, or a file of the table is gone.
    """
    dataset, name = table.dataset(), table.layout.name
    try:
        model_id = _chosen(dataset, name, model_id, option)
        rows = _rows(dataset, model_id, run_id)
    except (pa.ArrowException, OSError) as error:
        raise NothingCommittedError(f"{name}: the score table cannot be read ({type(error).__name__})") from None
    if run_id is not None and not rows.num_rows:
        raise UsageError(f"{name}: no row of {model_id} in run {run_id}; the view nights has the ids of the runs")
    scored = rows.filter(pc.equal(rows["status"], SCORED))
    if not scored.num_rows:
        raise DataError(f"{name}: {model_id} has scored no photograph of it; look at its error_kind column")
    newest = _newest(scored)
    named, ambiguous = _by_id(newest)
    columns = [name for name in rows.schema.names if _is_filled(scored, name)]
    slugs = tuple(name.removeprefix(PROBABILITY_PREFIX) for name in columns)
    failed = rows.filter(pc.equal(rows["status"], FAILED))["image_id"].to_pylist()
    return Answers(
        table=name,
        version=table.version or 0,
        model_id=model_id,
        slugs=slugs,
        image_ids=tuple(named["image_id"].to_pylist()),
        sha256=tuple(value or "" for value in named["image_sha256"].to_pylist()),
        probabilities=_probabilities(named, columns),
        top=_top(named, slugs),
        flagged=_flags(named, "flag_melanoma"),
        review=_flags(named, "review"),
        failed=frozenset(failed) - set(newest["image_id"].to_pylist()),
        superseded=scored.num_rows - newest.num_rows,
        ambiguous=ambiguous,
    )


def _chosen(dataset: pyarrow.dataset.Dataset, uri: str, model_id: str | None, option: str) -> str:
    there = sorted(dataset.to_table(columns=["model_id"])["model_id"].unique().to_pylist())
    if not there:
        raise DataError(f"{uri}: the score table is empty; score photographs first")
    if model_id is None and len(there) > 1:
        raise UsageError(f"{uri}: holds rows of {len(there)} models, {', '.join(there)}; name one by {option}")
    if model_id is not None and model_id not in there:
        raise UsageError(f"{uri}: no row of {option} {model_id}; there are {', '.join(there)}")
    return model_id or str(there[0])


def _rows(dataset: pyarrow.dataset.Dataset, model_id: str, run_id: str | None) -> pa.Table:
    probabilities = [name for name in dataset.schema.names if name.startswith(PROBABILITY_PREFIX)]
    wanted = pc.field("model_id") == model_id
    if run_id is not None:
        wanted &= pc.field("run_id") == run_id
    return dataset.to_table(columns=[*_COLUMNS, *probabilities], filter=wanted)


def _newest(rows: pa.Table) -> pa.Table:
    """Keeps the newest row of each URI."""
    ordered = rows.sort_by([("image_uri", "ascending"), ("scored_at", "descending")])
    return ordered.filter(_is_first(ordered["image_uri"]))


def _is_first(values: pa.ChunkedArray) -> pa.Array:
    changed = np.asarray(pc.not_equal(values.slice(1), values.slice(0, len(values) - 1)))
    return pa.array(np.append(True, changed))


def _by_id(rows: pa.Table) -> tuple[pa.Table, frozenset[str]]:
    """Keeps one row of each id; drops ids whose rows are of different bytes, for nobody knows which one is labelled."""
    contents: dict[str, set[str]] = {}
    for image_id, sha256, uri in zip(
        *(rows[name].to_pylist() for name in ("image_id", "image_sha256", "image_uri")), strict=True
    ):
        contents.setdefault(image_id, set()).add(sha256 or uri)
    clear = [image_id for image_id, found in contents.items() if len(found) == 1]
    kept = rows.filter(pc.is_in(rows["image_id"], pa.array(clear, pa.string())))
    ordered = kept.sort_by([("image_id", "ascending"), ("scored_at", "descending")])
    one_each = ordered.filter(_is_first(ordered["image_id"])) if clear else ordered
    return one_each, frozenset(contents.keys() - set(clear))


def _is_filled(rows: pa.Table, name: str) -> bool:
    return name.startswith(PROBABILITY_PREFIX) and bool(rows[name].null_count < rows.num_rows)


def _probabilities(rows: pa.Table, columns: list[str]) -> npt.NDArray[np.float32]:
    if gaps := [name for name in columns if rows[name].null_count]:
        raise DataError(f"{', '.join(gaps)} is null in some scored rows of one model; score these photographs again")
    return np.stack([rows[name].to_numpy() for name in columns], axis=1).astype(np.float32)


def _top(rows: pa.Table, slugs: tuple[str, ...]) -> Classes:
    found = pc.index_in(rows["top_label"], pa.array(slugs, pa.string()))
    if found.null_count:
        raise DataError(f"{found.null_count} rows have a top_label without a probability of its own; score them again")
    return np.asarray(found.to_numpy(), np.int64)


def _flags(rows: pa.Table, name: str) -> Mask | None:
    if rows[name].null_count or not rows.num_rows:
        return None
    return np.asarray(rows[name].to_pylist(), np.bool_)
