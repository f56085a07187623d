"""The state of a training after an epoch, as one file that is either complete or absent."""

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
# Files in the folder of a training in progress; the bundle keeps all but the checkpoint.
CHECKPOINT, HISTORY, SPLIT = WORK_FILES = ("checkpoint.npz", "history.csv", "split.csv")
_DIGEST = "photographs and split"  # a setting whose value says nothing to people
_SHOWN = {"look": "augmentation", "teaching": "distillation"}  # today's words for the names of settings
_STATE = "story"  # the archive's member with everything but the arrays; part of the file format


def checkpoint_names(teachers: int) -> tuple[str, ...]:
    """Returns the names of a training's checkpoints: that of the shipped network, then one for each teacher."""
    return CHECKPOINT, *(f"teacher-{number}.npz" for number in range(1, teachers + 1))


class Checkpoint(NamedTuple):
    """The state of a training after an epoch.

    Attributes:
        epochs: Completed epochs.
        history: Metrics of each completed epoch.
        backends: Keras backends that trained them, in order.
        arrays: Lists of arrays under the names `network`, `optimizer` and `average`.
    """

    epochs: int
    history: list[dict[str, float]]
    backends: list[str]
    arrays: Mapping[str, Arrays]


def save(path: Path, checkpoint: Checkpoint, settings: Mapping[str, Any]) -> None:
    """Replaces the file atomically.

    Args:
        path: Local file.
        checkpoint: State to keep.
        settings: JSON values that a resumed training must share.
    """
    state = {
        "epochs": checkpoint.epochs,
        "history": checkpoint.history,
        "backends": checkpoint.backends,
        "settings": settings,
    }
    members: dict[str, Any] = {
        f"{name}/{n:05d}": array for name, arrays in checkpoint.arrays.items() for n, array in enumerate(arrays)
    }
    members[_STATE] = np.array(json.dumps(state))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **members)
    replace_file(str(path), file.getvalue())


def load(path: Path, settings: Mapping[str, Any]) -> Checkpoint:
    """Reads the file.

    Args:
        path: Local file.
        settings: JSON values of the training that resumes; further values in the file are ignored.

    Raises:
        UsageError: The file is not a checkpoint, or belongs to a training with other settings.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            state = json.loads(str(archive[_STATE]))
            arrays: dict[str, list[npt.NDArray[Any]]] = {}
            for key in sorted(set(archive.files) - {_STATE}):
                arrays.setdefault(key.partition("/")[0], []).append(archive[key])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        found = f"{path}: not a checkpoint, or a damaged one ({type(error).__name__})"
        raise UsageError(f"{found}; delete it and train again without --resume, or choose another folder") from None
    _check_settings(path, state["settings"], json.loads(json.dumps(settings)))
    return Checkpoint(state["epochs"], state["history"], state["backends"], arrays)


def _check_settings(path: Path, saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    for name, value in current.items():
        if saved.get(name) != value:
            change = f"{_SHOWN.get(name, name)} {saved.get(name)}, now it is {value}"
            change = "other photographs or another split" if name == _DIGEST else change
            raise UsageError(
                f"{path}: this training began with {change}; "
                "give the same options as before, or train into a new folder"
            )
