"""Keeps a photograph on which the network raises from taking the other photographs of its batch with it."""

from typing import Protocol

import numpy as np

from melanoma.images.pixels import Pixels
from melanoma.model.decision import ModelOutput


class Scores(Protocol):
    """What scores batches; an `Engine` does."""

    def score(self, pixels: Pixels) -> ModelOutput:
        """Scores some photographs."""


def score_isolated(engine: Scores, pixels: Pixels) -> ModelOutput:
    """Scores a batch; where the network raises, the batch is halved until the photographs at fault are alone.

    Args:
        engine: The network.
        pixels: uint8 (n, height, width, 3), n at least 1.

    Returns:
        The network's outputs; NaN for a photograph on which it raises, so that its row says `bad_output`.

    Raises:
        Exception: The network raises on a blank picture too, so the photographs are not at fault.
    """
    try:
        return engine.score(pixels)
    except Exception:  # noqa: BLE001 - a network may raise anything
        blank = engine.score(np.zeros_like(pixels[:1]))
    if len(pixels) == 1:
        nothing = np.full_like(blank.probabilities, np.nan)
        return ModelOutput(nothing, None if blank.ood is None else np.full_like(blank.ood, np.nan))
    middle = len(pixels) // 2
    halves = [score_isolated(engine, half) for half in (pixels[:middle], pixels[middle:])]
    ood = [half.ood for half in halves if half.ood is not None]
    return ModelOutput(np.concatenate([half.probabilities for half in halves]), np.concatenate(ood) if ood else None)
