"""The audit of the real photographs finds what docs/models/audit.md says of them."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.audit.audit import audit
from melanoma.audit.findings import Basis, Kind
from melanoma.audit.leaks import find_leaks
from melanoma.audit.sets import SetOptions
from melanoma.audit.summary import group_findings
from melanoma.datasets.label_tables import Columns
from tests.helpers import ROOT
from tests.helpers.labelled import Audited, audited

HAM = Columns("image_id", "dx", "lesion_id")


@pytest.fixture(scope="module")
def real(data: Path) -> Audited:
    """The nine ISIC classes and HAM10000, upright: 12,374 photographs."""
    metadata = str(data / "ham10000/metadata.csv")
    options = SetOptions(HAM, [str(data / "ham10000/images")], reference=metadata)
    return audited([data / "isic9/Train", data / "isic9/Test", Path(metadata)], options, turned=False)


def counts(found: Audited, kind: Kind, basis: Basis) -> dict[tuple[str, str], int]:
    groups = group_findings(found.sets, found.findings)
    return {(one.second, one.first): len(one.findings) for one in groups if (one.kind, one.basis) == (kind, basis)}


def test_the_real_sets_leak_as_their_description_says(real: Audited) -> None:
    assert counts(real, Kind.LEAK, Basis.CONTENT) == {("Test", "Train"): 18}
    leaking = {("Test", "Train"): 18, ("Train", "metadata.csv"): 1445, ("Test", "metadata.csv"): 69}  # 1445 + 69 = 1514
    assert counts(real, Kind.LEAK, Basis.ID) == leaking
    assert counts(real, Kind.LEAK, Basis.NEAR) == {**leaking, ("Test", "Train"): 1}
    assert counts(real, Kind.LEAK, Basis.GROUP) == {**leaking, ("Test", "Train"): 39}
    photographs = real.sets.photographs
    exact = [f for f in real.findings if (f.kind, f.basis) == (Kind.LEAK, Basis.CONTENT)]
    assert all(photographs[f.first].label != photographs[f.second].label for f in exact if f.second is not None)


def test_the_real_sets_have_the_duplicates_that_their_description_says(real: Audited) -> None:
    assert counts(real, Kind.DUPLICATE, Basis.CONTENT) == {("", "Train"): 141, ("", "metadata.csv"): 2}
    assert counts(real, Kind.DUPLICATE, Basis.NEAR) == {("", "metadata.csv"): 110, ("", "Train"): 5}
    assert counts(real, Kind.GROUPS, Basis.NEAR) == {("", "metadata.csv"): 1}


def test_the_real_labels_contradict_each_other_as_their_description_says(real: Audited) -> None:
    indices = [index for index, name in enumerate(real.sets.names) if name == "Train"]
    sets = replace(
        real.sets,
        photographs=[real.sets.photographs[i] for i in indices],
        **{name: [getattr(real.sets, name)[i] for i in indices] for name in ("names", "parts", "known")},
    )
    hashes = np.zeros((len(indices), 4), np.uint64)
    train = Audited(sets, audit(sets, hashes, {}), {}, hashes)
    contents = {("seborrheic_keratosis", "melanoma"): 75, ("actinic_keratosis", "nevus"): 62}
    assert counts(train, Kind.LABELS, Basis.CONTENT) == counts(train, Kind.LABELS, Basis.ID) == contents
    assert counts(train, Kind.LABELS, Basis.REFERENCE) == {("nevus", "actinic_keratosis"): 76}


def test_the_real_photographs_with_one_id_look_alike_and_hashes_find_renamed_ones(real: Audited) -> None:
    by_id = [f for f in real.findings if (f.kind, f.basis) == (Kind.LEAK, Basis.ID)]
    assert max(f.distance for f in by_id if f.distance is not None) <= 20
    assert {f.second for f in by_id} <= {
        f.second for f in real.findings if f.kind is Kind.LEAK and f.basis in (Basis.NEAR, Basis.CONTENT)
    }


def test_every_listed_defect_is_found_file_by_file(real: Audited, data: Path) -> None:
    listed = list(csv.DictReader((data / "isic9/issues.csv").open()))
    uris = [p.uri for p in real.sets.photographs]

    def found(kinds: set[Kind], bases: set[Basis]) -> set[str]:
        chosen = [f for f in real.findings if f.kind in kinds and f.basis in bases]
        indices = {i for f in chosen for i in (f.first, f.second) if i is not None}
        return {uris[i].split("/isic9/")[1] for i in indices if "/isic9/" in uris[i]}

    def issues(column: str) -> set[str]:
        return {row["path"] for row in listed if row[column] not in ("", "0")}

    assert issues("n_byte_identical_copies") <= found({Kind.DUPLICATE, Kind.LEAK}, {Basis.CONTENT})
    assert issues("identical_in_other_class") <= found({Kind.LABELS}, {Basis.CONTENT})
    assert issues("test_same_lesion_in_train") <= found({Kind.LEAK}, {Basis.GROUP})
    assert issues("contradicts_ham_dx") == found({Kind.LABELS}, {Basis.REFERENCE})


def test_the_published_split_of_ham10000_does_not_leak(real: Audited) -> None:
    published = list(csv.DictReader((ROOT / "docs/splits/ham10000.csv").open()))
    index_of = {p.image_id: i for i, p in enumerate(real.sets.photographs) if real.sets.names[i] == "metadata.csv"}
    indices = [index_of[row["image_id"]] for row in published]
    photographs = [real.sets.photographs[index] for index in indices]
    assert len(photographs) > 10_000
    assert find_leaks(photographs, [row["part"] for row in published], real.hashes[indices]) == []
