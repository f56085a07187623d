"""What the portable form of every bundle looks like from outside, whatever network is inside."""

from dataclasses import dataclass

from onnx import TensorProto

from melanoma.errors import BundleError
from melanoma.model.decision import OOD_SCORE
from melanoma.model.portable.canonical import SOURCE
from melanoma.model.portable.scan import ScannedNetwork, scan

PIXELS, PROBABILITIES = "pixels", "probabilities"
_REMEDY = "make it again with melanoma bundle convert"


@dataclass(frozen=True)
class PortableFacts:
    """What `model.onnx` states about its network.

    Attributes:
        input_shape: Height, width and channels of one photograph.
        num_classes: Number of probabilities.
        has_ood_score: Whether the network has an out-of-distribution score.
        nodes: Number of operators.
        parameters: Number of weights.
        opset: Version of the operators.
        source: Digest of what the network was made from, see `description.source_of`; empty if it states none.
    """

    input_shape: tuple[int, ...]
    num_classes: int
    has_ood_score: bool
    nodes: int
    parameters: int
    opset: int
    source: str


def scan_portable(data: bytes) -> PortableFacts:
    """Scans the `model.onnx` of a bundle: uint8 `pixels` to float32 `probabilities` and, optionally, `ood_score`.

    Raises:
        BundleError: The file is unsafe, or it takes or returns something else.
    """
    try:
        scanned = scan(data)
        _check(scanned)
    except BundleError as error:
        raise BundleError(f"model.onnx: {error}; {_REMEDY}") from error.__cause__
    return PortableFacts(
        input_shape=scanned.source.shape[1:],
        num_classes=scanned.results[0].shape[1],
        has_ood_score=len(scanned.results) > 1,
        nodes=len(scanned.model.graph.node),
        parameters=scanned.parameters,
        opset=scanned.opset,
        source=next((entry.value for entry in scanned.model.metadata_props if entry.key == SOURCE), ""),
    )


def _check(scanned: ScannedNetwork) -> None:
    source, results = scanned.source, scanned.results
    fits = source.kind == TensorProto.UINT8 and len(source.shape) == 4 and source.shape[3] == 3 and source.shape[0] == 1
    if source.name != PIXELS or not fits:
        raise BundleError(f"it takes {source.name!a:.40} {source.shape}; expected uint8 {PIXELS} (n, height, width, 3)")
    expected = [(PROBABILITIES, 2), (OOD_SCORE, 1)][: max(1, len(results))]
    found = [(result.name, len(result.shape)) for result in results]
    sizes = all(result.shape[:1] == (1,) and result.kind == TensorProto.FLOAT for result in results)
    if found != expected or not sizes:
        raise BundleError(
            f"it returns {found!a:.120}; expected float32 {PROBABILITIES} (n, labels) and perhaps {OOD_SCORE} (n,)"
        )
