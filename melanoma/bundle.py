"""The model is a bundle: a folder that says everything about a network, checked whole before anything of it is run."""

import contextlib
import hashlib
import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from melanoma import storage
from melanoma.errors import BundleError, ErrorKind, ReadError
from melanoma.images import ImageSpec
from melanoma.labels import slugs_of
from melanoma.scan import NetworkFacts, scan_network

FORMAT = 1
DESCRIPTION, NETWORK, CARD, LICENCE = "bundle.json", "model.keras", "card.md", "LICENSE"
DECISION_RULES = ("balanced", "argmax")
_MAX_FILES, _MAX_BYTES = 64, 512 * 2**20
# What moves a probability or a flag; beside these only the bytes of the network.
_IDENTITY = ("labels", "image_size", "preprocessing", "prior", "temperature", "decision_rule", "thresholds", "engine")
_REQUIRED = frozenset([*_IDENTITY, "format", "reference", "golden", "metrics", "training", "versions", "files"])


@dataclass(frozen=True)
class Scaling:
    """What happens to a pixel value between the decoder and the network: `(x * scale + offset - mean) / std`.

    Attributes:
        scale: Factor for values 0 to 255.
        offset: Added after scaling.
        mean: Per channel (red, green, blue), subtracted.
        std: Per channel, divided by; each above 0.
    """

    scale: float = 1.0
    offset: float = 0.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


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
class Bundle:
    """A bundle whose digests, description and network file have been checked; nothing of it has been run.

    Attributes:
        uri: Where it was read from.
        model_id: `m-` and 12 hex digits over what moves a probability or a flag.
        digest: sha256 over everything, in hex: what a production job pins.
        labels: As the bundle spells them, in the order of the network's outputs.
        slugs: The same as column names.
        spec: What the decoder must deliver.
        scaling: What happens between decoder and network.
        prior: Class shares that the probabilities refer to, in the order of `labels`, sum 1.
        temperature: Divides the logits; above 0.
        decision_rule: `balanced` or `argmax`.
        thresholds: By slug, 0 to 1; `melanoma` is the threshold of `flag_melanoma`.
        golden: Phantoms with their probabilities.
        facts: What the static scan saw of the network.
        description: All of `bundle.json`.
        files: Content of every other file, by its name inside the bundle.
    """

    uri: str
    model_id: str
    digest: str
    labels: tuple[str, ...]
    slugs: tuple[str, ...]
    spec: ImageSpec
    scaling: Scaling
    prior: tuple[float, ...]
    temperature: float
    decision_rule: str
    thresholds: Mapping[str, float]
    golden: tuple[Golden, ...]
    facts: NetworkFacts
    description: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)

    @contextlib.contextmanager
    def network_file(self) -> Iterator[Path]:
        """Lends the network as a private local file, as Keras wants it."""
        with _as_file(self.files[NETWORK]) as path:
            yield path


def load_bundle(uri: str, expected_digest: str | None = None) -> Bundle:
    """Reads a bundle and checks all of it that can be checked without running it.

    Args:
        uri: Folder in any store.
        expected_digest: The digest that it must have, where one is pinned.

    Raises:
        BundleError: A file is missing, extra or changed, the description is wrong, or the network file is unsafe.
    """
    document, digest = _read_description(uri)
    if expected_digest is not None and digest != expected_digest:
        raise BundleError(f"{uri}: has digest {digest[:12]}…, but {expected_digest[:12]}… is asked for")
    files = _read_files(uri, document["files"])
    if NETWORK not in files:
        raise BundleError(f"{uri}: {DESCRIPTION} does not list {NETWORK}; write the bundle again")
    try:
        with _as_file(files[NETWORK]) as path:
            facts = scan_network(path)
    except BundleError as error:
        raise BundleError(f"{uri}: {error}") from None
    try:
        return _from_document(uri, digest, document, files, facts)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{uri}: {DESCRIPTION} is malformed ({error}); write the bundle again") from error


def model_id_of(document: Mapping[str, Any]) -> str:
    """Names a model by what moves a probability or a flag: a mended card keeps the name, a new prior does not."""
    identity = {key: document[key] for key in _IDENTITY}
    identity["network"] = document["files"][NETWORK]
    return f"m-{hashlib.sha256(to_json(identity, indent=None)).hexdigest()[:12]}"


def to_json(document: object, indent: int | None = 2) -> bytes:
    """Spells a document so that equal documents are equal bytes."""
    return (json.dumps(document, sort_keys=True, indent=indent, allow_nan=False, ensure_ascii=False) + "\n").encode()


@contextlib.contextmanager
def _as_file(network: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="melanoma-") as folder:
        path = Path(folder) / NETWORK
        path.write_bytes(network)
        yield path


def _read_description(uri: str) -> tuple[dict[str, Any], str]:
    try:
        data = storage.read_bytes(storage.join(uri, DESCRIPTION))
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            raise BundleError(f"{uri}: no {DESCRIPTION} there; --bundle wants the folder of a bundle") from None
        raise BundleError(f"{uri}: {error.detail}") from None
    try:
        document = json.loads(data)
    except ValueError as error:
        raise BundleError(f"{uri}: {DESCRIPTION} is not JSON ({error}); write the bundle again") from None
    missing = sorted(_REQUIRED - set(document)) if isinstance(document, dict) else sorted(_REQUIRED)
    if missing:
        raise BundleError(f"{uri}: {DESCRIPTION} lacks {', '.join(missing)}; write the bundle again")
    if document["format"] != FORMAT:
        raise BundleError(f"{uri}: bundle format {document['format']!r}, this version reads {FORMAT}; upgrade melanoma")
    return document, hashlib.sha256(data).hexdigest()


def _read_files(uri: str, listed: Mapping[str, str]) -> dict[str, bytes]:
    prefix = storage.canonical(uri).rstrip("/") + "/"
    found = {}
    for stored in storage.list_files(uri):
        name = stored.uri.removeprefix(prefix)
        if not stored.regular:
            raise BundleError(f"{uri}: {name!r} is a link or a device; a bundle holds plain files only")
        found[name] = stored.size
        if len(found) > _MAX_FILES or sum(found.values()) > _MAX_BYTES:
            raise BundleError(f"{uri}: more than {_MAX_FILES} files or {_MAX_BYTES >> 20} MiB; this is no bundle")
    found.pop(DESCRIPTION, None)
    if strange := sorted(set(found) ^ set(listed)):
        raise BundleError(f"{uri}: missing or not listed in {DESCRIPTION}: {', '.join(map(repr, strange))}")
    return {name: _read_checked(uri, name, sha256) for name, sha256 in listed.items()}


def _read_checked(uri: str, name: str, sha256: str) -> bytes:
    data = storage.read_bytes(storage.join(uri, name))
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise BundleError(
            f"{uri}: {name} has sha256 {found[:12]}…, {DESCRIPTION} says {str(sha256)[:12]}…; copy the bundle again"
        )
    return data


def _from_document(
    uri: str, digest: str, document: Mapping[str, Any], files: dict[str, bytes], facts: NetworkFacts
) -> Bundle:
    slugs = slugs_of(document["labels"])
    height, width = document["image_size"]
    preprocessing = document["preprocessing"]
    bundle = Bundle(
        uri=uri,
        model_id=model_id_of(document),
        digest=digest,
        labels=tuple(document["labels"]),
        slugs=slugs,
        spec=ImageSpec(height, width, preprocessing["crop"]),
        scaling=Scaling(
            preprocessing["scale"], preprocessing["offset"], tuple(preprocessing["mean"]), tuple(preprocessing["std"])
        ),
        prior=tuple(float(document["prior"][slug]) for slug in slugs),
        temperature=float(document["temperature"]),
        decision_rule=document["decision_rule"],
        thresholds=dict(document["thresholds"]),
        golden=tuple(Golden(g["file"], g["tensor_sha256"], g["probabilities"]) for g in document["golden"]),
        facts=facts,
        description=document,
        files=files,
    )
    _check_values(bundle)
    return bundle


def _check_values(bundle: Bundle) -> None:
    wrong = []
    if len(bundle.slugs) < 2:
        wrong.append(f"{len(bundle.slugs)} labels, at least 2 are needed")
    if min(bundle.prior) < 0 or not math.isclose(sum(bundle.prior), 1.0, abs_tol=1e-6):
        wrong.append(f"prior sums to {sum(bundle.prior):g}, not to 1")
    if not 0 < bundle.temperature < math.inf:
        wrong.append(f"temperature {bundle.temperature}, must be above 0")
    if bundle.decision_rule not in DECISION_RULES:
        wrong.append(f"decision rule {bundle.decision_rule!r}, known are {', '.join(DECISION_RULES)}")
    if bundle.decision_rule == "balanced" and min(bundle.prior) <= 0:
        wrong.append("the balanced rule divides by the prior, which holds a 0")
    if min(bundle.scaling.std) <= 0:
        wrong.append("a std of 0 or below")
    if not bundle.golden or any(golden.file not in bundle.files for golden in bundle.golden):
        wrong.append("no golden phantoms, or one that is not among the files")
    if any(set(golden.probabilities) != set(bundle.slugs) for golden in bundle.golden):
        wrong.append("golden probabilities for other labels than the bundle's")
    if wrong:
        raise ValueError("; ".join(wrong))


def preprocessing_of(spec: ImageSpec, scaling: Scaling) -> dict[str, Any]:
    """Spells the preprocessing for `bundle.json`."""
    return {
        "resize": "bilinear-antialias",
        "crop": spec.crop,
        "scale": scaling.scale,
        "offset": scaling.offset,
        "mean": list(scaling.mean),
        "std": list(scaling.std),
    }


def uniform_prior(labels: Sequence[str]) -> tuple[float, ...]:
    """Gives every label the same share."""
    return tuple(1 / len(labels) for _ in labels)
