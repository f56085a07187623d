"""The names of the models of a score table, as its runs recorded them."""

from collections.abc import Iterable
from dataclasses import replace

from melanoma.errors import ReadError, UsageError
from melanoma.runs.run_history import RunSummary, read_series
from melanoma.table.layout import OutputLayout
from melanoma.table.model_names import ModelNames
from melanoma.table.models import ModelFacts
from melanoma.table.score_table import ScoreTable
from melanoma.terminal import printable


def names_in(runs: Iterable[RunSummary]) -> ModelNames:
    """Returns the names in a series of runs, oldest first: a model is called as its newest run called it."""
    named = (run for run in runs if run["model_id"] and run["model_name"])
    return ModelNames({run["model_id"]: printable(str(run["model_name"])) for run in named})


def names_of(layout: OutputLayout) -> ModelNames:
    """Returns the names of the models of an output; none if its records cannot be read, as ids do without them."""
    try:
        return names_in(read_series(layout))
    except ReadError:
        return ModelNames()


def models_of(table: ScoreTable) -> list[ModelFacts]:
    """Returns what a table holds of each model, with its name, ordered by the model's first run.

    Raises:
        UsageError: There is no table, or one of its data files is gone or damaged.
    """
    models, names = table.models(), names_of(table.layout)
    return [replace(model, name=names.name(model.model_id)) for model in models]


def model_called(table: ScoreTable, text: str) -> ModelFacts:
    """Returns the model of a table that somebody named.

    Args:
        table: The score table.
        text: Name or id.

    Raises:
        UsageError: There is no table, it holds no row of such a model, or several of its models have this name.
    """
    models = {model.model_id: model for model in models_of(table)}
    names = ModelNames({model.model_id: model.name for model in models.values()})
    if (found := names.find(text, models)) is None:
        raise UsageError(f"{table.layout}: no row of {text!r}; the table has {names.listed(models) or 'no rows'}")
    return models[found]
