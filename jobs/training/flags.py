"""The flags of `melanoma train`."""

import argparse
from functools import partial
from typing import Any

from jobs.console.arg_types import size, whole
from jobs.console.data_flags import add_data_arguments

_image_size = partial(size, least=32)

# One table for the parser and for the command that the card repeats.
TRAIN_FLAGS: dict[str, dict[str, Any]] = {
    "network": {
        "default": "lite0",
        "metavar": "NAME",
        "help": "lite0, lite1, lite2, assignment-cnn, or any network of keras.applications (default: %(default)s)",
    },
    "start-from": {
        "metavar": "BUNDLE",
        "help": "warm start: take all weights except the head's from a bundle with the same network",
    },
    "size": {"type": _image_size, "metavar": "HxW", "help": "image size in pixels for scoring (default: by network)"},
    "train-size": {
        "action": "append",
        "default": [],
        "type": _image_size,
        "metavar": "HxW",
        "help": "image size in pixels for training; repeatable; the sizes are used in order "
        "(default: --size, or by network)",
    },
    "epochs": {"type": whole, "metavar": "N", "help": "total epochs (default: by network)"},
    "head-epochs": {
        "type": partial(whole, least=0),
        "metavar": "N",
        "help": "number of first epochs that train only the head (default: by network)",
    },
    "batch-size": {"type": whole, "metavar": "N", "help": "training batch size (default: by network)"},
    "learning-rate": {"type": float, "metavar": "RATE", "help": "peak learning rate (default: by network)"},
    "balance": {
        "type": float,
        "metavar": "SHARE",
        "help": "how epochs sample classes: 0 in proportion to their frequency, 1 equally often (default: by network)",
    },
    "label-smoothing": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of each target that is spread over all classes (default: by network)",
    },
    "mixup": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of batches whose photographs are blended (default: by network)",
    },
    "taught-by": {
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "help": "distillation: a teacher network, trained first, whose predictions this one learns as well as the "
        "labels; repeatable",
    },
    "teaching": {
        "type": float,
        "metavar": "SHARE",
        "help": "teacher weight: share of each target that comes from the predictions of --taught-by (default: 0.7)",
    },
    "teacher-epochs": {"type": whole, "metavar": "N", "help": "epochs of each network in --taught-by (default: 21)"},
    "precision": {
        "choices": ("float32", "bfloat16"),
        "default": "float32",
        "help": "numeric precision of training; bfloat16 is for GPUs (default: %(default)s)",
    },
    "look": {
        "choices": ("views", "augmentor"),
        "help": "augmentation policy for training photographs (default: by network)",
    },
    "rule": {
        "choices": ("balanced", "argmax"),
        "default": "balanced",
        "help": "decision rule for top_label (default: %(default)s)",
    },
    "review-share": {
        "type": float,
        "default": 0.2,
        "metavar": "SHARE",
        "help": "share of photographs that may be referred to a person for low confidence (default: %(default)s)",
    },
    "by": {
        "metavar": "COLUMNS",
        "help": "columns of the tables in --data and --reference for evaluating subgroups, such as age,sex",
    },
    "data-description": {
        "metavar": "TEXT",
        "help": "description of the data for the card (default: the values of --data)",
    },
    "data-licence": {
        "required": True,
        "metavar": "FILE|TEXT",
        "help": "terms of the data, which also apply to the bundle",
    },
    "limit": {
        "action": "append",
        "default": [],
        "metavar": "TEXT",
        "help": "a sentence for the known limits on the card; repeatable",
    },
    "output": {"required": True, "metavar": "FOLDER", "help": "local folder that becomes the bundle"},
    "name": {"metavar": "TEXT", "help": "name of the bundle on its card (default: the folder's name)"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `melanoma train`."""
    add_data_arguments(parser)
    for name, details in TRAIN_FLAGS.items():
        parser.add_argument(f"--{name}", **details)
    parser.add_argument(
        "--processes",
        type=partial(whole, least=0),
        default=0,
        metavar="N",
        help="processes that load photographs; changes only the speed, useful with GPUs (default: threads)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the training in --output after its last completed epoch"
    )
