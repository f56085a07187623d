"""Predictions for tests: drawn at random with a known accuracy, or given number by number."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.inputs.table_predictions import TablePredictions

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")


def random_predictions(n: int, seed: int = 0, strength: float = 1.5, per_group: int = 1, **more: object) -> Predictions:
    """Draws softmax outputs that lean towards the truth; the most likely class is chosen."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(SLUGS), n, p=[0.3, 0.5, 0.2])
    logits = rng.normal(size=(n, len(SLUGS))) + strength * np.eye(len(SLUGS))[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    groups = np.array([f"lesion-{i // per_group}" for i in range(n)])
    return Predictions(SLUGS, truth, p.astype(np.float32), p.argmax(axis=1), groups, **more)  # type: ignore[arg-type]


def predictions_of(p: list[list[float]], truth: list[int], slugs: tuple[str, ...] = SLUGS) -> Predictions:
    """Returns predictions with these probabilities, one lesion per photograph."""
    probabilities = np.array(p, np.float32).reshape(len(truth), len(slugs))
    top = probabilities.argmax(axis=1) if len(truth) else np.zeros(0, np.int64)
    groups = np.array([str(i) for i in range(len(truth))])
    return Predictions(slugs, np.array(truth, np.int64), probabilities, top, groups)


def table_predictions(
    ids: Sequence[str],
    slugs: Sequence[str] = ("melanoma", "nevus"),
    sha256: Sequence[str] = (),
    model_id: str = "m-1",
    **more: Any,
) -> TablePredictions:
    """Returns predictions in which the first class has probability 0.1, 0.2 and so on, and the second one the rest."""
    p = np.zeros((len(ids), len(slugs)), np.float32)
    p[:, 0] = np.arange(1, len(ids) + 1) / 10 % 1
    p[:, 1] = 1 - p[:, 0]
    values: dict[str, Any] = {
        "table": f"tables/{model_id}",
        "version": 1,
        "model_id": model_id,
        "slugs": tuple(slugs),
        "image_ids": tuple(ids),
        "sha256": tuple(sha256) or tuple(f"hash of {name}" for name in ids),
        "probabilities": p,
        "top": p.argmax(axis=1),
        "flagged": p[:, 0] > 0.15,
        "review": None,
        "failed": frozenset(),
        "superseded": 0,
        "ambiguous": frozenset(),
    }
    return TablePredictions(**values | more)


def accounting(**changes: Any) -> dict[str, Any]:
    """Returns the `data` of an evaluation in which every photograph has a label and nothing is left out."""
    zeros = dict.fromkeys(
        (
            *("photographs_without_label", "photographs_failed", "older_rows", "ambiguous_ids"),
            *("labels_without_photograph", "labels_of_failed", "labels_of_ambiguous", "labels_contradictory"),
            *("label_rows_blank", "label_rows_repeated", "photographs_trained_on"),
        ),
        0,
    )
    return {
        **zeros,
        "table": "s3://scores",
        "table_version": 4,
        "model_id": "m-1",
        "labels": "labels.csv",
        "labels_sha256": "0123456789abcdef" * 4,
        "group_column": "lesion",
        "photographs": 4_000,
        "labelled": 4_000,
        "judged": 4_000,
        "classes_unknown_to_model": {},
        "classes_without_label": [],
        "trained_on": ["split.csv"],
        **changes,
    }
