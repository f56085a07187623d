"""Folders that are named like the parts of a split, such as `Train` and `Test`: told apart from folders of classes."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import PARTS, TEST, TRAIN, VALIDATION
from melanoma.errors import DataError
from melanoma.labels import slugify
from melanoma.wording import are

_WORDS = {
    TRAIN: "training|train|trn",
    VALIDATION: "validation|validate|valid|val|development|dev",
    TEST: "testing|test|tst|holdout|heldout",
}
_FILLER = (
    "(?:images?|imgs?|photographs?|photos?|pictures?|pics?|data|dataset|set|split|part|subset|files?|input"
    "|isic(?:20[0-9]{2})?|task[0-9]|ham10000)"
)
_PARTS = {part: re.compile(f"{_FILLER}*(?:{words}){_FILLER}*[0-9]*") for part, words in _WORDS.items()}
_FOLD = re.compile(f"{_FILLER}*(?:(?:k?folds?|cv)[0-9]*|split[0-9]+)")
_MAX_NAMES = 3  # in an error message


class FolderMeaning(NamedTuple):
    """What the folders above a photograph state.

    Attributes:
        label: Its class, as the folder is named.
        part: `train`, `validation` or `test`, or the slug of a fold; empty where no folder is named like a part.
    """

    label: str
    part: str


def part_named(folder: str) -> str:
    """Returns the part of a split that a folder is named like: a name of `PARTS`, the slug of a fold, or `""`.

    Case, digits at the end, separators and words such as `images` do not matter.

    Example:
        >>> part_named("Train"), part_named("val_images"), part_named("Fold 3"), part_named("nevus")
        ('train', 'validation', 'fold_3', '')
    """
    letters = re.sub(r"[^a-z0-9]+", "", folder.lower())
    for part, pattern in _PARTS.items():
        if pattern.fullmatch(letters):
            return part
    return slugify(folder) if _FOLD.fullmatch(letters) else ""


def read_folder_names(root: str, paths: Sequence[str]) -> list[FolderMeaning]:
    """Returns the class and the part of photographs below a folder with class folders, split folders or both.

    Known are `<class>/…`, `<part>/<class>/…`, `<class>/<part>/…`, and these below folders that hold all photographs,
    as in `images/<part>/<class>/…`. Anything else with folders named like parts is refused, because a class and a part
    could be mistaken for each other.

    Args:
        root: The folder, for error messages.
        paths: Path of each photograph below it, with at least one folder.

    Raises:
        DataError: Folders are named like parts, and it is not clear which folders are the classes.
    """
    folders = [tuple(path.split("/")[:-1]) for path in paths]
    level = _level_of_parts(folders)
    if level is None:
        return [FolderMeaning(names[0], "") for names in folders]
    _check_all_are_parts(root, folders, level)
    depth = 0 if _classes_are_above(root, folders, level) else level + 1
    for path, names in zip(paths, folders, strict=True):
        if len(names) <= depth:
            raise DataError(
                f"{root}: {names[level]!r} is named like a part of a split and holds photographs, expected class "
                f"folders in it such as {names[level]}/<class>/{path.rsplit('/', 1)[-1]}; move them there, give a "
                "table of labels, or, if it is a class, rename the folder"
            )
    return [FolderMeaning(names[depth], part_named(names[level])) for names in folders]


def parts_without_classes(paths: Sequence[str]) -> list[str]:
    """Returns the part of each photograph in folders whose names are not classes; all empty if one has none."""
    parts = [next(filter(None, map(part_named, path.split("/")[:-1])), "") for path in paths]
    return parts if all(parts) else [""] * len(parts)


def _level_of_parts(folders: Sequence[tuple[str, ...]]) -> int | None:
    """Returns the first level with a folder named like a part; None if there is none within the levels that count.

    Those are the levels up to the first with several folders, and the one below that, for classes that hold parts.
    """
    for level in range(max(map(len, folders), default=0)):
        names = {path[level] for path in folders if len(path) > level}
        if any(map(part_named, names)):
            return level
        if level and len({path[:level] for path in folders}) > 1:
            return None
    return None


def _check_all_are_parts(root: str, folders: Sequence[tuple[str, ...]], level: int) -> None:
    """Refuses a level at which some folders are named like parts and others are not."""
    named = sorted({path[level] for path in folders if len(path) > level and part_named(path[level])})
    others = sorted({"/".join(path[: level + 1]) for path in folders if len(path) <= level or path[level] not in named})
    if others:
        raise DataError(
            f"{root}: {_few(named)} {are(len(named))} named like a part of a split, but beside "
            f"{_few(others)}, which {are(len(others))} not; expected only class folders, or only "
            "parts such as train and test. Move the others away; a class with such a name needs another, such as "
            f"{named[0]}_class"
        )


def _classes_are_above(root: str, folders: Sequence[tuple[str, ...]], level: int) -> bool:
    """Returns whether the classes are the folders above the parts, as in `nevus/train/…`, and not those below."""
    above = {path[:level] for path in folders}
    if len(above) == 1:
        return level > 0 and all(len(path) == level + 1 for path in folders)
    below: dict[str, set[tuple[str, ...]]] = {}
    for path in folders:
        for name in path[level + 1 : level + 2]:
            below.setdefault(name, set()).add(path[:level])
    if any(len(holders) > 1 for holders in below.values()):
        names = sorted("/".join(path) for path in above)
        raise DataError(
            f"{root}: {_few(names)} each hold parts of a split with the same folders in them, so it is not clear which "
            "are the classes; give each of them as data of its own, or a table of labels"
        )
    return True


def describe_parts(photographs: Sequence[Photograph], parts: Sequence[str]) -> str:
    """Returns a sentence about the parts that folders state, empty if they state none.

    Args:
        photographs: All photographs.
        parts: The part that each of them is in now.
    """
    stated = [part for part in PARTS if any(photograph.part == part for photograph in photographs)]
    if not stated:
        return ""
    moved = sorted({now for one, now in zip(photographs, parts, strict=True) if one.part and one.part != now})
    text = f"split as the folders are named: {', '.join(stated)}"
    return f"{text}; {' and '.join(moved)} taken from {TRAIN}, by lesion" if moved else text


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_MAX_NAMES])) + (
        f" and {len(names) - _MAX_NAMES} more" * (len(names) > _MAX_NAMES)
    )
