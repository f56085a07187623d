"""What a bundle holds besides its network: the settings of the model, and documents about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from melanoma.images.decoding import ImageSpec
from melanoma.labels import name_of, slug_of
from melanoma.model.engine_names import F32
from melanoma.model.preprocessing import NO_SCALING, Scaling


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Everything besides the network that affects a probability, a label or a flag; changing it changes the model id.

    Attributes:
        labels: In the order of the network's outputs; for one sigmoid output the class of 0, then the class of 1.
        spec: Size and crop that the decoder delivers.
        prior: Class shares that the network's probabilities refer to, in the order of `labels`, sum 1.
        scaling: What happens to pixel values between the decoder and the network.
        temperature: Divides the logits; above 0.
        views: How many views of a photograph are averaged, see `view_averaging`.
        precision: In which the network computes, one of `PRECISIONS`.
        decision_rule: `balanced` or `argmax`.
        thresholds: `melanoma`, `review_below` and `ood_above`, each 0 to 1 and optional; see `decision.decide`.
    """

    labels: Sequence[str]
    spec: ImageSpec
    prior: Sequence[float]
    scaling: Scaling = NO_SCALING
    temperature: float = 1.0
    views: int = 1
    precision: str = F32
    decision_rule: str = "balanced"
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BundleDocuments:
    """What a bundle says about its model without changing what the model computes.

    Attributes:
        card: Markdown for people: data, intended use, metrics, limits.
        licence: Terms of the data that the network was trained on.
        reference: Distribution of the network's outputs on the validation photographs, as
            `reference_distribution.reference_of` returns it; empty where there is none.
        metrics: Measured figures, JSON values.
        training: Command, seed and data, JSON values.
        extra_files: More files by their name in the bundle, such as pictures that the card shows.
    """

    card: str
    licence: str
    reference: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    extra_files: Mapping[str, bytes] = field(default_factory=dict)


def labels_of_outputs(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns the classes of a network, of which a single label is that of its one sigmoid output.

    Example:
        >>> labels_of_outputs(["mel"])
        ('not melanoma', 'mel')
    """
    return (f"not {name_of(slug_of(labels[0])).lower()}", labels[0]) if len(labels) == 1 else tuple(labels)
