"""An audit of sets in which everything is wrong, of a clean one, and of the real photographs."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from melanoma.audit.audit import audit
from melanoma.audit.exports import to_csv, to_json
from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.leaks import find_leaks
from melanoma.audit.page import page
from melanoma.audit.perceptual_hash import Hashes
from melanoma.audit.sets import SetOptions, Sets, read_sets, set_names
from melanoma.audit.summary import group_findings
from melanoma.datasets.label_tables import Columns
from melanoma.errors import DataError, UsageError
from melanoma.images import encoding
from melanoma.samples import phantoms
from tests.helpers import ROOT, fill, photograph

HAM = Columns("image_id", "dx", "lesion_id")
HOSTILE = "<script>alert(1)</script>"


class Audited(NamedTuple):
    sets: Sets
    findings: list[Finding]
    refused: dict[int, str]
    hashes: Hashes

    def counts(self) -> Counter[tuple[str, str]]:
        return Counter((str(finding.kind), str(finding.basis)) for finding in self.findings)

    def names(self, kind: Kind, basis: Basis) -> list[tuple[str, str]]:
        """Ids of the pairs of one kind."""
        ids = [one.image_id for one in self.sets.photographs]
        return [
            (ids[f.first], "" if f.second is None else ids[f.second])
            for f in self.findings
            if (f.kind, f.basis) == (kind, basis)
        ]


def look(uris: list[Path], reading: SetOptions, turned: bool = True) -> Audited:
    sets = read_sets([str(uri) for uri in uris], reading)
    hashes, refused = hash_photographs(sets.photographs, turned=turned)
    return Audited(sets, audit(sets, hashes, refused), refused, hashes)


def turned(seed: int) -> bytes:
    """A phantom as `photograph` gives it, mirrored, enlarged and compressed again."""
    pixels = np.repeat(np.repeat(phantoms.draw(seed, 60, 80), 2, axis=0), 2, axis=1)
    return encoding.encode(np.ascontiguousarray(pixels[:, ::-1]), "jpeg", 80)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """Two sets of class folders with one defect of every kind, and a table that knows better."""
    root = tmp_path_factory.mktemp("dirty")
    train, test = root / "train", root / "test"
    fill(train / "melanoma", 4)
    fill(train / "nevus", 4, first=10)
    fill(test / "nevus", 2, first=20)
    (train / "nevus" / "copy.jpg").write_bytes(photograph(10))
    (train / "nevus" / "lesion-0000.jpg").write_bytes(photograph(0))
    (train / "melanoma" / "cut.jpg").write_bytes(photograph(30)[:300])
    (test / "nevus" / "mirrored.jpg").write_bytes(turned(1))
    (test / "nevus" / f"{HOSTILE.replace('/', '_')}.jpg").write_bytes(photograph(31))
    rows = ["lesion-0012,mel,L12", "lesion-0011,nv,L1", "lesion-0020,nv,L1", "lesion-0002,mel,L2", "lesion-0013,nv,"]
    (root / "known.csv").write_text("image_id,dx,lesion_id\n" + "\n".join(rows) + "\n")
    return look([train, test], SetOptions(columns=HAM, reference=str(root / "known.csv")))


def test_every_defect_is_found_once_by_each_way_of_knowing_it(dirty: Audited) -> None:
    assert dirty.names(Kind.LEAK, Basis.NEAR) == [("lesion-0001", "mirrored")]
    assert dirty.names(Kind.LEAK, Basis.GROUP) == [("lesion-0011", "lesion-0020")]
    assert dirty.names(Kind.LABELS, Basis.CONTENT) == [("lesion-0000", "lesion-0000")]
    assert dirty.names(Kind.LABELS, Basis.ID) == [("lesion-0000", "lesion-0000")]
    assert dirty.names(Kind.LABELS, Basis.NEAR) == [("mirrored", "lesion-0001")]
    assert dirty.names(Kind.LABELS, Basis.REFERENCE) == [("lesion-0012", "")]
    assert dirty.names(Kind.DUPLICATE, Basis.CONTENT) == [("lesion-0000", "lesion-0000"), ("copy", "lesion-0010")]
    assert dirty.names(Kind.BROKEN, Basis.DECODER) == [("cut", "")]
    assert sum(dirty.counts().values()) == 9


def test_a_mirrored_copy_says_so_and_is_missed_without_turns(dirty: Audited) -> None:
    assert [f.detail for f in dirty.findings if f.basis is Basis.NEAR] == ["turned", "turned"]
    train, test = dirty.sets.sources.values()
    assert not [
        f for f in look([Path(train), Path(test)], SetOptions(), turned=False).findings if f.basis is Basis.NEAR
    ]


def test_rows_name_both_photographs(dirty: Audited) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(dirty.sets, dirty.findings).decode())))
    assert len(rows) == len(dirty.findings)
    leak = rows[0]
    assert (leak["kind"], leak["basis"], leak["detail"]) == ("leak", "near_duplicate", "turned")
    assert (leak["first_set"], leak["second_set"]) == ("train", "test")
    assert (leak["first_id"], leak["second_id"]) == ("lesion-0001", "mirrored")
    assert leak["first_uri"].endswith("train/melanoma/lesion-0001.jpg")
    assert 0 < int(leak["distance"]) <= 24
    alone = next(row for row in rows if row["basis"] == "reference")
    assert (alone["detail"], alone["first_label"], alone["second_id"]) == ("melanoma", "nevus", "")


def test_counts_as_json_tell_sides_and_sizes_and_no_set_names_photographs(dirty: Audited) -> None:
    text = to_json(dirty.sets, dirty.findings, dirty.refused).decode()
    account = json.loads(text)
    assert account["format"] == 1
    assert [(one["name"], one["photographs"], one["contents"], one["broken"]) for one in account["sets"]] == [
        ("train", 11, 9, 1),
        ("test", 4, 4, 0),
    ]
    assert account["sets"][0]["labels"] == {"melanoma": 5, "nevus": 6}
    leak = {"kind": "leak", "basis": "near_duplicate", "first": "train", "second": "test", "findings": 1, "of": 4}
    assert leak in account["findings"]
    assert account["photographs_concerned"] == {"leak": 4, "labels": 5, "groups": 0, "duplicate": 4, "broken": 1}
    assert "lesion-0" not in text


def test_the_page_shows_both_photographs_escapes_names_and_loads_nothing(dirty: Audited) -> None:
    html = page(dirty.sets, dirty.findings, dirty.refused, max_examples=24)
    assert "default-src 'none'" in html
    assert "do not publish" in html
    assert "diagnosis" in html
    assert "unreadable" in html
    assert html.count('src="data:image/jpeg;base64,') == html.count("<img ") == 13
    assert "http" not in html.replace("http-equiv", "")
    assert "one turned or mirrored" in html
    assert "1 shown above" in html
    hostile = replace(dirty.sets.photographs[0], image_id=HOSTILE, group=HOSTILE)
    sets = replace(dirty.sets, photographs=[hostile, *dirty.sets.photographs[1:]])
    html = page(sets, [Finding(Kind.DUPLICATE, Basis.CONTENT, 0, 1, 0)], {}, max_examples=1)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_page_is_capped_and_says_how_many_more_there_are(dirty: Audited) -> None:
    many = [Finding(Kind.LEAK, Basis.CONTENT, 0, second, 0) for second in range(1, 8)]
    html = page(dirty.sets, many, {}, max_examples=3)
    assert html.count('class="pair"') + html.count('class="pair clash"') == 3
    assert "and 4 more in findings.csv" in html
    assert page(dirty.sets, many, {}, max_examples=0).count("<img ") == 0


def test_clean_sets_have_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "nevus", 3)
    fill(tmp_path / "test" / "nevus", 3, first=10)
    clean = look([tmp_path / "train", tmp_path / "test"], SetOptions())
    assert clean.findings == []
    assert group_findings(clean.sets, clean.findings) == []
    assert "<h2>Findings" not in page(clean.sets, [], {}, 24)


def test_a_coarse_label_does_not_contradict_a_finer_one_in_either_set(tmp_path: Path) -> None:
    for label in ("bkl", "seborrheic keratosis"):
        (tmp_path / label / label).mkdir(parents=True)
        (tmp_path / label / label / "a.jpg").write_bytes(photograph(1))
    found = look([tmp_path / "bkl", tmp_path / "seborrheic keratosis"], SetOptions())
    assert {finding.kind for finding in found.findings} == {Kind.LEAK}


def test_the_parts_of_a_table_are_sides(tmp_path: Path) -> None:
    paths = fill(tmp_path / "photographs", 4)
    (tmp_path / "photographs" / "copy.jpg").write_bytes(paths[0].read_bytes())
    lesions = ("L0,a", "L0,a", "L1,b", "L1,c")
    rows = ["absent,nv,L9,a", *(f"{path.stem},nv,{lesion}" for path, lesion in zip(paths, lesions, strict=True))]
    (tmp_path / "split.csv").write_text("id,dx,lesion,part\n" + "\n".join(rows) + "\ncopy,nv,,c\n")
    reading = SetOptions(Columns("id", "dx", "lesion"), [str(tmp_path / "photographs")], part_column="part")
    found = look([tmp_path / "split.csv"], reading)
    assert found.sets.parts == ["a", "a", "b", "c", "c"]
    assert found.sets.absent == {"split.csv": 1}
    assert found.counts() == {("leak", "content"): 1, ("leak", "group"): 1}
    assert found.names(Kind.LEAK, Basis.CONTENT) == [("lesion-0000", "copy")]
    assert {line.where for line in group_findings(found.sets, found.findings)} == {
        "split.csv: c and split.csv: a",
        "split.csv: b and split.csv: c",
    }


def test_one_picture_under_two_lesions_divides_a_group(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 2)
    (tmp_path / "photographs" / "other.jpg").write_bytes(photograph(0, height=90, width=120))
    (tmp_path / "photographs" / "copy.jpg").write_bytes((tmp_path / "photographs" / "lesion-0001.jpg").read_bytes())
    (tmp_path / "photographs" / "lesion-0000b.png").write_bytes(encoding.encode(phantoms.draw(0, 60, 80), "png"))
    rows = ["lesion-0000,nv,L0", "lesion-0000b,nv,L5", "lesion-0001,nv,L1", "copy,nv,L2", "other,nv,"]
    (tmp_path / "table.csv").write_text("id,dx,lesion\n" + "\n".join(rows) + "\n")
    found = look([tmp_path / "table.csv"], SetOptions(Columns("id", "dx", "lesion"), [str(tmp_path / "photographs")]))
    assert found.names(Kind.GROUPS, Basis.CONTENT) == [("lesion-0001", "copy")]
    assert found.names(Kind.GROUPS, Basis.NEAR) == [("lesion-0000", "lesion-0000b")]


def test_a_folder_of_photographs_alone_has_no_labels_until_a_reference_gives_them(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 2)
    (tmp_path / "known.csv").write_text("id,dx\nlesion-0001,nv\n")
    reading = SetOptions(Columns("id", "dx"), reference=str(tmp_path / "known.csv"))
    assert [p.label for p in read_sets([str(tmp_path / "photographs")], reading).photographs] == ["", "nevus"]


def test_folders_name_no_class_where_they_are_said_not_to(tmp_path: Path) -> None:
    fill(tmp_path / "2026-01", 1)
    fill(tmp_path, 1, first=5)
    with pytest.raises(DataError, match="lies outside a class folder"):
        read_sets([str(tmp_path)], SetOptions())
    assert [p.label for p in read_sets([str(tmp_path)], SetOptions(unlabelled=True)).photographs] == ["", ""]


def test_sets_are_named_by_as_much_of_their_ends_as_tells_them_apart() -> None:
    assert set_names(["/a/train", "/a/test/"]) == ["train", "test"]
    assert set_names(["/a/x/train", "/a/y/train"]) == ["x/train", "y/train"]
    with pytest.raises(UsageError, match="a set is given twice"):
        set_names(["/a/train", "/a/../a/train/"])


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of photographs, or a table"):
        read_sets([str(tmp_path / "nowhere")], SetOptions())
    with pytest.raises(DataError, match="no photograph below it"):
        read_sets([str(tmp_path)], SetOptions())
    with pytest.raises(UsageError, match="names of its columns"):
        read_sets([str(tmp_path / "table.csv")], SetOptions())
    (tmp_path / "link.jpg").symlink_to(fill(tmp_path / "elsewhere", 1)[0])
    with pytest.raises(DataError, match="a link or a device"):
        read_sets([str(tmp_path)], SetOptions(unlabelled=True))


@pytest.fixture(scope="module")
def real(data: Path) -> Audited:
    """The nine ISIC classes and HAM10000, upright: 12,374 photographs."""
    metadata = str(data / "ham10000/metadata.csv")
    reading = SetOptions(HAM, [str(data / "ham10000/images")], reference=metadata)
    return look([data / "isic9/Train", data / "isic9/Test", Path(metadata)], reading, turned=False)


def of(audited: Audited, kind: Kind, basis: Basis) -> dict[tuple[str, str], int]:
    lines = group_findings(audited.sets, audited.findings)
    return {(line.second, line.first): len(line.findings) for line in lines if (line.kind, line.basis) == (kind, basis)}


def test_the_real_sets_leak_as_their_description_says(real: Audited) -> None:
    assert of(real, Kind.LEAK, Basis.CONTENT) == {("Test", "Train"): 18}
    leaking = {("Test", "Train"): 18, ("Train", "metadata.csv"): 1445, ("Test", "metadata.csv"): 69}  # 1445 + 69 = 1514
    assert of(real, Kind.LEAK, Basis.ID) == leaking
    assert of(real, Kind.LEAK, Basis.NEAR) == {**leaking, ("Test", "Train"): 1}
    assert of(real, Kind.LEAK, Basis.GROUP) == {**leaking, ("Test", "Train"): 39}
    photographs = real.sets.photographs
    exact = [f for f in real.findings if (f.kind, f.basis) == (Kind.LEAK, Basis.CONTENT)]
    assert all(photographs[f.first].label != photographs[f.second].label for f in exact if f.second is not None)


def test_the_real_sets_show_photographs_twice_as_their_description_says(real: Audited) -> None:
    assert of(real, Kind.DUPLICATE, Basis.CONTENT) == {("", "Train"): 141, ("", "metadata.csv"): 2}
    assert of(real, Kind.DUPLICATE, Basis.NEAR) == {("", "metadata.csv"): 110, ("", "Train"): 5}
    assert of(real, Kind.GROUPS, Basis.NEAR) == {("", "metadata.csv"): 1}


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
    assert of(train, Kind.LABELS, Basis.CONTENT) == of(train, Kind.LABELS, Basis.ID) == contents
    assert of(train, Kind.LABELS, Basis.REFERENCE) == {("nevus", "actinic_keratosis"): 76}


def test_the_real_photographs_of_one_id_look_alike_and_hashes_find_those_of_changed_names(real: Audited) -> None:
    by_id = [f for f in real.findings if (f.kind, f.basis) == (Kind.LEAK, Basis.ID)]
    assert max(f.distance for f in by_id if f.distance is not None) <= 20
    assert {f.second for f in by_id} <= {
        f.second for f in real.findings if f.kind is Kind.LEAK and f.basis in (Basis.NEAR, Basis.CONTENT)
    }


def test_the_defects_that_are_listed_are_found_file_by_file(real: Audited, data: Path) -> None:
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


def test_the_split_of_ham10000_that_the_project_publishes_leaks_nothing(real: Audited) -> None:
    published = list(csv.DictReader((ROOT / "docs/splits/ham10000.csv").open()))
    index_of = {p.image_id: i for i, p in enumerate(real.sets.photographs) if real.sets.names[i] == "metadata.csv"}
    indices = [index_of[row["image_id"]] for row in published]
    photographs = [real.sets.photographs[index] for index in indices]
    assert len(photographs) > 10_000
    assert find_leaks(photographs, [row["part"] for row in published], real.hashes[indices]) == []
