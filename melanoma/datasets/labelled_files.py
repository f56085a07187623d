"""Files with labels as a folder or a table states them, and the photographs that they become."""

from collections.abc import Sequence
from typing import NamedTuple

from melanoma.datasets.grouping import distinct_groups
from melanoma.datasets.photographs import Photograph, file_digests
from melanoma.labels import slug_of


class LabelledFile(NamedTuple):
    """A file and what its source states about it.

    Attributes:
        image_id: Id of the photograph.
        uri: The file.
        label: Class, in any form that `labels.slug_of` knows.
        group: Lesion or patient; empty where none is stated.
        other_uris: Further files of the photograph.
        part: Part of a split that its folder is named like; empty where none is.
    """

    image_id: str
    uri: str
    label: str
    group: str = ""
    other_uris: tuple[str, ...] = ()
    part: str = ""


def to_photographs(files: Sequence[LabelledFile]) -> list[Photograph]:
    """Reads the digest of each file, and unifies the spelling of labels and groups.

    Raises:
        DataError: A file cannot be read, or a label has no letter or digit.
    """
    slugs = {label: slug_of(label) for label in {file.label for file in files}}
    groups = distinct_groups([file.image_id for file in files], [file.group for file in files])
    digests = file_digests([file.uri for file in files])
    return [
        Photograph(
            file.image_id, file.uri, digest, slugs[file.label], group or file.image_id, file.other_uris, file.part
        )
        for file, group, digest in zip(files, groups, digests, strict=True)
    ]
