"""Predictions drawn at random, whose strength is known."""

import numpy as np

from melanoma.evaluation.inputs.predictions import Predictions

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")


def drawn(n: int, seed: int = 0, strength: float = 1.5, per_group: int = 1, **more: object) -> Predictions:
    """Draws softmax outputs that lean towards the truth; the likeliest class is chosen."""
    dice = np.random.default_rng(seed)
    truth = dice.choice(len(SLUGS), n, p=[0.3, 0.5, 0.2])
    logits = dice.normal(size=(n, len(SLUGS))) + strength * np.eye(len(SLUGS))[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    groups = np.array([f"lesion-{i // per_group}" for i in range(n)])
    return Predictions(SLUGS, truth, p.astype(np.float32), p.argmax(axis=1), groups, **more)  # type: ignore[arg-type]


def stated(p: list[list[float]], truth: list[int], slugs: tuple[str, ...] = SLUGS) -> Predictions:
    """Takes probabilities as they are, a lesion each."""
    probabilities = np.array(p, np.float32).reshape(len(truth), len(slugs))
    top = probabilities.argmax(axis=1) if len(truth) else np.zeros(0, np.int64)
    return Predictions(
        slugs, np.array(truth, np.int64), probabilities, top, np.array([str(i) for i in range(len(truth))])
    )
