"""Answers of a model's own framework for some photographs, and the photographs that they are about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.errors import DataError, ReadError, UsageError
from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.labels import slug_of, slugify
from melanoma.storage.tables import columns_as_text, columns_in_words, parse_table, read_table_file
from melanoma.wording import counted

_NAME_COLUMNS = ("file", "filename", "file_name", "image", "image_id", "img_id", "isic_id", "id", "name", "path", "uri")
_PREFIXES = ("p_", "prob_", "probability_", "")
_SUM_TOLERANCE = 0.02  # published answers are rounded


class Answer(NamedTuple):
    """One photograph and its expected probabilities.

    Attributes:
        name: As the table names it.
        uri: The photograph.
    """

    name: str
    uri: str


@dataclass(frozen=True)
class ExpectedAnswers:
    """Expected probabilities of n photographs.

    Attributes:
        answers: The photographs.
        probabilities: float64 (n, labels), rows sum to 1.
        without_answer: Number of photographs that the table does not name.
    """

    answers: Sequence[Answer]
    probabilities: npt.NDArray[np.float64]
    without_answer: int


def read_expected(table: str, images: str, slugs: Sequence[str]) -> ExpectedAnswers:
    """Reads a table of probabilities and finds its photographs.

    The table is CSV or Parquet with a row for each photograph: a column such as `file` or `image_id` with its name,
    path or name without extension, and a column with the probability of each class, named by a label, its slug or `p_`
    and the slug. For two classes the column of one is enough.

    Args:
        table: URI of the table.
        images: Folder of the photographs, at any depth, or a glob.
        slugs: The classes, in the order of the network's outputs.

    Raises:
        UsageError: The table cannot be read, or lacks a column.
        DataError: A row is not a probability distribution, or its photograph is missing or ambiguous.
    """
    data, name = read_table_file("--expect", table), f"--expect {table}"
    header = parse_table(data, name, []).schema.names
    id_column = next((column for wanted in _NAME_COLUMNS for column in header if column.lower() == wanted), None)
    if id_column is None:
        raise UsageError(
            f"{name}: no column with the names of the photographs, expected one named {', '.join(_NAME_COLUMNS[:5])}; "
            f"{columns_in_words(header)}"
        )
    columns = _class_columns(header, slugs, name)
    texts = columns_as_text(parse_table(data, name, header), name, [id_column, *columns.values()])
    names = texts[id_column]
    probabilities = _probabilities(texts, columns, slugs, name)
    photographs = _Photographs.list_all(images)
    answers = [Answer(one, photographs.find(one)) for one in names]
    if twice := sum(count > 1 for count in Counter(answer.uri for answer in answers).values()):
        raise DataError(
            f"{name}: several rows for {counted(twice, 'photograph')}, expected one each; remove the others"
        )
    return ExpectedAnswers(answers, probabilities, len(photographs.uris) - len(answers))


def _class_columns(header: Sequence[str], slugs: Sequence[str], name: str) -> dict[str, str]:
    """Returns the column of each class that has one."""
    by_slug: dict[str, str] = {}
    for prefix in _PREFIXES:
        for column in header:
            bare = column[len(prefix) :] if column.lower().startswith(prefix) else ""
            if slugify_or_empty(bare) and (slug := slug_of(bare)) in slugs:
                by_slug.setdefault(slug, column)
    missing = [slug for slug in slugs if slug not in by_slug]
    if missing and not (len(slugs) == 2 and len(missing) == 1):
        raise UsageError(
            f"{name}: no column for {', '.join(missing)}, expected one column for each class, named by its label or "
            f"p_<label>; {columns_in_words(header)}"
        )
    return by_slug


def slugify_or_empty(text: str) -> str:
    """Returns the slug of a text, empty if it has none."""
    try:
        return slugify(text)
    except DataError:
        return ""


def _probabilities(
    texts: Mapping[str, Sequence[str]], columns: Mapping[str, str], slugs: Sequence[str], name: str
) -> npt.NDArray[np.float64]:
    try:
        found = {slug: np.array(texts[column], np.float64) for slug, column in columns.items()}
    except ValueError:
        raise DataError(f"{name}: a probability is missing or not a number; write numbers from 0 to 1") from None
    for slug in slugs:
        if slug not in found:  # of two classes
            found[slug] = 1 - next(iter(found.values()))
    values = np.stack([found[slug] for slug in slugs], axis=1)
    if not len(values):
        raise DataError(f"{name}: no rows; expected one for each photograph")
    sound = ((values >= 0) & (values <= 1)).all(axis=1) & (np.abs(values.sum(axis=1) - 1) <= _SUM_TOLERANCE)
    if wrong := int((~sound).sum()):
        raise DataError(
            f"{name}: {wrong} of {len(values)} rows are not probabilities from 0 to 1 that sum to 1; expected the "
            "answers after softmax or sigmoid, not logits or percent"
        )
    return values


@dataclass(frozen=True)
class _Photographs:
    """Photographs below a folder, by path below it, by name, and by name without extension."""

    where: str
    uris: Sequence[str]
    by_name: Mapping[str, Sequence[str]]

    @classmethod
    def list_all(cls, images: str) -> "_Photographs":
        prefix = storage.canonical(images).rstrip("/") + "/"
        try:
            uris = [
                file.uri for file in storage.list_files(images) if file.uri.lower().endswith(tuple(IMAGE_EXTENSIONS))
            ]
        except ReadError as error:
            raise UsageError(f"{images}: {error.detail}; expected a folder of photographs") from None
        by_name: dict[str, list[str]] = {}
        for uri in uris:
            for name in {uri, uri.removeprefix(prefix), storage.name_of(uri), storage.stem_of(uri)}:
                by_name.setdefault(name, []).append(uri)
        return cls(images, uris, by_name)

    def find(self, name: str) -> str:
        """Returns the URI of a photograph.

        Raises:
            DataError: There is none of that name, or several.
        """
        found = self.by_name.get(name) or self.by_name.get(storage.stem_of(name), [])
        if len(found) != 1:
            raise DataError(
                f"{self.where}: {len(found) or 'no'} photograph{'s' * (len(found) > 1)} for the row {name!r}, expected "
                "one; give the photographs that the answers are about, and their names or paths below the folder"
            )
        return found[0]
