"""Reads `bundle.json` as untrusted input: every value has its type and range, or the bundle is refused."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma.errors import BundleError, DataError, UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.json_values import number, shares, to_json, typed
from melanoma.labels import slugs_of
from melanoma.model.engine_names import F32, PRECISIONS
from melanoma.model.preprocessing import SMALLEST, Scaling, read_preprocessing
from melanoma.model.reference_distribution import check_reference
from melanoma.model.view_counts import view_fault

FORMAT = 1
KERAS, ONNX = "tensorflow", "onnx"  # what a bundle states as its engine: where its network comes from
DESCRIPTION, NETWORK, PORTABLE, CARD, LICENCE = "bundle.json", "model.keras", "model.onnx", "card.md", "LICENSE"
_ORIGIN = {KERAS: NETWORK, ONNX: PORTABLE}
DECISION_RULES = ("balanced", "argmax")
FLAGGED, REVIEW_BELOW, OOD_ABOVE = "melanoma", "review_below", "ood_above"  # thresholds; the first is a label too
# Optional: how many views of a photograph are averaged, and in which precision the network computes.
VIEWS, PRECISION = "views", "precision"
# Everything that affects a probability or a flag, besides these two and the bytes of the network.
_IDENTITY = ("labels", "image_size", "preprocessing", "prior", "temperature", "decision_rule", "thresholds", "engine")
_REQUIRED = frozenset([*_IDENTITY, "format", "reference", "golden", "metrics", "training", "versions", "files"])


@dataclass(frozen=True)
class GoldenSample:
    """One synthetic picture that a bundle must score as it did when it was written.

    Attributes:
        file: Name inside the bundle.
        tensor_sha256: Digest of the decoded tensor's bytes.
        probabilities: By slug, each 0 to 1.
        ood_score: 0 to 1; None for a network that has none.
    """

    file: str
    tensor_sha256: str
    probabilities: Mapping[str, float]
    ood_score: float | None = None


@dataclass(frozen=True)
class Description:
    """A `bundle.json` in which every value has been checked.

    Attributes:
        model_id: `m-` and 12 hex digits, a digest of everything that affects a probability or a flag.
        labels: As written in the bundle, in the order of the network's outputs.
        slugs: The labels as column names, in the same order.
        spec: What the decoder must deliver.
        scaling: What happens between decoder and network.
        prior: Class shares that the probabilities refer to, in the order of `labels`, sum 1.
        temperature: Divides the logits; above 0.
        views: How many views of a photograph are averaged, see `view_averaging`.
        precision: In which the network computes, one of `PRECISIONS`.
        decision_rule: `balanced` or `argmax`.
        thresholds: 0 to 1, each of them optional: `melanoma` and above sets `flag_melanoma`; a confidence below
            `review_below` or an out-of-distribution score above `ood_above` asks for a review.
        golden: Golden samples with their scores.
        description: The whole document.
    """

    model_id: str
    labels: tuple[str, ...]
    slugs: tuple[str, ...]
    spec: ImageSpec
    scaling: Scaling
    prior: tuple[float, ...]
    temperature: float
    views: int
    precision: str
    decision_rule: str
    thresholds: Mapping[str, float]
    golden: tuple[GoldenSample, ...]
    description: Mapping[str, Any]


def read_description(data: bytes) -> Description:
    """Reads the bytes of a `bundle.json`.

    Raises:
        BundleError: They are not JSON, of another format, or a value has the wrong type or range.
    """
    document = _parse(data)
    try:
        described = _from(document)
        _check(described)
    except (KeyError, ValueError, RecursionError, DataError, UsageError) as error:
        found = f"lacks {error}" if isinstance(error, KeyError) else f"is malformed ({error})"
        raise BundleError(f"{DESCRIPTION} {found}; write the bundle again") from error
    return described


def model_id_of(document: Mapping[str, Any]) -> str:
    """Returns a model's id: a digest of what affects a probability or a flag, so that a new card does not change it."""
    identity = {key: document[key] for key in _IDENTITY}
    if document.get(VIEWS, 1) != 1:
        identity[VIEWS] = document[VIEWS]
    if document.get(PRECISION, F32) != F32:
        identity[PRECISION] = document[PRECISION]
    identity["network"] = document["files"][_ORIGIN.get(document["engine"], NETWORK)]
    return f"m-{hashlib.sha256(to_json(identity, indent=None)).hexdigest()[:12]}"


def source_of(document: Mapping[str, Any], network: str | None) -> str:
    """Returns what `model.onnx` holds besides operators: a digest of all that was put into it.

    Args:
        document: Description with `image_size`, `preprocessing` and `temperature`.
        network: sha256 of the `model.keras` that it was made from; None for a network that comes from ONNX.
    """
    inside = {key: document[key] for key in ("image_size", "preprocessing", "temperature")}
    return hashlib.sha256(to_json({**inside, "network": network}, indent=None)).hexdigest()


def uniform_prior(labels: Sequence[str]) -> tuple[float, ...]:
    """Returns the prior that gives every label the same share."""
    return tuple(1 / len(labels) for _ in labels)


def _parse(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{DESCRIPTION} is not JSON ({error}); write the bundle again") from None
    missing = sorted(_REQUIRED - set(document)) if isinstance(document, dict) else sorted(_REQUIRED)
    if missing:
        raise BundleError(f"{DESCRIPTION} lacks {', '.join(missing)}; write the bundle again")
    if type(document["format"]) is not int or document["format"] != FORMAT:
        raise BundleError(f"bundle format {document['format']!r:.40}, this version reads {FORMAT}; upgrade melanoma")
    return dict(document)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _from(document: Mapping[str, Any]) -> Description:
    for key in ("files", "metrics", "training", "versions"):
        typed(dict, document[key], key)
    typed(str, document["engine"], "engine")
    labels = [typed(str, label, "a label") for label in typed(list, document["labels"], "labels")]
    slugs = slugs_of(labels)
    height, width = (typed(int, side, "image_size") for side in typed(list, document["image_size"], "image_size", 2))
    if taken := {REVIEW_BELOW, OOD_ABOVE} & set(slugs):
        raise ValueError(f"a label is named {min(taken)}, which is the name of a threshold")
    check_reference(document["reference"], slugs)
    thresholds = typed(dict, document["thresholds"], "thresholds")
    stated = [name for name in (*slugs, REVIEW_BELOW, OOD_ABOVE) if name in thresholds]
    spec, scaling = read_preprocessing(height, width, typed(dict, document["preprocessing"], "preprocessing"))
    return Description(
        model_id=model_id_of(document),
        labels=tuple(labels),
        slugs=slugs,
        spec=spec,
        scaling=scaling,
        prior=tuple(shares(document["prior"], "prior", slugs).values()),
        temperature=number(document["temperature"], "temperature", SMALLEST),
        views=typed(int, document.get(VIEWS, 1), VIEWS),
        precision=typed(str, document.get(PRECISION, F32), PRECISION),
        decision_rule=typed(str, document["decision_rule"], "decision_rule"),
        thresholds=shares(thresholds, "thresholds", stated),
        golden=tuple(_golden(entry, slugs) for entry in typed(list, document["golden"], "golden")),
        description=document,
    )


def _golden(stated: object, slugs: Sequence[str]) -> GoldenSample:
    entry = typed(dict, stated, "a golden sample")
    return GoldenSample(
        file=typed(str, entry["file"], "file of a golden sample"),
        tensor_sha256=typed(str, entry["tensor_sha256"], "tensor_sha256"),
        probabilities=shares(entry["probabilities"], "golden probabilities", slugs),
        ood_score=number(entry["ood_score"], "golden ood_score", 0.0, 1.0) if "ood_score" in entry else None,
    )


def _check(described: Description) -> None:
    """Checks values against each other.

    Raises:
        ValueError: They contradict each other; the text names every contradiction.
    """
    faults = [*_class_faults(described), *_rule_faults(described)]
    if described.description["engine"] not in _ORIGIN:
        faults.append(f"engine {described.description['engine']!r:.40}, this version runs {KERAS} and {ONNX}")
    if fault := view_fault(described.views, described.spec.height, described.spec.width):
        faults.append(fault)
    if described.precision not in PRECISIONS:
        faults.append(f"precision {described.precision!r:.40}, this version computes in {' and '.join(PRECISIONS)}")
    names = {sample.file for sample in described.golden}
    if not names or len(names) < len(described.golden) or not names <= described.description["files"].keys():
        faults.append("no golden samples, a repeated one, or one that is not among the files")
    if faults:
        raise ValueError("; ".join(faults))


def _class_faults(described: Description) -> Iterator[str]:
    if len(described.slugs) < 2:
        yield f"{len(described.slugs)} labels, expected at least 2"
    if not math.isclose(sum(described.prior), 1.0, abs_tol=1e-6):
        yield f"prior sums to {sum(described.prior):g}, not to 1"


def _rule_faults(described: Description) -> Iterator[str]:
    if described.decision_rule not in DECISION_RULES:
        yield f"decision rule {described.decision_rule!r:.40}, known are {', '.join(DECISION_RULES)}"
    if described.decision_rule == "balanced" and min(described.prior, default=1) < SMALLEST:
        yield f"the balanced rule divides by the prior, which holds less than {SMALLEST:g}"
