"""What a model was trained on, so that it is not judged by it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from melanoma.evaluation.inputs.column_files import read_texts
from melanoma.evaluation.inputs.ground_truth import Truth
from melanoma.evaluation.inputs.table_predictions import Answers


@dataclass(frozen=True)
class Trained:
    """Photographs that took part in a training, or in the choice of its best epoch.

    Attributes:
        uris: Of the files that list them.
        image_ids: Their ids.
        groups: Their lesions or patients.
        sha256: Of their bytes, hex.
    """

    uris: tuple[str, ...]
    image_ids: frozenset[str] = field(repr=False)
    groups: frozenset[str] = field(repr=False)
    sha256: frozenset[str] = field(repr=False)

    def knows(self, answers: Answers, place: int, truth: Truth) -> bool:
        """Tells whether an answer is of one of them, of the same bytes, or of the same lesion or patient."""
        return (
            answers.image_ids[place] in self.image_ids
            or answers.sha256[place] in self.sha256
            or truth.group in self.groups
        )


def read_trained(uris: Sequence[str]) -> Trained | None:
    """Reads `split.csv` of bundles, or any CSV or Parquet with a column `image_id`, maybe `group` and `sha256`.

    Rows whose `part` is `test` took no part in the training.

    Returns:
        What all of them list; None for no file.

    Raises:
        UsageError: There is no such file, or it lacks the column.
        NothingCommittedError: The store does not answer.
    """
    known: dict[str, set[str]] = {"image_id": set(), "group": set(), "sha256": set()}
    for uri in uris:
        columns = read_texts("--trained-on", uri, ["image_id"], ["group", "sha256", "part"]).columns
        parts = columns.get("part", ["train"] * len(columns["image_id"]))
        for name in known.keys() & columns.keys():
            known[name] |= {value for value, part in zip(columns[name], parts, strict=True) if value and part != "test"}
    if not uris:
        return None
    return Trained(tuple(uris), *(frozenset(known[name]) for name in ("image_id", "group", "sha256")))
