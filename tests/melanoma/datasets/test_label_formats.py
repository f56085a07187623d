"""Label tables of public collections are known by their columns; classes and groups are read as they mean them."""

from collections.abc import Sequence

import pytest

from melanoma.datasets.label_formats import StatedLabel, join_names, layout_of
from melanoma.errors import DataError, UsageError
from melanoma.labels import slug_of


def read(header: str, *rows: str, named: Sequence[str | None] = (None, None, None)) -> list[StatedLabel]:
    columns = header.split(",")
    layout = layout_of(columns, "t.csv", *named)
    cells = [row.split(",") for row in rows]
    return layout.read({name: [row[place] for row in cells] for place, name in enumerate(columns)}, "t.csv")


ISIC_2019 = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
ISIC_2018 = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (ISIC_2019, "ISIC_0000000,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0", ("ISIC_0000000", "nevus", "")),
        (ISIC_2019, "ISIC_1,0,0,0,0,0,0,0,0,1", ("ISIC_1", "unknown", "")),
        (ISIC_2018, "ISIC_2,0.0,0.0,0.0,1.0,0.0,0.0,0.0", ("ISIC_2", "actinic_keratosis", "")),
        (ISIC_2018 + ",lesion_id", "ISIC_2,1.0,0.0,0.0,0.0,0.0,0.0,0.0,L7", ("ISIC_2", "melanoma", "L7")),
        ("isic_id,diagnosis_1,diagnosis_3,lesion_id", "I,Malignant,Melanoma in situ,IL_1", ("I", "melanoma", "IL_1")),
        ("isic_id,diagnosis_1,diagnosis_3", "I,Indeterminate,", ("I", "", "")),
        ("isic_id,diagnosis_3,patient_id", "I,Solar or actinic keratosis,IP", ("I", "actinic_keratosis", "IP")),
        ("isic_id,diagnosis_3", "I,Seborrheic keratosis", ("I", "seborrheic_keratosis", "")),
        ("patient_id,lesion_id,diagnostic,img_id", "P1,8,ACK,P1_8_2.png", ("P1_8_2", "actinic_keratosis", "8")),
        ("patient_id,lesion_id,diagnostic,img_id", "P1,8,SEK,P1_8_2.png", ("P1_8_2", "seborrheic_keratosis", "8")),
        ("patient_id,lesion_id,diagnostic,img_id", "P1,8,NEV,a.png", ("a", "nevus", "8")),
        ("case_num,diagnosis,clinic,derm", "3,clark nevus,NEL/026.JPG,NEL/025.JPG", ("025", "nevus", "3")),
        ("case_num,diagnosis,clinic,derm", "3,melanoma (in situ),c.jpg,d.jpg", ("d", "melanoma", "3")),
        ("case_num,diagnosis,clinic,derm", "3,melanosis,c.jpg,d.jpg", ("d", "melanosis", "3")),
        (
            "isic_id,benign_malignant,diagnosis,lesion_id",
            "I,benign,lichenoid keratosis,L",
            ("I", "lichenoid_keratosis", "L"),
        ),
        ("isic_id,target,patient_id,iddx_1,iddx_3", "I,1,IP,Malignant,Melanoma in situ", ("I", "melanoma", "IP")),
        ("isic_id,target,patient_id,iddx_1,iddx_3", "I,0,IP,Benign,", ("I", "", "IP")),
        ("image_name,patient_id,diagnosis,benign_malignant,target", "I,IP,unknown,benign,0", ("I", "unknown", "IP")),
        ("image_name,patient_id,lesion_id,diagnosis,benign_malignant", "I,IP,IL,nevus,benign", ("I", "nevus", "IL")),
        ("image_id,melanoma,seborrheic_keratosis", "I,1.0,0.0", ("I", "melanoma", "")),
        ("image_id,melanoma,seborrheic_keratosis", "I,0.0,1.0", ("I", "seborrheic_keratosis", "")),
        ("image_id,melanoma,seborrheic_keratosis", "I,0.0,0.0", ("I", "nevus", "")),
        ("bcn_filename,diagnosis,lesion_id,split", "B_1.jpg,BKL,BCN_7,train", ("B_1", "benign_keratosis", "BCN_7")),
        ("md5hash,label,nine_partition_label", "5e82,malignant melanoma,malignant melanoma", ("5e82", "melanoma", "")),
        ("DDI_ID,DDI_file,malignant,disease", "1,000001.png,True,melanoma-in-situ", ("000001", "melanoma", "")),
        ("DDI_ID,DDI_file,malignant,disease", "1,000001.png,False,blue-nevus", ("000001", "blue_nevus", "")),
        ("image,MEL,NV", "a,False,True", ("a", "nevus", "")),
        ("image,MEL,NV", "a,,1", ("a", "nevus", "")),
        ("lesion_id,image_id,dx,dx_type", "HAM_1,ISIC_3,akiec,histo", ("ISIC_3", "actinic_keratosis", "HAM_1")),
    ],
)
def test_a_row_of_each_collection(header: str, row: str, expected: tuple[str, str, str]) -> None:
    (found,) = read(header, row)
    assert (found.image_id, found.label and slug_of(found.label), found.group) == expected


def test_a_further_class_is_never_taken_for_the_third_of_isic_2017() -> None:
    with pytest.raises(UsageError, match="expected the columns of a known table"):
        read("image_id,melanoma,seborrheic_keratosis,scar", "I,0,0,1")


def test_one_hot_columns_may_have_decimal_commas() -> None:
    layout = layout_of(["image", "MEL", "NV"], "t.csv", None, None, None)
    assert layout.read({"image": ["a"], "MEL": ["0,0"], "NV": ["1,0"]}, "t.csv")[0].label == "NV"


def test_isic_diagnoses_keep_their_subtypes_together() -> None:
    texts = ["Melanoma; NOS", "Melanoma Invasive", "Nevus", "Squamous cell carcinoma in situ", "Basal cell carcinoma"]
    rows = [f"{number},{text}" for number, text in enumerate(texts)]
    assert [slug_of(row.label) for row in read("isic_id,diagnosis_3", *rows)] == [
        *("melanoma", "melanoma", "nevus", "squamous_cell_carcinoma", "basal_cell_carcinoma")
    ]


def test_rows_that_share_a_lesion_or_a_patient_are_one_group() -> None:
    assert join_names([["p1", "p1", "", "", "p2"], ["l1", "l2", "l2", "", "l9"]], 5) == ["l1", "l1", "l1", "", "l9"]
    assert join_names([], 2) == ["", ""]


def test_a_column_that_is_named_wins_over_the_format() -> None:
    header, row = "case_num,diagnosis,clinic,derm", "3,clark nevus,c.jpg,d.jpg"
    assert read(header, row, named=("clinic", None, None)) == [("c", "nevus", "3")]
    assert read(header, row, named=("derm", "diagnosis", None)) == [("d.jpg", "clark nevus", "")]
    assert read(header, row, named=(None, None, "derm")) == [("d", "nevus", "d.jpg")]


def test_several_classes_in_a_row_are_refused_and_none_is_no_label() -> None:
    with pytest.raises(DataError, match=r"t\.csv: 1 of 2 rows have 1 in several of the columns MEL, NV; expected one"):
        read("image,MEL,NV", "a,1.0,1.0", "b,0.0,1.0")
    with pytest.raises(DataError, match="other values than 0 and 1"):
        read("image,MEL,NV", "a,0.3,0.7")
    with pytest.raises(DataError, match="other values than 0 and 1"):
        read("image,MEL,NV", "a,yes,no")
    assert read("image,MEL,NV", "a,0,0")[0].label == ""


def test_an_unknown_table_is_refused_with_its_columns_and_the_remedy() -> None:
    with pytest.raises(UsageError, match=r"t\.csv: expected .* PAD-.*--id-column .*among them class$"):
        layout_of(["photo", "class"], "t.csv", None, None, None)


def test_a_first_line_that_is_no_header_is_not_quoted() -> None:
    """It may name a patient, or hold the signature of a URL."""
    with pytest.raises(UsageError, match="is the first line a header") as refused:
        layout_of(["https://store/DOE-JANE.jpg?Signature=0123", "mel"], "t.csv", None, None, None)
    assert "DOE" not in str(refused.value) and "Signature" not in str(refused.value)


@pytest.mark.parametrize(("column", "expected"), [("patient_id", True), ("Patient", True), ("lesion_id", False)])
def test_groups_by_a_patient_may_hold_several_lesions(column: str, expected: bool) -> None:
    assert layout_of(["id", "dx", column], "t.csv", "id", "dx", column).groups_are_patients is expected
