"""The flags of `melanoma train`."""

import argparse
from functools import partial
from typing import Any

from jobs.console.arg_types import sentence, size, whole
from jobs.console.commands import add_group
from jobs.console.data_flags import add_data_arguments
from jobs.console.external_flags import EXTERNAL_FLAGS, EXTERNAL_ROOT
from jobs.console.renamed_flags import accept_old_names
from jobs.console.views_flag import VIEWS

_image_size = partial(size, least=32)
_SHARE: dict[str, Any] = {"type": float, "metavar": "SHARE"}
_NETWORK: dict[str, dict[str, Any]] = {
    "network": {
        "default": "lite0",
        "metavar": "NAME",
        "help": "lite0, lite1, lite2, assignment-cnn, or any network of keras.applications (default: %(default)s)",
    },
    "start-from": {
        "metavar": "BUNDLE",
        "help": "warm start: take all weights except the head's from a bundle with the same network, given by folder "
        "or name",
    },
    "size": {
        "type": _image_size,
        "metavar": "HxW",
        "help": "image size in pixels for scoring (default: 224x224; assignment-cnn: 112x112)",
    },
}
_SCHEDULE: dict[str, dict[str, Any]] = {
    "epochs": {"type": whole, "metavar": "N", "help": "total epochs (default: 21; assignment-cnn: 100)"},
    "head-epochs": {
        "type": partial(whole, least=0),
        "metavar": "N",
        "help": "number of first epochs that train only the head (default: 1; assignment-cnn: 0)",
    },
    "train-size": {
        "action": "append",
        "default": [],
        "type": _image_size,
        "metavar": "HxW",
        "help": "image size in pixels for training; repeatable; the sizes are used in order "
        "(default: --size if it is given, or 128x128, 160x160 and 192x192; assignment-cnn: 112x112)",
    },
    "batch-size": {
        "type": whole,
        "metavar": "N",
        "help": "photographs per training step (default: 32; assignment-cnn: 16)",
    },
    "learning-rate": {
        "type": float,
        "metavar": "RATE",
        "help": "peak learning rate (default: 0.0005; assignment-cnn: 0.001)",
    },
    "balance": {
        **_SHARE,
        "help": "how epochs sample classes: 0 in proportion to their frequency, 1 equally often "
        "(default: 0.5; assignment-cnn: 1.0)",
    },
    "label-smoothing": {
        **_SHARE,
        "help": "share of each target that is spread over all classes (default: 0.05; assignment-cnn: 0.05)",
    },
    "precision": {
        "choices": ("float32", "bfloat16"),
        "default": "float32",
        "help": "numeric precision of training; bfloat16 is for GPUs (default: %(default)s)",
    },
}
_AUGMENTATION: dict[str, dict[str, Any]] = {
    "augmentation": {
        "choices": ("views", "hospitals", "augmentor"),
        "help": "augmentation policy for training photographs (default: views; assignment-cnn: augmentor)",
    },
    "mixup": {
        **_SHARE,
        "help": "share of batches whose photographs are blended (default: 0.5; assignment-cnn: 0.0)",
    },
}
_DISTILLATION: dict[str, dict[str, Any]] = {
    "teacher": {
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "help": "a teacher network, trained first, whose predictions this one learns as well as the labels; "
        "repeatable (default: no teacher)",
    },
    "distill-weight": {
        **_SHARE,
        "help": "share of each target that comes from the predictions of the teachers (default: 0.7)",
    },
    "teacher-epochs": {"type": whole, "metavar": "N", "help": "epochs of each teacher (default: 21)"},
}
_DECISIONS: dict[str, dict[str, Any]] = {
    "views": VIEWS,
    "rule": {
        "choices": ("balanced", "argmax"),
        "default": "balanced",
        "help": "decision rule for top_label (default: %(default)s)",
    },
    "review-share": {
        **_SHARE,
        "default": 0.2,
        "help": "share of photographs that may be referred to a person for low confidence (default: %(default)s)",
    },
    "by": {
        "metavar": "COLUMNS",
        "help": "columns of the tables in --data and --reference for evaluating subgroups, such as age,sex",
    },
}
_EXTERNAL: dict[str, dict[str, Any]] = {
    "external": EXTERNAL_FLAGS["external"],
    "external-root": EXTERNAL_ROOT,
    **{name: details for name, details in EXTERNAL_FLAGS.items() if name != "external"},
}
_BUNDLE: dict[str, dict[str, Any]] = {
    "output": {"required": True, "metavar": "FOLDER", "help": "local folder that becomes the bundle"},
    "data-licence": {
        "required": True,
        "metavar": "FILE|TEXT",
        "help": "terms of the data, which also apply to the bundle",
    },
    "name": {"metavar": "TEXT", "help": "name of the bundle on its card (default: the folder's name)"},
    "data-description": {
        "metavar": "TEXT",
        "help": "description of the data for the card (default: the values of --data)",
    },
    "limitation": {
        "action": "append",
        "default": [],
        "type": sentence,
        "metavar": "TEXT",
        "help": "a sentence for the known limits on the card; repeatable",
    },
}
_GROUPS = {
    "network": _NETWORK,
    "schedule": _SCHEDULE,
    "augmentation (melanoma augment shows it)": _AUGMENTATION,
    "distillation": _DISTILLATION,
    "decisions and evaluation": _DECISIONS,
    "photographs of other hospitals, for the evaluation only": _EXTERNAL,
    "bundle": _BUNDLE,
}
# One table for the parser and for the command that the card repeats.
TRAIN_FLAGS = {name: details for group in _GROUPS.values() for name, details in group.items()}
_SESSION: dict[str, dict[str, Any]] = {
    "resume": {"action": "store_true", "help": "continue the training in --output after its last completed epoch"},
    "processes": {
        "type": partial(whole, least=0),
        "default": 0,
        "metavar": "N",
        "help": "processes that load photographs; changes only the speed, useful with GPUs (default: threads)",
    },
    "tensorboard": {
        "metavar": "FOLDER",
        "help": "write the metrics of every epoch to a subfolder of this local folder, as a log for TensorBoard",
    },
    "quiet": {"action": "store_true", "help": "print no progress, only warnings and the results"},
}
_OLD_NAMES = {
    "--look": "--augmentation",
    "--taught-by": "--teacher",
    "--teaching": "--distill-weight",
    "--limit": "--limitation",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `melanoma train`."""
    add_data_arguments(parser)
    for title, flags in _GROUPS.items():
        add_group(parser, title, flags)
    add_group(parser, "this start (does not change the result)", _SESSION)
    accept_old_names(parser, _OLD_NAMES)
