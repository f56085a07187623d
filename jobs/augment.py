"""`melanoma augment`: shows what augmentation does to the training photographs, or writes augmented images."""

import argparse
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from jobs.console.arg_types import share, size, whole
from jobs.console.commands import add_group
from jobs.console.data_flags import DataOptions, add_data_arguments, prepare, sources_of
from jobs.console.exit_codes import OK
from jobs.console.renamed_flags import accept_old_names
from jobs.console.targets import check_folders
from melanoma.errors import UsageError
from melanoma.wording import counted

if TYPE_CHECKING:
    from melanoma.datasets.splits import Dataset

_PREVIEW: dict[str, dict[str, Any]] = {
    "preview": {
        "metavar": "FOLDER",
        "help": "write counts.png and, for each class, a sheet of photographs and augmented images of them",
    },
    "augmentation": {
        "choices": ("augmentor", "views", "hospitals"),
        "default": "augmentor",
        "help": "augmentation policy for --preview: Augmentor, or the one for networks with ImageNet weights "
        "(default: %(default)s)",
    },
    "photographs": {
        "type": whole,
        "default": 4,
        "metavar": "N",
        "help": "photographs per sheet (default: %(default)s)",
    },
    "variants": {
        "type": whole,
        "default": 6,
        "metavar": "N",
        "help": "augmented images of each photograph on a sheet (default: %(default)s)",
    },
    "size": {
        "type": partial(size, least=32),
        "default": "192x192",
        "metavar": "HxW",
        "help": "size of an augmented image on a sheet, in pixels (default: %(default)s)",
    },
    "balance": {
        "type": share,
        "default": 1.0,
        "metavar": "SHARE",
        "help": "class balance in counts.png, as for melanoma train: from 0 for the class shares of the data to 1 for "
        "equal shares (default: %(default)s)",
    },
}
_FILES: dict[str, dict[str, Any]] = {
    "output": {
        "metavar": "FOLDER",
        "help": "write augmented images, made by Augmentor, to class folders in this empty folder",
    },
    "per-class": {"type": whole, "metavar": "N", "help": "augmented images per class for --output"},
}


@dataclass(frozen=True)
class AugmentOptions(DataOptions):
    """Arguments of `melanoma augment` besides those of `DataOptions`.

    Attributes:
        preview: Folder for counts.png and the contact sheets; None for neither.
        augmentation: Name of the augmentation policy of the sheets.
        photographs: Photographs per sheet.
        variants: Augmented images of each photograph on a sheet.
        size: Height and width of an augmented image on a sheet, in pixels.
        balance: Class balance in counts.png, 0 to 1.
        output: Folder for augmented images; None for none.
        per_class: Augmented images per class; None without `output`.
    """

    preview: str | None
    augmentation: str
    photographs: int
    variants: int
    size: tuple[int, int]
    balance: float
    output: str | None
    per_class: int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `melanoma augment`."""
    add_data_arguments(parser)
    add_group(parser, "pictures of the augmentation", _PREVIEW)
    add_group(parser, "augmented images as files", _FILES)
    accept_old_names(parser, {"--look": "--augmentation"})


def run(args: argparse.Namespace) -> int:
    """Splits the data, and shows or writes augmented images of the training part only.

    Returns:
        Exit code 0.

    Raises:
        MelanomaError: The flags or the data cannot be used.
    """
    options = AugmentOptions.from_args(args)
    _check(options)
    dataset = prepare(options).dataset
    if options.preview:
        _write_preview(options, options.preview, dataset)
    if options.output and options.per_class:
        _write_images(options.output, options.per_class, options.seed, dataset)
    return OK


def _check(options: AugmentOptions) -> None:
    """Refuses conflicting flags and target folders that overlap with others, before anything is read."""
    if not (options.preview or options.output):
        raise UsageError("nothing to do; give --preview FOLDER, --output FOLDER, or both")
    if bool(options.output) != bool(options.per_class):
        raise UsageError("--per-class goes with --output; give both or neither")
    check_folders(options.preview, options.output)
    sources = sources_of(options)
    from melanoma.datasets.label_tables import is_table
    from melanoma.training.data.export import check_target_folder

    read = [*sources.roots, *(uri for uri in sources.data if not is_table(uri))]
    if options.preview:
        check_target_folder(options.preview, [*read, *filter(None, [options.output])], empty=False)
    if options.output:
        check_target_folder(options.output, [*read, *filter(None, [options.preview])], empty=True)


def _write_preview(options: AugmentOptions, folder: str, dataset: "Dataset") -> None:
    from melanoma import storage
    from melanoma.datasets.splits import TRAIN
    from melanoma.training.data.contact_sheets import SheetConfig, plot_sheet
    from melanoma.training.data.policies import POLICIES

    root, part = storage.canonical(folder), dataset.part(TRAIN)
    storage.write_bytes(storage.join(root, "counts.png"), _counts_chart(options, dataset))
    config = SheetConfig(
        POLICIES[options.augmentation], options.size, options.photographs, options.variants, options.seed
    )
    for label in tqdm(dataset.labels, unit="sheet", desc="sheets", disable=None, dynamic_ncols=True):
        members = [photograph for photograph in part.photographs if photograph.label == label]
        if members:
            storage.write_bytes(storage.join(root, f"{label}.png"), plot_sheet(members, config))
    print(f"\n{folder}: counts.png and a sheet for each class (they contain photographs: do not publish them)")


def _counts_chart(options: AugmentOptions, dataset: "Dataset") -> bytes:
    from melanoma.datasets.splits import TRAIN
    from melanoma.training.data.class_counts import epoch_counts, plot_counts

    before = {label: parts[TRAIN] for label, parts in dataset.tally().items()}
    if options.per_class:
        after = {label: count + options.per_class for label, count in before.items() if count}
        return plot_counts(before, after, f"with {options.per_class:,} augmented images per class")
    return plot_counts(before, epoch_counts(before, options.balance))


def _write_images(folder: str, per_class: int, seed: int, dataset: "Dataset") -> None:
    from melanoma.datasets.splits import TRAIN
    from melanoma.training.data import export

    planned = export.plan_augmented_images(dataset.part(TRAIN).photographs, per_class, seed)
    with tqdm(total=len(planned), unit="image", desc="augmented", disable=None, dynamic_ncols=True) as bar:
        export.write_augmented_images(planned, dataset, folder, bar.update)
    sources = len({image.photograph.sha256 for image in planned})
    print(
        f"\n{folder}: {counted(len(planned), 'augmented image')} of {counted(sources, 'photograph')} of the training "
        f"part, {export.MANIFEST}, {export.SPLIT}\n"
        f"use them only for training; {export.SPLIT} lists the photographs for validation and test"
    )
