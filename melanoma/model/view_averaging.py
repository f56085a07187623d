"""Scores several views of a photograph, turned and mirrored, and averages what the network answers for them.

A lesion has no upright position, so every view shows the same lesion, and the differences between the answers are
errors of the network. Averaging over such views is test-time augmentation: Krizhevsky, Sutskever, Hinton: "ImageNet
Classification with Deep Convolutional Neural Networks", NeurIPS 2012.
"""

from collections.abc import Callable, Sequence

import numpy as np

from melanoma.images.pixels import Pixels
from melanoma.model.decision import ModelOutput, log_probabilities
from melanoma.model.engine_interface import Engine

# The first four keep height and width, so that any network can take them. The order is part of every model with views.
_VIEWS: tuple[Callable[[Pixels], Pixels], ...] = (
    lambda pixels: pixels,
    lambda pixels: pixels[:, :, ::-1],  # mirrored
    lambda pixels: pixels[:, ::-1, ::-1],  # turned by 180 degrees
    lambda pixels: pixels[:, ::-1],
    lambda pixels: pixels.transpose(0, 2, 1, 3),
    lambda pixels: pixels.transpose(0, 2, 1, 3)[:, ::-1, ::-1],
    lambda pixels: pixels.transpose(0, 2, 1, 3)[:, :, ::-1],  # turned by 90 degrees
    lambda pixels: pixels.transpose(0, 2, 1, 3)[:, ::-1],
)


class ViewsEngine:
    """An engine that scores every view of a photograph with another engine and averages the answers.

    The probabilities are the normalised geometric mean over the views: the logits are averaged, so that a temperature
    acts on the average as on a single view. The out-of-distribution score is the mean.

    Attributes:
        one_view: The engine that scores each view.
    """

    def __init__(self, engine: Engine, views: int) -> None:
        """Wraps an engine.

        Args:
            engine: Scores one view.
            views: One of `view_counts.VIEW_COUNTS`; 8 needs photographs as high as wide.
        """
        self.one_view, self._views = engine, _VIEWS[:views]
        self.version, self.batch_size = engine.version, engine.batch_size

    def score(self, pixels: Pixels) -> ModelOutput:
        """Scores up to `batch_size` photographs, see `Engine.score`."""
        return averaged([self.one_view.score(np.ascontiguousarray(view(pixels))) for view in self._views])


def with_views(engine: Engine, views: int) -> Engine:
    """Returns an engine that averages so many views, however many the given one averages."""
    one_view = engine.one_view if isinstance(engine, ViewsEngine) else engine
    return ViewsEngine(one_view, views) if views > 1 else one_view


def averaged(outputs: Sequence[ModelOutput]) -> ModelOutput:
    """Averages the outputs for several views of the same photographs.

    A broken network may return NaN; so does this.
    """
    logits = np.mean([log_probabilities(one.probabilities) for one in outputs], axis=0)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    scores = [one.ood for one in outputs if one.ood is not None]
    return ModelOutput(probabilities, np.stack(scores).mean(axis=0) if scores else None)
