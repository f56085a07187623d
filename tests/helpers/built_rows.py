"""Rows that a run builds for photographs that need not exist, with columns kept from a manifest."""

import numpy as np
import pyarrow as pa

from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import Bundle
from melanoma.model.decision import ModelOutput
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run

ROWS = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]], np.float32)
KEPT = pa.schema([("site", pa.string()), ("age", pa.int16())])


def loaded(name: str, **facts: object) -> Loaded:
    """Returns a photograph as the loader hands it on, changed as asked."""
    ref = ImageRef(f"file:///in/{name}.jpg", f"version of {name}", 10, f"id of {name}", (f"site of {name}", 40), 3)
    return Loaded(ref, 600, 450, "ab" * 32)._replace(**facts)


def table_of(run: Run, bundle: Bundle, names: str = "ab") -> pa.Table:
    """Builds the rows of photographs with one-letter names."""
    builder = RowBuilder(run, bundle)
    builder.add_scored([loaded(name) for name in names], ModelOutput(ROWS[: len(names)]))
    return builder.table()
