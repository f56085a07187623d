"""`melanoma bundle convert`: a copy of a bundle that runs without TensorFlow."""

import argparse
from dataclasses import dataclass

from jobs.console import logs
from jobs.console.options import Action
from jobs.console.targets import check_folders
from melanoma.terminal import printable


def add_convert_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `Convert` holds."""
    parser.add_argument("uri", metavar="BUNDLE", help="folder or name of a bundle")
    parser.add_argument("output", metavar="OUT", help="folder of the new bundle")


@dataclass(frozen=True)
class Convert(Action):
    """`bundle convert`.

    Attributes:
        uri: Folder or name of the bundle.
        output: Folder of the new bundle.
    """

    uri: str
    output: str

    def run(self) -> None:
        """Writes the new bundle.

        Raises:
            BundleError: The network cannot be converted, or an engine differs from TensorFlow.
        """
        check_folders(self.output)
        with logs.native_silence():
            from melanoma.model.portable_form import TOLERANCE, convert_bundle

            bundle = convert_bundle(self.uri, self.output)
        print(printable(f"{bundle.uri}: {bundle.model_id}, with model.onnx; every engine agrees within {TOLERANCE:g}"))
        print(printable(f"  The model is the same; the digest of the bundle is now {bundle.digest}"))
