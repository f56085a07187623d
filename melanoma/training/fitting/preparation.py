"""Prepares a data set for training: reads, cleans, groups and splits it, in this order."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from melanoma.audit.findings import Finding
from melanoma.audit.leaks import find_leaks, join_near_duplicates
from melanoma.datasets.cleaning import Step, clean
from melanoma.datasets.coverage import NO_TABLES, Coverage
from melanoma.datasets.existing_splits import read_split
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photograph_sources import validate_on
from melanoma.datasets.reading import read_sources
from melanoma.datasets.reference import read_reference
from melanoma.datasets.splits import MIN_GROUPS, PARTS, TEST, TRAIN, VALIDATION, Dataset
from melanoma.datasets.splitting import split
from melanoma.errors import DataError
from melanoma.labels import name_of
from melanoma.training.data.export import refuse_augmented_folders
from melanoma.training.fitting.readable_files import drop_unreadable


@dataclass(frozen=True)
class Sources:
    """Where labelled photographs come from, and how they are split.

    Attributes:
        data: Folders of class folders, and tables.
        roots: Folders with the photographs that tables list, see `datasets.reading.read_table`.
        columns: Columns of the tables; None without tables.
        reference: Table with the known labels and lesions of photographs, by id.
        split: Table with the parts of photographs, by id; photographs that are not in it are split.
        validation: Share for validation, of the photographs that are split.
        test: Share for the test part, likewise.
        seed: Seed of the split.
        source_column: Column of the tables with the hospital, camera or collection.
        validate_on: Names of the sources whose photographs are all in validation.
    """

    data: Sequence[str]
    roots: Sequence[str]
    columns: Columns | None
    reference: str | None
    split: str | None
    validation: float
    test: float
    seed: int
    source_column: str | None = None
    validate_on: Sequence[str] = ()


@dataclass(frozen=True)
class Prepared:
    """A data set and how it was prepared.

    Attributes:
        dataset: Cleaned and split photographs.
        steps: What each step dropped.
        leaks: Near duplicates across parts; always empty unless a split was given.
        coverage: Labels without a photograph, and photographs without a label.
    """

    dataset: Dataset
    steps: list[Step]
    leaks: list[Finding]
    coverage: Coverage = NO_TABLES


def prepare(
    sources: Sources, on_start: Callable[[int], object], on_each: Callable[[], object], *, for_training: bool = True
) -> Prepared:
    """Prepares a data set.

    Args:
        sources: Where the photographs come from.
        on_start: Called with the number of files that will be opened.
        on_each: Called after each file.
        for_training: Whether a network will be trained on it; without that, it needs no training part.

    Raises:
        DataError: The data cannot be read, or cannot be split.
        UsageError: The sources are inconsistent.
    """
    reference = read_reference(sources.reference, sources.columns) if sources.reference and sources.columns else None
    # The manifest of augmented files also works as a reference: it keeps the files of a lesion together.
    refuse_augmented_folders([*sources.data, *sources.roots], reference.group_of if reference else ())
    found, absent, *_, coverage = read_sources(
        sources.data,
        sources.columns,
        sources.roots,
        source_column=sources.source_column,
        with_source=bool(sources.source_column or sources.validate_on),
    )
    cleaned, cleaning_steps = clean(found, reference)
    readable = drop_unreadable(cleaned, on_start, on_each)
    joined = join_near_duplicates(readable.files.files, readable.files.hashes)[: len(readable.photographs)]
    # A given split is followed as it is and checked for leaks afterwards; photographs that are not in it go
    # to the part of their near duplicates.
    given_split = read_split(sources.split) if sources.split else None
    groups_before = [photograph.group for photograph in readable.photographs]
    try:
        parts = split(joined, sources.validation, sources.test, sources.seed, given_split, groups_before)
        dataset = Dataset(joined, validate_on(joined, parts, sources.validate_on) if sources.validate_on else parts)
        _check(dataset, for_training)
    except DataError as error:
        raise DataError(f"{error}. {left_out}" if (left_out := coverage.warning()) else str(error)) from error
    first = Step("found" + (f"; {absent} more are listed but missing" if absent else ""), 0, len(found))
    groups = len(set(groups_before)) - len({photograph.group for photograph in joined})
    last = Step(f"groups joined with others because of near duplicates: {groups}", 0, len(joined))
    files = readable.files
    found_leaks = find_leaks(files.files, dataset.parts[files.owners].tolist(), files.hashes, files.owners)
    return Prepared(dataset, [first, *cleaning_steps, *readable.steps, last], found_leaks, coverage)


def _check(dataset: Dataset, for_training: bool) -> None:
    """Rejects a data set with which a training would fail only after hours.

    Raises:
        DataError: A part is empty, a class has no training photograph, or validation has too few lesions to calibrate.
    """
    tally = dataset.tally()
    needed = PARTS if for_training else (VALIDATION, TEST)
    if empty := [part for part in needed if not any(counts[part] for counts in tally.values())]:
        raise DataError(f"the split leaves no photographs for {', '.join(empty)}; assign some to each part")
    if for_training and (untrainable := [label for label, counts in tally.items() if not counts[TRAIN]]):
        raise DataError(f"no photograph of {', '.join(untrainable)} to train on; add some, or remove the class")
    lesions = len(set(dataset.part(VALIDATION).groups))
    if lesions < MIN_GROUPS:
        raise DataError(
            f"validation has {lesions} lesions or patients, expected at least {MIN_GROUPS}; add photographs"
        )


def describe_leaks(prepared: Prepared) -> str:
    """Returns the counts of leaks by their basis and the two parts, as text."""
    parts = prepared.dataset.parts
    counts = Counter(
        (str(leak.basis).replace("_", " "), *sorted((str(parts[leak.first]), str(parts[leak.second]))))
        for leak in prepared.leaks
    )
    return ", ".join(
        f"{count} by {basis} between {first} and {second}" for (basis, first, second), count in counts.items()
    )


def warnings(prepared: Prepared) -> list[str]:
    """Returns the limits of the data set that a card must state, one or two sentences each."""
    dataset, found = prepared.dataset, []
    if prepared.leaks:
        found.append(f"The split leaks: {describe_leaks(prepared)}. Results on the test part are too optimistic.")
    if left_out := prepared.coverage.warning():
        found.append(left_out)
    ids = {photograph.image_id for photograph in dataset.photographs}
    if unknown := sum(photograph.group in ids for photograph in dataset.photographs):
        found.append(
            f"The lesion or patient is unknown for {unknown} of {len(dataset.photographs)} photographs. Each counts as "
            "a separate lesion, so two views of one lesion may be in different parts, which makes results too "
            "optimistic."
        )
    for label, counts in dataset.tally().items():
        if not counts[VALIDATION]:
            found.append(
                f"{name_of(label)}: no validation photographs, so how often it is predicted wrongly is unknown."
            )
    return found
