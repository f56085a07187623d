"""The photographs that a model was trained on, so that they can be excluded from its evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from melanoma.evaluation.inputs.column_files import read_texts

# What a photograph may share with one that a model was trained on, as reports name it: the audit's words.
BASES = ("content", "id", "near_duplicate", "group")


@dataclass(frozen=True)
class TrainingSet:
    """Photographs that were used to train a model or to choose its best epoch.

    Attributes:
        uris: The files that list them.
        image_ids: Their ids.
        groups: Their lesions or patients.
        sha256: SHA-256 of their bytes, hex.
        alike: Ids of scored photographs that look like one of them, see `near_duplicates.with_near_duplicates`.
        searched: Whether such photographs were searched for.
    """

    uris: tuple[str, ...]
    image_ids: frozenset[str] = field(repr=False)
    groups: frozenset[str] = field(repr=False)
    sha256: frozenset[str] = field(repr=False)
    alike: frozenset[str] = field(default=frozenset(), repr=False)
    searched: bool = False

    def shares(self, image_id: str, sha256: str, group: str) -> str:
        """Returns what a photograph shares with one in the training set: one of `BASES`, or an empty text.

        Args:
            image_id: Id of the photograph.
            sha256: SHA-256 of its bytes, hex; empty if not recorded.
            group: Its lesion or patient; empty if not stated.
        """
        shared = (
            sha256 in self.sha256,
            image_id in self.image_ids,
            image_id in self.alike,
            group in self.groups,
        )
        return next((basis for basis, is_shared in zip(BASES, shared, strict=True) if is_shared), "")

    def contains(self, image_id: str, sha256: str, group: str) -> bool:
        """Returns whether a photograph shares anything with one in the training set, see `shares`."""
        return bool(self.shares(image_id, sha256, group))


def read_training_set(uris: Sequence[str], *, with_test: bool = False) -> TrainingSet | None:
    """Reads the `split.csv` of bundles, or any CSV or Parquet with an `image_id` column.

    The columns `group` and `sha256` are optional.

    Args:
        uris: The files.
        with_test: Whether to include rows whose `part` is `test`, which were not trained on.

    Returns:
        The photographs of all files together; None for no file.

    Raises:
        UsageError: The file does not exist, or it lacks the column.
        NothingCommittedError: The store does not answer.
    """
    known: dict[str, set[str]] = {"image_id": set(), "group": set(), "sha256": set()}
    for uri in uris:
        columns = read_texts("--trained-on", uri, ["image_id"], ["group", "sha256", "part"]).columns
        parts = columns.get("part", ["train"] * len(columns["image_id"]))
        counts = [with_test or part != "test" for part in parts]
        for name in known.keys() & columns.keys():
            known[name] |= {value for value, is_in in zip(columns[name], counts, strict=True) if value and is_in}
    if not uris:
        return None
    ids, groups, digests = (frozenset(known[name]) for name in ("image_id", "group", "sha256"))
    return TrainingSet(tuple(uris), ids, groups, digests)
