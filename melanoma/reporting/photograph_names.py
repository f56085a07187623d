"""The names under which photographs appear in reports."""

from melanoma.table.layout import OutputLayout
from melanoma.table.pseudonyms import Pseudonyms


class PhotographNames:
    """Names of photographs in a report: pseudonyms, or URIs if the operator asked for them."""

    def __init__(self, layout: OutputLayout, show_uris: bool) -> None:
        """Reads the key of the pseudonyms, or creates it where there is none.

        Args:
            layout: Layout of the output folder.
            show_uris: Whether photographs appear by their URIs.

        Raises:
            NothingCommittedError: The key cannot be written.
            ReadError: The key cannot be read.
        """
        self._pseudonyms = None if show_uris else Pseudonyms.of_table(layout)

    def of(self, uri: str) -> str:
        """Returns the name of the photograph with a URI."""
        return uri if self._pseudonyms is None else self._pseudonyms.pseudonym(uri)
