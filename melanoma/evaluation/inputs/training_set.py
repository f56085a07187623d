"""The photographs that a model was trained on, so that they can be excluded from its evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from melanoma.evaluation.inputs.column_files import read_texts


@dataclass(frozen=True)
class TrainingSet:
    """Photographs that were used to train a model or to choose its best epoch.

    Attributes:
        uris: The files that list them.
        image_ids: Their ids.
        groups: Their lesions or patients.
        sha256: SHA-256 of their bytes, hex.
    """

    uris: tuple[str, ...]
    image_ids: frozenset[str] = field(repr=False)
    groups: frozenset[str] = field(repr=False)
    sha256: frozenset[str] = field(repr=False)

    def contains(self, image_id: str, sha256: str, group: str) -> bool:
        """Returns whether a photograph has the id, the bytes, or the lesion or patient of one in the training set.

        Args:
            image_id: Id of the photograph.
            sha256: SHA-256 of its bytes, hex; empty if not recorded.
            group: Its lesion or patient; empty if not stated.
        """
        return image_id in self.image_ids or sha256 in self.sha256 or group in self.groups


def read_training_set(uris: Sequence[str]) -> TrainingSet | None:
    """Reads the `split.csv` of bundles, or any CSV or Parquet with an `image_id` column.

    The columns `group` and `sha256` are optional. Rows whose `part` is `test` were not trained on and are skipped.

    Returns:
        The photographs of all files together; None for no file.

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
    return TrainingSet(tuple(uris), *(frozenset(known[name]) for name in ("image_id", "group", "sha256")))
