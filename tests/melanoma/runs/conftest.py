"""A bundle, and a run that is planned with it."""

import datetime
from pathlib import Path

import pytest

from melanoma.model.bundle import Bundle, load_bundle
from melanoma.runs.run import Run, new_run
from tests.helpers.built_rows import KEPT
from tests.helpers.outputs import layout_of


@pytest.fixture(scope="module")
def bundle(bundle_uri: str) -> Bundle:
    """The bundle of three classes, read once."""
    return load_bundle(bundle_uri)


@pytest.fixture
def run(tmp_path: Path, bundle: Bundle) -> Run:
    """A run that keeps two columns of a manifest."""
    return new_run(layout_of(tmp_path), bundle, KEPT, None, datetime.date(2026, 1, 2))
