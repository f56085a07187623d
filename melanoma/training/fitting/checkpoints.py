"""Where a training stands after an epoch, as one file that is whole or not there."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.errors import UsageError
from melanoma.storage.local import replace_file

Arrays = Sequence[npt.NDArray[Any]]
# What a training leaves in its folder while it goes on; the bundle keeps all but the first.
CHECKPOINT, HISTORY, SPLIT = WHILE_TRAINING = ("checkpoint.npz", "history.csv", "split.csv")
_STORY = "story"


def checkpoint_names(teachers: int) -> tuple[str, ...]:
    """Names the checkpoints of a training with so many teachers: that of what ships, and theirs in order."""
    return CHECKPOINT, *(f"teacher-{number}.npz" for number in range(1, teachers + 1))


class Checkpoint(NamedTuple):
    """State after an epoch.

    Attributes:
        epochs: That are done.
        history: Figures of each of them.
        backends: Of Keras, that trained them, in order.
        arrays: Lists of arrays by name: weights, optimizer, average.
    """

    epochs: int
    history: list[dict[str, float]]
    backends: list[str]
    arrays: Mapping[str, Arrays]


def save(path: Path, checkpoint: Checkpoint, settings: Mapping[str, Any]) -> None:
    """Replaces the file.

    Args:
        path: Local file.
        checkpoint: What to keep.
        settings: JSON values that the training must have again when it goes on.
    """
    story = {
        "epochs": checkpoint.epochs,
        "history": checkpoint.history,
        "backends": checkpoint.backends,
        "settings": settings,
    }
    flat: dict[str, Any] = {
        f"{name}/{n:05d}": array for name, arrays in checkpoint.arrays.items() for n, array in enumerate(arrays)
    }
    file = io.BytesIO()
    flat[_STORY] = np.array(json.dumps(story))
    np.savez(file, allow_pickle=False, **flat)
    replace_file(str(path), file.getvalue())


def load(path: Path, settings: Mapping[str, Any]) -> Checkpoint:
    """Reads the file.

    Raises:
        UsageError: It is no checkpoint, or one of a training with other settings.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            story = json.loads(str(archive[_STORY]))
            arrays: dict[str, list[npt.NDArray[Any]]] = {}
            for key in sorted(set(archive.files) - {_STORY}):
                arrays.setdefault(key.partition("/")[0], []).append(archive[key])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        found = f"{path}: is no checkpoint, or a damaged one ({type(error).__name__})"
        raise UsageError(f"{found}; delete it and train again without --resume, or choose another folder") from None
    now = json.loads(json.dumps(settings))
    other = [name for name in now if story["settings"].get(name) != now[name]]
    if other:
        name = other[0]
        raise UsageError(
            f"{path}: was trained with {name} {story['settings'].get(name)}, now it is {now[name]}; "
            "give the same options, or train into a new folder"
        )
    return Checkpoint(story["epochs"], story["history"], story["backends"], arrays)
