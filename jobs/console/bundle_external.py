"""`melanoma bundle add-external`: adds results on photographs of other hospitals to a bundle."""

import argparse
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from jobs.console.arg_types import whole
from jobs.console.external_flags import TRAINING_PHOTOGRAPHS, ExternalOptions, add_external_arguments
from jobs.console.external_parts import external_parts
from jobs.console.options import Action
from melanoma.errors import UsageError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.evaluation.inputs.training_set import TrainingSet
    from melanoma.model.bundle import Bundle

_LISTS = ("split.csv", "ancestry.csv")


def add_external_bundle_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `AddExternal` holds."""
    parser.add_argument("uri", metavar="BUNDLE", help="folder or name of the bundle")
    parser.add_argument("output", metavar="OUT", help="folder of the new bundle, which is the same model")
    parser.add_argument(
        "--scores", required=True, metavar="TABLE", help="score table with the bundle's results for these photographs"
    )
    add_external_arguments(parser)
    parser.add_argument(
        "--trained-on",
        action="append",
        default=[],
        metavar="FILE",
        help="further list of training photographs, besides split.csv and ancestry.csv in the bundle; repeatable",
    )
    parser.add_argument(
        "--training-photographs", action="append", default=[], metavar="FOLDER", help=TRAINING_PHOTOGRAPHS
    )
    seed = partial(whole, least=0)
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="bootstrap seed (default: %(default)s)")


@dataclass(frozen=True)
class AddExternal(ExternalOptions, Action):
    """`bundle add-external`.

    Attributes:
        uri: Folder or name of the bundle.
        output: Folder of the new bundle.
        scores: Score table with the results of its model.
        trained_on: Further lists of training photographs.
        training_photographs: Folders of the training photographs.
        seed: Seed of the bootstrap, 0 or more.
    """

    uri: str
    output: str
    scores: str
    trained_on: tuple[str, ...]
    training_photographs: tuple[str, ...]
    seed: int

    def run(self) -> None:
        """Evaluates the model on the external photographs, and writes the bundle with these results."""
        from melanoma.evaluation.external_card import add_external
        from melanoma.evaluation.external_text import aligned, source_sentences, source_table
        from melanoma.evaluation.inputs.table_predictions import read_table_predictions
        from melanoma.model.bundle import check_free, load_bundle
        from melanoma.model.bundle_edit import write_edited
        from melanoma.table.score_table import ScoreTable

        if not self.external:
            raise UsageError("bundle add-external needs --external TABLE with the labels of the photographs")
        check_free(self.output)
        bundle = load_bundle(self.uri)
        table = read_table_predictions(ScoreTable.in_folder(self.scores), bundle.model_id, option="the bundle,")
        parts = external_parts(self, table, self._training_set(bundle), self.training_photographs, self.seed)
        written = write_edited(bundle, self.output, add_external(bundle, parts))
        print(printable(f"{written.uri}: {written.model_id}, the same model, digest {written.digest}"))
        print(*(printable(f"  {line}") for line in aligned(source_table(None, parts))), sep="\n")
        print(*(printable(f"  {sentence}") for sentence in source_sentences(parts)), sep="\n")
        print(f"  read the results: melanoma bundle inspect {printable(self.output)} --card")

    def _training_set(self, bundle: "Bundle") -> "TrainingSet | None":
        from melanoma import storage
        from melanoma.evaluation.inputs.training_set import read_training_set

        own = [storage.join(bundle.uri, name) for name in _LISTS if name in bundle.files]
        return read_training_set([*own, *self.trained_on], with_test=True)
