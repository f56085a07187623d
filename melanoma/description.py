"""What `bundle.json` says: each value of the type and in the range that the engine can keep, or a refusal."""

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from melanoma.errors import BundleError, DataError, UsageError
from melanoma.images import ImageSpec
from melanoma.labels import slugs_of

FORMAT = 1
ENGINE = "tensorflow"
DESCRIPTION, NETWORK, CARD, LICENCE = "bundle.json", "model.keras", "card.md", "LICENSE"
DECISION_RULES = ("balanced", "argmax")
_RESIZE = "bilinear-antialias"
_SMALLEST, _LARGEST = 1e-6, 1e6  # of what multiplies or divides: far inside what 32 bits hold
# What moves a probability or a flag; beside these only the bytes of the network.
_IDENTITY = ("labels", "image_size", "preprocessing", "prior", "temperature", "decision_rule", "thresholds", "engine")
_REQUIRED = frozenset([*_IDENTITY, "format", "reference", "golden", "metrics", "training", "versions", "files"])
_T = TypeVar("_T")


@dataclass(frozen=True)
class Scaling:
    """What happens to a pixel value between the decoder and the network: `(x * scale + offset - mean) / std`.

    Attributes:
        scale: Factor for values 0 to 255.
        offset: Added after scaling.
        mean: Per channel (red, green, blue), subtracted.
        std: Per channel, divided by; each above 0.

    Raises:
        UsageError: A value lies outside its range.
    """

    scale: float = 1.0
    offset: float = 0.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        values = (self.scale, self.offset, *self.mean, *self.std)
        if not all(abs(value) <= _LARGEST for value in values) or min(self.std) < _SMALLEST:
            raise UsageError(f"{self}: give numbers of at most {_LARGEST:g}, and for std of at least {_SMALLEST:g}")


@dataclass(frozen=True)
class Golden:
    """One phantom that a bundle must score as it did when it was written.

    Attributes:
        file: Name inside the bundle.
        tensor_sha256: Digest of the decoded tensor's bytes.
        probabilities: By slug, each 0 to 1.
    """

    file: str
    tensor_sha256: str
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Description:
    """A description whose every value has been checked.

    Attributes:
        model_id: `m-` and 12 hex digits over what moves a probability or a flag.
        labels: As the bundle spells them, in the order of the network's outputs.
        slugs: The same as column names.
        spec: What the decoder must deliver.
        scaling: What happens between decoder and network.
        prior: Class shares that the probabilities refer to, in the order of `labels`, sum 1.
        temperature: Divides the logits; above 0.
        decision_rule: `balanced` or `argmax`.
        thresholds: By slug, 0 to 1; `melanoma` is the threshold of `flag_melanoma`.
        golden: Phantoms with their probabilities.
        description: All of `bundle.json`.
    """

    model_id: str
    labels: tuple[str, ...]
    slugs: tuple[str, ...]
    spec: ImageSpec
    scaling: Scaling
    prior: tuple[float, ...]
    temperature: float
    decision_rule: str
    thresholds: Mapping[str, float]
    golden: tuple[Golden, ...]
    description: Mapping[str, Any]


def read_description(data: bytes) -> Description:
    """Reads the bytes of a `bundle.json`.

    Raises:
        BundleError: They are no JSON, of another format, or a value is none that can be kept.
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
    """Names a model by what moves a probability or a flag: a mended card keeps the name, a new prior does not."""
    identity = {key: document[key] for key in _IDENTITY}
    identity["network"] = document["files"][NETWORK]
    return f"m-{hashlib.sha256(to_json(identity, indent=None)).hexdigest()[:12]}"


def to_json(document: object, indent: int | None = 2) -> bytes:
    """Spells a document so that equal documents are equal bytes."""
    return (json.dumps(document, sort_keys=True, indent=indent, allow_nan=False, ensure_ascii=False) + "\n").encode()


def preprocessing_of(spec: ImageSpec, scaling: Scaling) -> dict[str, Any]:
    """Spells the preprocessing for `bundle.json`."""
    return {
        "resize": _RESIZE,
        "crop": spec.crop,
        "scale": scaling.scale,
        "offset": scaling.offset,
        "mean": list(scaling.mean),
        "std": list(scaling.std),
    }


def uniform_prior(labels: Sequence[str]) -> tuple[float, ...]:
    """Gives every label the same share."""
    return tuple(1 / len(labels) for _ in labels)


def few(names: Collection[str]) -> str:
    """Quotes some names for an error, and counts those beyond the fifth."""
    return ", ".join(map(repr, sorted(names)[:5])) + ("" if len(names) <= 5 else f" and {len(names) - 5} more")


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
    raise ValueError(f"{name} is no number")


def _from(document: Mapping[str, Any]) -> Description:
    for key in ("files", "metrics", "reference", "training", "versions"):
        _as(dict, document[key], key)
    labels = [_as(str, label, "a label") for label in _as(list, document["labels"], "labels")]
    slugs = slugs_of(labels)
    height, width = (_as(int, side, "image_size") for side in _as(list, document["image_size"], "image_size", 2))
    thresholds = _as(dict, document["thresholds"], "thresholds")
    spec, scaling = _preprocessing(height, width, _as(dict, document["preprocessing"], "preprocessing"))
    return Description(
        model_id=model_id_of(document),
        labels=tuple(labels),
        slugs=slugs,
        spec=spec,
        scaling=scaling,
        prior=tuple(_shares(document["prior"], "prior", slugs).values()),
        temperature=_number(document["temperature"], "temperature", _SMALLEST),
        decision_rule=_as(str, document["decision_rule"], "decision_rule"),
        thresholds=_shares(thresholds, "thresholds", [slug for slug in slugs if slug in thresholds]),
        golden=tuple(_golden(entry, slugs) for entry in _as(list, document["golden"], "golden")),
        description=document,
    )


def _preprocessing(height: int, width: int, stated: Mapping[str, Any]) -> tuple[ImageSpec, Scaling]:
    known = preprocessing_of(ImageSpec(1, 1), Scaling())
    if stated.keys() != known.keys() or stated["resize"] != _RESIZE:
        raise ValueError(f"preprocessing is {stated!r:.200}, expected {', '.join(known)}, with resize {_RESIZE}")
    crop = None if stated["crop"] is None else _number(stated["crop"], "crop")
    scale, offset = _number(stated["scale"], "scale"), _number(stated["offset"], "offset")
    return ImageSpec(height, width, crop), Scaling(scale, offset, _colour(stated, "mean"), _colour(stated, "std"))


def _colour(stated: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    red, green, blue = (_number(value, name) for value in _as(list, stated[name], name, 3))
    return red, green, blue


def _golden(stated: object, slugs: Sequence[str]) -> Golden:
    entry = _as(dict, stated, "a golden phantom")
    return Golden(
        file=_as(str, entry["file"], "file of a golden phantom"),
        tensor_sha256=_as(str, entry["tensor_sha256"], "tensor_sha256"),
        probabilities=_shares(entry["probabilities"], "golden probabilities", slugs),
    )


def _as(kind: type[_T], value: Any, name: str, length: int | None = None) -> _T:
    """Gives a value back if it has its JSON type and, for a list, its length."""
    if type(value) is kind and length in (None, len(value) if isinstance(value, list) else None):
        return value
    expected = f"{kind.__name__} of {length}" if length else kind.__name__
    raise ValueError(f"{name} is {value!r:.60}, expected a {expected}")


def _number(value: Any, name: str, low: float = -_LARGEST, high: float = _LARGEST) -> float:
    if type(value) not in (int, float) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r:.60}, expected a number from {low:g} to {high:g}")
    return float(value)


def _shares(value: Any, name: str, slugs: Collection[str]) -> dict[str, float]:
    """Gives numbers from 0 to 1 by slug, in the order of the slugs."""
    shares = _as(dict, value, name)
    if shares.keys() != set(slugs):
        raise ValueError(f"{name} for {few(shares.keys())}, expected {few(slugs)}")
    return {slug: _number(shares[slug], f"{name} of {slug}", 0.0, 1.0) for slug in slugs}


def _check(described: Description) -> None:
    wrong = []
    if len(described.slugs) < 2:
        wrong.append(f"{len(described.slugs)} labels, at least 2 are needed")
    if not math.isclose(sum(described.prior), 1.0, abs_tol=1e-6):
        wrong.append(f"prior sums to {sum(described.prior):g}, not to 1")
    if described.decision_rule not in DECISION_RULES:
        wrong.append(f"decision rule {described.decision_rule!r:.40}, known are {', '.join(DECISION_RULES)}")
    if described.decision_rule == "balanced" and min(described.prior, default=1) < _SMALLEST:
        wrong.append(f"the balanced rule divides by the prior, which holds less than {_SMALLEST:g}")
    if described.description["engine"] != ENGINE:
        wrong.append(f"engine {described.description['engine']!r:.40}, this version runs {ENGINE}")
    names = {golden.file for golden in described.golden}
    if not names or len(names) < len(described.golden) or not names <= described.description["files"].keys():
        wrong.append("no golden phantoms, or one twice, or one that is not among the files")
    if wrong:
        raise ValueError("; ".join(wrong))
