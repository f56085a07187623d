"""From sources to a data set that can be trained on: read, cleaned, grouped and split, in this order."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from melanoma.audit.findings import Finding
from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.leaks import find_leaks, join_near_duplicates
from melanoma.audit.perceptual_hash import Hashes
from melanoma.datasets.cleaning import Step, clean
from melanoma.datasets.existing_splits import read_split
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photographs import Photograph, every_file
from melanoma.datasets.reading import read_sources
from melanoma.datasets.reference import read_reference
from melanoma.datasets.splits import MIN_GROUPS, PARTS, TRAIN, VALIDATION, Dataset
from melanoma.datasets.splitting import split
from melanoma.errors import DataError
from melanoma.labels import name_of
from melanoma.training.data.export import refuse_augmented_folders


@dataclass(frozen=True)
class Sources:
    """Where labelled photographs come from, and how they are to be split.

    Attributes:
        data: Folders of class folders and tables.
        roots: Of the photographs that tables list, see `datasets.reading.read_table`.
        columns: Of the tables.
        reference: Table that knows photographs by id.
        split: Table with the part of photographs by id; what it does not name is split.
        validation: Share of what is split.
        test: Share of what is split.
        seed: Of the split.
    """

    data: Sequence[str]
    roots: Sequence[str]
    columns: Columns | None
    reference: str | None
    split: str | None
    validation: float
    test: float
    seed: int


@dataclass(frozen=True)
class Prepared:
    """A data set and how it came about.

    Attributes:
        dataset: Cleaned and split.
        steps: What every step took out.
        leaks: By which the split leaks; empty unless a given split does.
    """

    dataset: Dataset
    steps: list[Step]
    leaks: list[Finding]


def prepare(sources: Sources, on_start: Callable[[int], object], on_each: Callable[[], object]) -> Prepared:
    """Prepares a data set.

    Args:
        sources: Of it.
        on_start: Called with the number of photographs that are going to be looked at.
        on_each: Called after each of them.

    Raises:
        DataError: The data cannot be read, or cannot be split.
        UsageError: The sources do not fit together.
    """
    reference = read_reference(sources.reference, sources.columns) if sources.reference and sources.columns else None
    # The manifest of augmented files is a reference that keeps their lesions together.
    refuse_augmented_folders([*sources.data, *sources.roots], reference.group_of if reference else ())
    found, absent = read_sources(sources.data, sources.columns, sources.roots)
    cleaned, steps = clean(found, reference)
    files, owners = every_file(cleaned)
    on_start(len(files))
    seen, shown, looking = _seen(files, owners, on_each)
    joined = join_near_duplicates(shown.files, shown.hashes)[: len(seen)]
    known = read_split(sources.split) if sources.split else None
    # A split that is given is taken as it is, and judged afterwards; what it does not name follows what it looks like.
    stated = [photograph.group for photograph in seen]
    parts = split(joined, sources.validation, sources.test, sources.seed, known, stated)
    first = Step("found" + (f"; {absent} more are listed but absent" if absent else ""), 0, len(found))
    groups = len({p.group for p in seen}) - len({p.group for p in joined})
    last = Step(f"{groups} groups joined with others by near duplicates", 0, len(joined))
    dataset = Dataset(joined, parts)
    _check(dataset)
    found_leaks = find_leaks(shown.files, parts[shown.owners].tolist(), shown.hashes, shown.owners)
    return Prepared(dataset, [first, *steps, *looking, last], found_leaks)


def _check(dataset: Dataset) -> None:
    """Refuses what would end a training when hours have gone into it.

    Raises:
        DataError: A part is empty, a class cannot be learned, or validation has too few lesions to calibrate by.
    """
    tally = dataset.tally()
    if empty := [part for part in PARTS if not any(counts[part] for counts in tally.values())]:
        raise DataError(f"the split leaves nothing for {', '.join(empty)}; give each part some photographs")
    if unlearned := [label for label, counts in tally.items() if not counts[TRAIN]]:
        raise DataError(f"no photograph of {', '.join(unlearned)} to train on; add some, or take the class out")
    lesions = len(set(dataset.part(VALIDATION).groups))
    if lesions < MIN_GROUPS:
        raise DataError(f"validation has {lesions} lesions or patients, {MIN_GROUPS} are needed; add photographs")


class _Shown(NamedTuple):
    """What training may look at.

    Attributes:
        files: That give a picture, each as a photograph: those of the photographs in their order, then further ones.
        owners: Index of the photograph that each shows.
        hashes: Of each.
    """

    files: list[Photograph]
    owners: list[int]
    hashes: Hashes


def _seen(
    files: Sequence[Photograph], owners: Sequence[int], on_each: Callable[[], object]
) -> tuple[list[Photograph], _Shown, list[Step]]:
    """Looks at every file; leaves out photographs that give no picture, and further files that give none."""
    hashes, refused = hash_photographs(files, on_each, turned=True)
    kept = [index for index, owner in enumerate(owners) if index not in refused and owner not in refused]
    bad = {files[index].uri for index in refused}
    photographs = [
        replace(files[index], other_uris=tuple(uri for uri in files[index].other_uris if uri not in bad))
        for index in kept
        if index == owners[index]
    ]
    if not photographs:
        raise DataError(f"none of {len(files)} files gives a photograph; check --data")
    new = {index: position for position, index in enumerate(kept[: len(photographs)])}
    further = [files[index] for index in kept[len(photographs) :]]
    shown = _Shown([*photographs, *further], [new[owners[index]] for index in kept], hashes[kept])
    own = Counter(kind for index, kind in refused.items() if index == owners[index])
    lost = len(refused) - own.total()
    told = "".join(f", {kind} {count}" for kind, count in sorted(own.items()))
    steps = [Step("bytes that give no photograph" + told, own.total(), len(photographs))]
    if lost:
        steps.append(Step(f"{lost} further files of photographs give none, and are not looked at", 0, len(photographs)))
    return photographs, shown, steps


def describe_leaks(prepared: Prepared) -> str:
    """Counts by what photographs of two parts are one, and names the parts."""
    parts = prepared.dataset.parts
    counts = Counter(
        (str(leak.basis).replace("_", " "), *sorted((str(parts[leak.first]), str(parts[leak.second]))))
        for leak in prepared.leaks
    )
    return ", ".join(
        f"{count} by {basis} between {first} and {second}" for (basis, first, second), count in counts.items()
    )


def warnings(prepared: Prepared) -> list[str]:
    """Gives what a card must say of the data set, a sentence or two each."""
    dataset, told = prepared.dataset, []
    if prepared.leaks:
        told.append(f"the split leaks: {describe_leaks(prepared)}. What the test part says flatters the network.")
    ids = {photograph.image_id for photograph in dataset.photographs}
    if unknown := sum(photograph.group in ids for photograph in dataset.photographs):
        told.append(
            f"of {unknown} of {len(dataset.photographs)} photographs the lesion or patient is not known: each counts "
            "as a lesion of its own, and two views of one may lie on two sides of the split, which flatters a network."
        )
    for label, counts in dataset.tally().items():
        if not counts[VALIDATION]:
            told.append(
                f"{name_of(label)}: validation has no photograph of it; nothing says how often it is chosen wrongly."
            )
    return [sentence[0].upper() + sentence[1:] for sentence in told]
