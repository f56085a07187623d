"""The external part of an evaluation: how good the model in a score table is at other hospitals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jobs.console.external_flags import ExternalOptions
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.evaluation.inputs.table_predictions import TablePredictions
    from melanoma.evaluation.inputs.training_set import TrainingSet


def external_parts(
    options: ExternalOptions,
    table: "TablePredictions",
    training_set: "TrainingSet | None",
    training_photographs: Sequence[str],
    seed: int,
) -> list[dict[str, Any]]:
    """Evaluates the predictions on every external source.

    Args:
        options: Parsed flags.
        table: The predictions.
        training_set: What the model was trained on, with its test part.
        training_photographs: Folders of these photographs; empty to look for no near duplicates.
        seed: Seed of the bootstrap.

    Returns:
        As `evaluation.external.evaluate_sources`.

    Raises:
        MelanomaError: The flags do not go together, or the labels do not fit the table.
    """
    from melanoma.evaluation.external import evaluate_sources
    from melanoma.evaluation.inputs.external_labels import read_external
    from melanoma.evaluation.inputs.ground_truth import with_names_of_files
    from melanoma.evaluation.inputs.near_duplicates import with_near_duplicates

    columns = options.external_columns()
    if training_photographs and not (options.external and training_set):
        raise UsageError("--training-photographs goes with --external and --trained-on; give all of them")
    external = read_external(options.external, columns)
    if training_photographs and training_set:
        named = [with_names_of_files(one.ground_truth, table.image_ids) for one in external]
        wanted = [image_id for truth in named for image_id in truth.by_id]
        training_set = with_near_duplicates(training_set, training_photographs, table, wanted)
    return evaluate_sources(table, external, training_set, seed)
