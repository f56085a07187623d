"""An audit finds every defect once on each basis, and nothing in clean sets."""

from dataclasses import replace
from pathlib import Path

from melanoma.audit.audit import audit
from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.sets import SetOptions
from melanoma.audit.summary import group_findings
from melanoma.datasets.label_tables import Columns
from melanoma.images import encoding
from melanoma.samples import phantoms
from tests.helpers import fill, photograph
from tests.helpers.labelled import Audited, audited, hashes_of, labelled, set_of


def test_every_defect_is_found_once_on_each_basis(dirty: Audited) -> None:
    assert dirty.names(Kind.LEAK, Basis.NEAR) == [("lesion-0001", "mirrored")]
    assert dirty.names(Kind.LEAK, Basis.GROUP) == [("lesion-0011", "lesion-0020")]
    assert dirty.names(Kind.LABELS, Basis.CONTENT) == [("lesion-0000", "lesion-0000")]
    assert dirty.names(Kind.LABELS, Basis.ID) == [("lesion-0000", "lesion-0000")]
    assert dirty.names(Kind.LABELS, Basis.NEAR) == [("mirrored", "lesion-0001")]
    assert dirty.names(Kind.LABELS, Basis.REFERENCE) == [("lesion-0012", "")]
    assert dirty.names(Kind.DUPLICATE, Basis.CONTENT) == [("lesion-0000", "lesion-0000"), ("copy", "lesion-0010")]
    assert dirty.names(Kind.BROKEN, Basis.DECODER) == [("cut", "")]
    assert sum(dirty.counts().values()) == 9


def test_findings_are_sorted_by_kind_and_then_by_basis(dirty: Audited) -> None:
    kinds, bases = list(Kind), list(Basis)
    order = [(kinds.index(finding.kind), bases.index(finding.basis)) for finding in dirty.findings]
    assert order == sorted(order)


def test_a_mirrored_copy_is_marked_and_is_missed_without_turned_hashes(dirty: Audited) -> None:
    assert [f.detail for f in dirty.findings if f.basis is Basis.NEAR] == ["turned", "turned"]
    upright = audit(dirty.sets, dirty.hashes[:, 0], dirty.unreadable)
    assert {f.basis for f in dirty.findings} - {f.basis for f in upright} == {Basis.NEAR}


def test_clean_sets_have_no_findings(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "nevus", 3)
    fill(tmp_path / "test" / "nevus", 3, first=10)
    assert audited([tmp_path / "train", tmp_path / "test"], SetOptions()).findings == []


def test_a_coarse_label_does_not_contradict_a_finer_one_in_either_set(tmp_path: Path) -> None:
    for label in ("bkl", "seborrheic keratosis"):
        (tmp_path / label / label).mkdir(parents=True)
        (tmp_path / label / label / "a.jpg").write_bytes(photograph(1))
    for order in (["bkl", "seborrheic keratosis"], ["seborrheic keratosis", "bkl"]):
        found = audited([tmp_path / name for name in order], SetOptions())
        assert {finding.kind for finding in found.findings} == {Kind.LEAK}


def test_photographs_without_a_label_contradict_nothing() -> None:
    sets = set_of(labelled("a", "", "1"), labelled("b", "melanoma", "1"))
    assert {finding.kind for finding in audit(sets, hashes_of(0, 0), {})} == {Kind.DUPLICATE}


def test_a_label_is_contradicted_by_the_reference_alone() -> None:
    sets = replace(set_of(labelled("a"), labelled("b", "melanoma")), known=["melanoma", "melanoma"])
    assert audit(sets, hashes_of(0, 60), {}) == [Finding(Kind.LABELS, Basis.REFERENCE, 0, detail="melanoma")]


def test_the_parts_of_a_table_are_sides(tmp_path: Path) -> None:
    paths = fill(tmp_path / "photographs", 4)
    (tmp_path / "photographs" / "copy.jpg").write_bytes(paths[0].read_bytes())
    lesions = ("L0,a", "L0,a", "L1,b", "L1,c")
    rows = ["absent,nv,L9,a", *(f"{path.stem},nv,{lesion}" for path, lesion in zip(paths, lesions, strict=True))]
    (tmp_path / "split.csv").write_text("id,dx,lesion,part\n" + "\n".join(rows) + "\ncopy,nv,,c\n")
    options = SetOptions(Columns("id", "dx", "lesion"), [str(tmp_path / "photographs")], part_column="part")
    found = audited([tmp_path / "split.csv"], options)
    assert found.counts() == {("leak", "content"): 1, ("leak", "group"): 1}
    assert found.names(Kind.LEAK, Basis.CONTENT) == [("lesion-0000", "copy")]
    assert {group.where for group in group_findings(found.sets, found.findings)} == {
        "split.csv: c and split.csv: a",
        "split.csv: b and split.csv: c",
    }


def test_one_photograph_under_two_lesions_divides_a_group(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 2)
    (tmp_path / "photographs" / "other.jpg").write_bytes(photograph(0, height=90, width=120))
    (tmp_path / "photographs" / "copy.jpg").write_bytes((tmp_path / "photographs" / "lesion-0001.jpg").read_bytes())
    (tmp_path / "photographs" / "lesion-0000b.png").write_bytes(encoding.encode(phantoms.draw(0, 60, 80), "png"))
    rows = ["lesion-0000,nv,L0", "lesion-0000b,nv,L5", "lesion-0001,nv,L1", "copy,nv,L2", "other,nv,"]
    (tmp_path / "table.csv").write_text("id,dx,lesion\n" + "\n".join(rows) + "\n")
    options = SetOptions(Columns("id", "dx", "lesion"), [str(tmp_path / "photographs")])
    found = audited([tmp_path / "table.csv"], options)
    assert found.names(Kind.GROUPS, Basis.CONTENT) == [("lesion-0001", "copy")]
    assert found.names(Kind.GROUPS, Basis.NEAR) == [("lesion-0000", "lesion-0000b")]


PATIENT = """patient_id,lesion_id,diagnostic,img_id
P1,1,NEV,lesion-0000.png
P1,2,MEL,lesion-0001.png
P2,3,NEV,lesion-0002.png
P2,3,BCC,lesion-0003.png
"""


def test_a_patient_may_have_several_diagnoses_but_a_lesion_may_not(tmp_path: Path) -> None:
    paths = fill(tmp_path / "photographs", 4)
    (tmp_path / "pad.csv").write_text(PATIENT)
    found = audited([tmp_path / "pad.csv"], SetOptions(Columns(), [str(tmp_path / "photographs")]))
    assert {frozenset(pair) for pair in found.names(Kind.LABELS, Basis.GROUP)} == {
        frozenset((paths[2].stem, paths[3].stem))
    }
    assert found.sets.photographs[0].group == found.sets.photographs[1].group  # a split keeps the patient together


def test_a_reference_of_patients_does_not_contradict_their_lesions(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "nevus", 1)
    fill(tmp_path / "a" / "melanoma", 1, first=1)
    fill(tmp_path / "a" / "nevus", 1, first=2)
    fill(tmp_path / "a" / "basal cell carcinoma", 1, first=3)
    (tmp_path / "pad.csv").write_text(PATIENT)
    found = audited([tmp_path / "a"], SetOptions(Columns(), reference=str(tmp_path / "pad.csv")))
    (pair,) = found.names(Kind.LABELS, Basis.GROUP)
    assert set(pair) == {"lesion-0002", "lesion-0003"}
