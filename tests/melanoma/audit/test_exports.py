"""findings.csv and audit.json, which other programs read."""

import csv
import io
import json

from melanoma.audit.exports import to_csv, to_json
from melanoma.audit.findings import Basis, Finding, Kind
from tests.helpers.labelled import Audited, labelled, set_of

COLUMNS = [
    *("kind", "basis", "distance", "detail"),
    *("first_id", "first_uri", "first_label", "first_group", "first_set", "first_part"),
    *("second_id", "second_uri", "second_label", "second_group", "second_set", "second_part"),
]


def test_the_columns_of_the_table_never_change() -> None:
    assert to_csv(set_of(), []).decode() == ",".join(COLUMNS) + "\n"


def test_a_row_names_both_photographs() -> None:
    sets = set_of(labelled("a", group="L1"), labelled("b", "melanoma"), parts=("train", "test"))
    text = to_csv(sets, [Finding(Kind.LEAK, Basis.NEAR, 0, 1, 7, "turned")]).decode()
    assert text.splitlines()[1] == (
        "leak,near_duplicate,7,turned,"
        "a,file:///nevus/a.jpg,nevus,L1,train,train,"
        "b,file:///melanoma/b.jpg,melanoma,b,train,test"
    )


def test_a_finding_about_one_photograph_leaves_the_second_empty() -> None:
    text = to_csv(set_of(labelled("a")), [Finding(Kind.BROKEN, Basis.DECODER, 0, detail="truncated")]).decode()
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["distance"], row["detail"], row["first_id"]) == ("", "truncated", "a")
    assert {value for name, value in row.items() if name.startswith("second_")} == {""}


def test_names_with_commas_and_line_ends_stay_one_cell() -> None:
    text = to_csv(set_of(labelled('a,"b\nc')), [Finding(Kind.BROKEN, Basis.DECODER, 0)]).decode()
    assert next(csv.DictReader(io.StringIO(text)))["first_id"] == 'a,"b\nc'


def test_rows_of_a_real_audit_are_in_its_order(dirty: Audited) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(dirty.sets, dirty.findings).decode())))
    assert [(row["kind"], row["basis"]) for row in rows] == [(f.kind, f.basis) for f in dirty.findings]
    leak = rows[0]
    assert (leak["first_set"], leak["second_set"]) == ("train", "test")
    assert (leak["first_id"], leak["second_id"]) == ("lesion-0001", "mirrored")
    assert leak["first_uri"].endswith("train/melanoma/lesion-0001.jpg")
    assert 0 < int(leak["distance"]) <= 24
    alone = next(row for row in rows if row["basis"] == "reference")
    assert (alone["detail"], alone["first_label"], alone["second_id"]) == ("melanoma", "nevus", "")


def test_the_json_counts_sides_and_sizes_without_names_of_photographs(dirty: Audited) -> None:
    text = to_json(dirty.sets, dirty.findings, dirty.unreadable).decode()
    document = json.loads(text)
    assert text.startswith('{\n "format": 1,\n'), "people read it too"
    assert list(document) == ["format", "near_bits", "sets", "photographs_concerned", "findings", "ties"]
    assert document["format"] == 1
    assert document["near_bits"] == {"upright": 32, "turned": 24, "of": 256}
    train, test = document["sets"]
    assert list(train) == [
        *("name", "uri", "photographs", "contents", "groups", "absent", "broken"),
        *("labels", "parts"),
    ]
    assert (train["name"], train["photographs"], train["contents"], train["broken"]) == ("train", 11, 9, 1)
    assert (test["name"], test["photographs"], test["contents"], test["broken"]) == ("test", 4, 4, 0)
    assert train["labels"] == {"melanoma": 5, "nevus": 6}
    leak = {"kind": "leak", "basis": "near_duplicate", "first": "train", "second": "test", "findings": 1, "of": 4}
    assert leak in document["findings"]
    assert document["photographs_concerned"] == {"leak": 4, "labels": 5, "groups": 0, "duplicate": 4, "broken": 1}
    assert "lesion-0" not in text
