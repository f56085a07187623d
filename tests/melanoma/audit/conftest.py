"""One audit of sets with every kind of defect, for all tests of its findings, files and page."""

import numpy as np
import pytest

from melanoma.audit.sets import SetOptions
from melanoma.datasets.label_tables import Columns
from melanoma.images import encoding
from melanoma.samples import phantoms
from tests.helpers import fill, photograph
from tests.helpers.labelled import Audited, audited


def mirrored(seed: int) -> bytes:
    """Returns a phantom as `photograph` draws it, but mirrored, enlarged and compressed again."""
    pixels = np.repeat(np.repeat(phantoms.draw(seed, 60, 80), 2, axis=0), 2, axis=1)
    return encoding.encode(np.ascontiguousarray(pixels[:, ::-1]), "jpeg", 80)


@pytest.fixture(scope="session")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """Two sets with one defect of every kind, and a reference table with the right labels."""
    root = tmp_path_factory.mktemp("dirty")
    train, test = root / "train", root / "test"
    fill(train / "melanoma", 4)
    fill(train / "nevus", 4, first=10)
    fill(test / "nevus", 2, first=20)
    (train / "nevus" / "copy.jpg").write_bytes(photograph(10))
    (train / "nevus" / "lesion-0000.jpg").write_bytes(photograph(0))
    (train / "melanoma" / "cut.jpg").write_bytes(photograph(30)[:300])
    (test / "nevus" / "mirrored.jpg").write_bytes(mirrored(1))
    (test / "nevus" / "<script>alert(1)<_script>.jpg").write_bytes(photograph(31))
    rows = ["lesion-0012,mel,L12", "lesion-0011,nv,L1", "lesion-0020,nv,L1", "lesion-0002,mel,L2", "lesion-0013,nv,"]
    (root / "known.csv").write_text("image_id,dx,lesion_id\n" + "\n".join(rows) + "\n")
    columns = Columns("image_id", "dx", "lesion_id")
    return audited([train, test], SetOptions(columns=columns, reference=str(root / "known.csv")))
