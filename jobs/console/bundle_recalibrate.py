"""`melanoma bundle recalibrate`: a bundle with the same network, but its own temperature, thresholds and views."""

import argparse
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobs.console import logs
from jobs.console.command_lines import flag_words
from jobs.console.commands import add_group
from jobs.console.data_flags import DATA_FLAGS, DataOptions, add_data_arguments, prepare, sources_of
from jobs.console.external_flags import EXTERNAL_FLAGS, EXTERNAL_ROOT, ExternalOptions, add_external_arguments
from jobs.console.options import Action
from jobs.console.targets import check_folders
from jobs.console.views_flag import VIEWS
from melanoma.errors import UsageError
from melanoma.model.engine_names import BF16, PRECISIONS
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.model.bundle import Bundle
    from melanoma.model.engine_interface import Engine
    from melanoma.training.release.measuring import Measured, Measurer, Photographs

_BATCH = 32
_FLAGS: dict[str, dict[str, Any]] = {
    "views": VIEWS,
    "precision": {
        "choices": PRECISIONS,
        "help": f"precision in which the network computes; {BF16} needs OpenVINO and a processor that computes in it "
        "(default: that of BUNDLE)",
    },
    "review-share": {
        "type": float,
        "default": 0.2,
        "metavar": "SHARE",
        "help": "share of photographs that may be referred to a person for low confidence (default: %(default)s)",
    },
    "name": {"metavar": "TEXT", "help": "name of the bundle on its card (default: the folder's name)"},
}


def add_recalibrate_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `Recalibrate` holds."""
    parser.add_argument("uri", metavar="BUNDLE", help="folder or name of the bundle")
    parser.add_argument("output", metavar="OUT", help="folder of the new bundle")
    add_group(parser, "recalibration", _FLAGS)
    add_data_arguments(parser)
    add_external_arguments(parser)
    parser.add_argument("--external-root", **EXTERNAL_ROOT)
    parser.set_defaults(validation_share=0.45, test_share=0.45)


@dataclass(frozen=True)
class Recalibrate(DataOptions, ExternalOptions, Action):
    """`bundle recalibrate`.

    Attributes:
        uri: Folder or name of the bundle.
        output: Folder of the new bundle.
        views: How many views of a photograph are averaged; None for one.
        precision: In which the network computes; None for the precision of the earlier bundle.
        review_share: Largest share of photographs that may be referred, 0 to below 1.
        name: Name of the bundle on its card; None for the folder's name.
        external_root: Folders of the photographs that tables in `external` list.
    """

    uri: str
    output: str
    views: int | None
    precision: str | None
    review_share: float
    name: str | None
    external_root: tuple[str, ...]

    def run(self) -> None:
        """Chooses temperature and thresholds, evaluates once and writes the bundle."""
        from melanoma import storage
        from melanoma.model.bundle import check_free, load_bundle

        self._check()
        check_free(self.output)
        bundle = load_bundle(self.uri)
        with logs.native_silence():
            from melanoma.training.release.held_out import tally
            from melanoma.training.release.recalibration import Recalibration, write_recalibrated

        precision = self.precision or bundle.precision
        engine = self._engine(bundle, precision)
        other = self._engine(bundle, bundle.precision) if precision != bundle.precision else None
        photographs = self._photographs(bundle)
        print("choosing temperature and thresholds on the validation part, then evaluating once on the test part")
        measurer = self._measurer(bundle, photographs)
        measured, before = measurer.measure(engine), measurer.measure(other) if other is not None else None
        name = self.name or storage.name_of(storage.canonical(self.output).rstrip("/"))
        counts = tally(photographs, bundle)
        made = Recalibration(bundle, self.views or 1, precision, measured, before, name, self.command(), counts)
        with logs.native_silence():
            written = write_recalibrated(self.output, made)
        print(printable(f"{written.uri}: {written.model_id}, digest {written.digest}"))
        _print_results(measured)
        print(f"  its card: melanoma bundle inspect {printable(self.output)} --card")

    def _check(self) -> None:
        check_folders(self.output)
        if not 0 <= self.review_share < 1:
            raise UsageError(f"--review-share {self.review_share}: must be at least 0 and below 1, for example 0.1")
        sources_of(self)
        self.external_columns()

    def _photographs(self, bundle: "Bundle") -> "Photographs":
        from melanoma import storage
        from melanoma.training.fitting.checkpoints import SPLIT
        from melanoma.training.release.external_photographs import ExternalFiles
        from melanoma.training.release.held_out import held_out

        own = storage.join(bundle.uri, SPLIT) if SPLIT in bundle.files else None
        prepared = prepare(replace(self, split=self.split or own), for_training=False)
        files = ExternalFiles(self.external, self.external_root, self.external_columns())
        return held_out(bundle, prepared.dataset, files)

    def _engine(self, bundle: "Bundle", precision: str) -> "Engine":
        from melanoma.errors import BundleError
        from melanoma.model.engine import load_engine_in
        from melanoma.model.view_averaging import with_views
        from melanoma.model.view_counts import view_fault

        views = self.views or 1
        if fault := view_fault(views, bundle.spec.height, bundle.spec.width):
            raise BundleError(f"{bundle.uri}: {fault}; choose another --views")
        return with_views(load_engine_in(precision, bundle, _BATCH), views)

    def _measurer(self, bundle: "Bundle", photographs: "Photographs") -> "Measurer":
        from melanoma.training.release.measuring import Measurer

        is_onnx = bundle.facts is None  # its temperature is inside its file
        return Measurer(bundle, photographs, self.review_share, self.seed, keep_temperature=is_onnx)

    def command(self) -> str:
        """Returns the command line, for the card."""
        words = ["melanoma", "bundle", "recalibrate", self.uri, self.output]
        for name in [*_FLAGS, *DATA_FLAGS, *EXTERNAL_FLAGS, "external-root"]:
            words += flag_words(f"--{name}", getattr(self, name.replace("-", "_")))
        return shlex.join(words)


def _print_results(measured: "Measured") -> None:
    from melanoma.evaluation.external_text import aligned, source_sentences, source_table

    print(*(printable(f"  {line}") for line in aligned(source_table(measured.report, measured.external))), sep="\n")
    print(*(printable(f"  {sentence}") for sentence in source_sentences(measured.external)), sep="\n")
