"""Photographs appear under keyed hashes, or under their URIs if the operator asks for them."""

from pathlib import Path

from melanoma.reporting.photograph_names import PhotographNames
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers.outputs import layout_of


def test_a_photograph_has_its_pseudonym_or_its_uri(tmp_path: Path) -> None:
    layout, uri = layout_of(tmp_path), "file:///archive/DOE-a.jpg"
    assert PhotographNames(layout, show_uris=True).of(uri) == uri and not (tmp_path / "_private").exists()
    assert PhotographNames(layout, show_uris=False).of(uri) == Pseudonyms.of_table(layout).pseudonym(uri)
