"""Months of daily runs: whatever happens to them, the table holds what an independent oracle says.

The short form has 14 days with every kind of event; `make slow` has a hundred days, twice. Runs that are killed are
processes of their own; all others run in this one.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma.images import decoding
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine
from melanoma.queries import views
from tests.helpers import ROUNDING, write_tiny_bundle
from tests.helpers.outputs import table_in
from tests.simulation.hospital import Hospital


def simulate(tmp_path: Path, bundle_uri: str, days: int, seed: int) -> Hospital:
    bundles = (bundle_uri, write_tiny_bundle(tmp_path / "second", ("melanoma", "nevus", "scc"), seed=3))
    models = (load_bundle(bundles[0]).model_id, load_bundle(bundles[1]).model_id)
    hospital = Hospital(tmp_path / "hospital", bundles, models, seed)
    for number in range(days):
        hospital.day(number, days)
    assert_probabilities(hospital, bundles)
    assert_views(hospital, models)
    return hospital


def assert_probabilities(hospital: Hospital, bundles: tuple[str, str]) -> None:
    """Asserts that every scored row holds what the network computes for the photograph alone."""
    contents = {path.read_bytes() for path in hospital.store.folder.iterdir()}

    by_digest = {hashlib.sha256(data).hexdigest(): data for data in contents}
    rows: list[dict[str, Any]] = hospital.rows()
    compared = 0
    for uri in bundles:
        bundle = load_bundle(uri)
        engine = load_engine(bundle, 32)
        for row in rows:
            if row["status"] == "scored" and row["model_id"] == bundle.model_id and row["image_sha256"] in by_digest:
                pixels = decoding.decode(by_digest[row["image_sha256"]], bundle.spec)
                expected = engine.score(pixels[np.newaxis]).probabilities[0]
                found = np.array([row[f"p_{slug}"] for slug in bundle.slugs], np.float32)
                np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)
                compared += 1
    assert compared > len(rows) / 3


def assert_views(hospital: Hospital, models: tuple[str, str]) -> None:
    """Asserts that the views show the newest success of each photograph, as the history has it."""
    newest = {}
    for row in sorted(hospital.oracle.rows, key=lambda row: (row.date, row.attempt)):
        if row.status == "scored":
            newest[row.uri, row.model] = row.version
    found = views.query(table_in(hospital.output), "SELECT image_uri, model_id, image_version FROM latest").to_pylist()
    assert {(row["image_uri"], row["model_id"]): row["image_version"] for row in found} == newest
    (current,) = views.query(table_in(hospital.output), "SELECT DISTINCT model_id AS m FROM current")["m"].to_pylist()
    assert current == models[1]


def test_fourteen_days_of_every_kind_leave_what_the_oracle_says(tmp_path: Path, bundle_uri: str) -> None:
    hospital = simulate(tmp_path, bundle_uri, days=14, seed=1)
    assert hospital.kills >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_a_hundred_days_leave_what_the_oracle_says(tmp_path: Path, bundle_uri: str, seed: int) -> None:
    hospital = simulate(tmp_path, bundle_uri, days=100, seed=seed)
    assert hospital.kills >= 10
