"""Compares a network in this program with the answers of its own framework, through the whole path of a nightly run."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.errors import DataError, PhotographError
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.pixels import Pixels
from melanoma.labels import slugs_of
from melanoma.model.answer_diagnosis import Diagnosis, diagnose
from melanoma.model.bundle import Bundle
from melanoma.model.bundle_contents import ModelSettings
from melanoma.model.bundle_parts import settings_of
from melanoma.model.engine import EngineMaker, load_engine, score_all
from melanoma.model.engine_interface import Engine
from melanoma.model.engine_names import F32
from melanoma.model.expected_answers import Answer, ExpectedAnswers
from melanoma.model.tensorflow_engine import TensorFlowEngine, load_network, one_clear_error
from melanoma.model.view_averaging import with_views
from melanoma.wording import counted

_BATCH = 16
_MAX_ROWS = 20  # of a printed table


class Difference(NamedTuple):
    """The class in which the answers for one photograph differ most.

    Attributes:
        name: The photograph, as the table names it.
        slug: The class.
        expected: Its probability in the table.
        got: Its probability here.
    """

    name: str
    slug: str
    expected: float
    got: float

    @property
    def size(self) -> float:
        """The absolute difference."""
        return abs(self.expected - self.got)


@dataclass(frozen=True)
class AnswerCheck:
    """The result of a comparison.

    Attributes:
        differences: One for each photograph, the largest first.
        tolerance: Largest difference of a probability that passes.
        without_answer: Number of photographs that the table does not name.
        diagnosis: What would make the answers equal; None if they are.
    """

    differences: Sequence[Difference]
    tolerance: float
    without_answer: int
    diagnosis: Diagnosis | None

    @property
    def failed(self) -> int:
        """Number of photographs that differ by more than the tolerance."""
        return sum(not one.size <= self.tolerance for one in self.differences)

    def refusal(self) -> str:
        """Returns the failure as one sentence."""
        return (
            f"{self.failed} of {len(self.differences)} photographs differ from the expected answers by more than "
            f"{self.tolerance:g}, the largest by {self.differences[0].size:.3f}; correct the settings above, or accept "
            "the difference with --tolerance"
        )


def check_answers(
    network: keras.Model | EngineMaker, settings: ModelSettings, expected: ExpectedAnswers, tolerance: float
) -> AnswerCheck:
    """Decodes, scales and scores photographs as a nightly run does, and compares the probabilities.

    Args:
        network: The network, or what makes engines of it.
        settings: Its labels, image size and scaling.
        expected: Photographs and their probabilities, in the order of the labels.
        tolerance: Largest absolute difference of a probability that passes.

    Raises:
        BundleError: The network cannot be run.
        DataError: A photograph cannot be read or decoded.
    """
    files = _read(expected.answers)
    pixels = _decode(expected.answers, files, settings.spec)
    with one_clear_error("the network"):
        make = _maker_of(network) if isinstance(network, keras.Model) else network
        got = score_all(make(settings, _BATCH), pixels).probabilities
        sizes = np.abs(got - expected.probabilities)
        diagnosis = None
        if not sizes.max() <= tolerance:
            diagnosis = diagnose(make, settings, files, expected.probabilities, sizes, tolerance)
    differences = list(_differences(expected, got, sizes, slugs_of(settings.labels)))
    return AnswerCheck(differences, tolerance, expected.without_answer, diagnosis)


def _maker_of(network: keras.Model) -> EngineMaker:
    def make(settings: ModelSettings, batch_size: int) -> Engine:
        size = settings.spec.height, settings.spec.width
        one_view = TensorFlowEngine(network, size, batch_size, settings.scaling, settings.temperature)
        return with_views(one_view, settings.views)

    return make


def check_bundle(bundle: Bundle, expected: ExpectedAnswers, tolerance: float) -> AnswerCheck:
    """Compares a bundle's probabilities with expected ones, see `check_answers`.

    Raises:
        BundleError: The bundle cannot be run, or does not reproduce its golden samples.
        DataError: A photograph cannot be read or decoded.
    """
    engine = load_engine(bundle, batch_size=_BATCH)
    settings = settings_of(bundle)
    if bundle.facts is None or bundle.precision != F32:  # TensorFlow would answer otherwise
        return check_answers(lambda *_: engine, settings, expected, tolerance)
    with bundle.network_file() as path:
        network = load_network(path, bundle.uri)
    return check_answers(network, settings, expected, tolerance)


def check_lines(check: AnswerCheck) -> Iterator[str]:
    """Yields the lines of a comparison: a table of the largest differences, a summary, and likely causes."""
    shown = check.differences[:_MAX_ROWS]
    width = max(4, *(len(one.name) for one in shown))
    classes = max(5, *(len(one.slug) for one in shown))
    yield f"  {'file':<{width}}  {'class':<{classes}}  expected     got  difference"
    for one in shown:
        yield f"  {one.name:<{width}}  {one.slug:<{classes}}  {one.expected:8.4f}{one.got:8.4f}  {one.size:10.4f}"
    if hidden := len(check.differences) - len(shown):
        yield f"  and {counted(hidden, 'photograph')} with smaller differences"
    if check.without_answer:
        yield f"  photographs without an expected answer, not compared: {check.without_answer:,}"
    passed = len(check.differences) - check.failed
    yield (
        f"  {passed:,} of {len(check.differences):,} photographs agree within {check.tolerance:g}; largest difference "
        f"{check.differences[0].size:.4f}"
    )
    if check.diagnosis:
        yield from (f"  {line}" for line in check.diagnosis.lines())


def _read(answers: Sequence[Answer]) -> list[bytes]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_read_one, answers))


def _read_one(answer: Answer) -> bytes:
    try:
        return storage.read_bytes(answer.uri)
    except PhotographError as error:
        raise DataError(f"{answer.name}: {error.detail}; give photographs that can be read") from None


def _decode(answers: Sequence[Answer], files: Sequence[bytes], spec: ImageSpec) -> Pixels:
    pixels = np.empty((len(files), spec.height, spec.width, 3), np.uint8)
    for index, (answer, data) in enumerate(zip(answers, files, strict=True)):
        try:
            pixels[index] = decode(data, spec)
        except PhotographError as error:
            raise DataError(f"{answer.name}: {error.detail}; leave this photograph out of the check") from None
    return pixels


def _differences(
    expected: ExpectedAnswers, got: npt.NDArray[np.float32], sizes: npt.NDArray[np.float64], slugs: Sequence[str]
) -> Iterator[Difference]:
    """Yields the largest difference of each photograph, the largest of all first; NaN counts as the largest."""
    comparable = np.nan_to_num(sizes, nan=np.inf)
    for index in np.argsort(-comparable.max(axis=1), kind="stable").tolist():
        label = int(comparable[index].argmax())
        name, stated = expected.answers[index].name, expected.probabilities[index, label]
        yield Difference(name, slugs[label], float(stated), float(got[index, label]))
