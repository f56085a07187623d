"""Predictions of one model from the score table: the newest scored row of each photograph."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from melanoma.errors import DataError, NothingCommittedError, UsageError
from melanoma.evaluation.inputs.newest_rows import newest_by_uri, one_row_each
from melanoma.evaluation.inputs.predictions import Classes, Mask
from melanoma.table.corrections import Corrections
from melanoma.table.model_names import ModelNames, shown
from melanoma.table.schema import FAILED, PROBABILITY_PREFIX, SCORED
from melanoma.table.score_table import ScoreTable
from melanoma.wording import counted

_COLUMNS = ["image_id", "image_uri", "image_sha256", "scored_at", "status", "top_label", "flag_melanoma", "review"]


@dataclass(frozen=True)
class TablePredictions:
    """Predictions of one model for the n photographs that it has scored.

    Attributes:
        table: URI of the score table.
        version: Version of the table that was read.
        model_id: The model.
        slugs: The k classes that it knows.
        image_ids: Ids of the photographs, each once.
        sha256: SHA-256 of their bytes, hex; empty where not recorded.
        probabilities: float32 (n, k), 0 to 1.
        top: int64 (n,), the class chosen by the decision rule.
        flagged: bool (n,), `flag_melanoma`; None if any row has no value.
        review: bool (n,), `review`; None if any row has no value.
        failed: Ids of photographs that the model failed on and never scored.
        superseded: Number of scored rows that a newer row of the same photograph replaces.
        ambiguous: Ids that photographs of different content share; they have no prediction here.
        model_name: Name of the model; empty if it is unknown.
        image_uris: URIs of the photographs; empty if they are not known.
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
    model_name: str = ""
    image_uris: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model for people: its name and id."""
        return shown(self.model_id, self.model_name)

    def take(self, places: Sequence[int], slugs: tuple[str, ...]) -> "TablePredictions":
        """Returns some of the photographs in a given order, over a larger set of classes.

        Args:
            places: Indices of the photographs.
            slugs: The classes, including all of the model's; a class that the model does not know has probability 0.
        """
        columns = [slugs.index(slug) for slug in self.slugs]
        probabilities = np.zeros((len(places), len(slugs)), np.float32)
        probabilities[:, columns] = self.probabilities[places]
        return replace(
            self,
            slugs=slugs,
            image_ids=tuple(self.image_ids[place] for place in places),
            sha256=tuple(self.sha256[place] for place in places),
            image_uris=tuple(self.image_uris[place] for place in places) if self.image_uris else (),
            probabilities=probabilities,
            top=np.asarray(columns, np.int64)[self.top[places]],
            flagged=None if self.flagged is None else self.flagged[places],
            review=None if self.review is None else self.review[places],
        )


def read_table_predictions(
    table: ScoreTable,
    model_id: str | None = None,
    option: str = "--model",
    run_id: str | None = None,
    names: ModelNames | None = None,
) -> TablePredictions:
    """Reads the newest scored row of each photograph.

    Args:
        table: The score table, at the version to read.
        model_id: Id or name of the model to read; None if the table holds only one.
        option: The command-line option that names the model, for error messages.
        run_id: The only run to read; None for all runs.
        names: Names of the models; None if they are not known.

    Raises:
        UsageError: A data file is damaged, the table holds several models and none is named, several have the
            name that was given, or it lacks the named model or run.
        DataError: The model has not scored any photograph, or its rows are inconsistent.
        NothingCommittedError: The store does not answer, or a file of the table is missing.
    """
    dataset, name, names = table.dataset(), table.layout.name, names or ModelNames()
    try:
        model_id = _choose_model(dataset, name, names, model_id, option)
        rows = _rows(dataset, model_id, run_id)
        rows.validate(full=True)  # a damaged file can hold text that is not Unicode
    except FileNotFoundError as error:  # a clean-up may have removed the file since the table was opened
        raise NothingCommittedError(f"{name}: the score table cannot be read ({type(error).__name__})") from None
    except (pa.ArrowException, OSError) as error:
        raise table.read_failure(error, dataset) from None
    rows = Corrections.read(table.layout).applied_to(rows)
    if run_id is not None and not rows.num_rows:
        raise UsageError(f"{name}: run {run_id} has no row of {model_id}; the ids of the runs are in the view nights")
    predictions = _newest_predictions(rows, name, table.version or 0, model_id)
    return replace(predictions, model_name=names.name(model_id))


def _newest_predictions(rows: pa.Table, uri: str, version: int, model_id: str) -> TablePredictions:
    scored = rows.filter(pc.equal(rows["status"], SCORED))
    if not scored.num_rows:
        raise DataError(f"{uri}: {model_id} has not scored any photograph; look at the error_kind column")
    newest = newest_by_uri(scored)
    by_id = one_row_each(newest)
    columns = [name for name in rows.schema.names if _is_filled(scored, name)]
    slugs = tuple(name.removeprefix(PROBABILITY_PREFIX) for name in columns)
    failed = rows.filter(pc.equal(rows["status"], FAILED))["image_id"].to_pylist()
    return TablePredictions(
        table=uri,
        version=version,
        model_id=model_id,
        slugs=slugs,
        image_ids=tuple(by_id.rows["image_id"].to_pylist()),
        sha256=tuple(value or "" for value in by_id.rows["image_sha256"].to_pylist()),
        probabilities=_probabilities(by_id.rows, columns),
        top=_top(by_id.rows, slugs),
        flagged=_flags(by_id.rows, "flag_melanoma"),
        review=_flags(by_id.rows, "review"),
        failed=frozenset(failed) - set(newest["image_id"].to_pylist()),
        superseded=scored.num_rows - newest.num_rows,
        ambiguous=by_id.ambiguous,
        image_uris=tuple(by_id.rows["image_uri"].to_pylist()),
    )


def _choose_model(
    dataset: pyarrow.dataset.Dataset, uri: str, names: ModelNames, wanted: str | None, option: str
) -> str:
    present = sorted(dataset.to_table(columns=["model_id"])["model_id"].unique().to_pylist())
    if not present:
        raise DataError(f"{uri}: the score table is empty; score photographs first")
    if wanted is None and len(present) > 1:
        raise UsageError(
            f"{uri}: the table has rows of {len(present)} models, {names.listed(present)}; choose one with {option}"
        )
    if wanted is None:
        return str(present[0])
    if (model_id := names.find(wanted, present)) is None:
        raise UsageError(f"{uri}: no rows of {option} {wanted}; the table has {names.listed(present)}")
    return model_id


def _rows(dataset: pyarrow.dataset.Dataset, model_id: str, run_id: str | None) -> pa.Table:
    probabilities = [name for name in dataset.schema.names if name.startswith(PROBABILITY_PREFIX)]
    wanted = pc.field("model_id") == model_id
    if run_id is not None:
        wanted &= pc.field("run_id") == run_id
    return dataset.to_table(columns=[*_COLUMNS, *probabilities], filter=wanted)


def _is_filled(rows: pa.Table, name: str) -> bool:
    return name.startswith(PROBABILITY_PREFIX) and bool(rows[name].null_count < rows.num_rows)


def _probabilities(rows: pa.Table, columns: list[str]) -> npt.NDArray[np.float32]:
    if gaps := [name for name in columns if rows[name].null_count]:
        raise DataError(f"{', '.join(gaps)} is null in some scored rows of the model; score these photographs again")
    return np.stack([rows[name].to_numpy() for name in columns], axis=1).astype(np.float32)


def _top(rows: pa.Table, slugs: tuple[str, ...]) -> Classes:
    found = pc.index_in(rows["top_label"], pa.array(slugs, pa.string()))
    if found.null_count:
        raise DataError(f"top_label has no probability column in {counted(found.null_count, 'row')}; score them again")
    return np.asarray(found.to_numpy(), np.int64)


def _flags(rows: pa.Table, name: str) -> Mask | None:
    if rows[name].null_count or not rows.num_rows:
        return None
    return np.asarray(rows[name].to_pylist(), np.bool_)
