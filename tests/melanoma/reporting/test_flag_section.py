"""The section on flags states how many photographs have each, and their share."""

from melanoma.reporting.flag_section import flags
from tests.helpers.reports import HOSTILE, Page

FOUND = {
    "n": 2000,
    "counts": {"review": 400, "flag_melanoma": 1},
    "reasons": {"unlike_training": 100, "uncertain": 300},
}


def test_each_flag_has_its_number_and_share() -> None:
    text = Page(flags({"flags": FOUND})).text
    assert "flag_melanoma 1 0.1% the probability of melanoma" in text and "review 400 20.0% a person" in text
    assert "Reasons for a review: uncertain 300, unlike training 100." in text
    assert text.endswith("Shares are of 2,000 photographs scored in this run.")


def test_names_from_a_record_are_text() -> None:
    page = Page(flags({"flags": {"n": 1, "counts": {HOSTILE: 1}, "reasons": {HOSTILE: 1}}}))
    assert page.elements["img"] == 0 and page.text.count("<img src=x") == 2


def test_without_flags_there_is_no_section() -> None:
    for found in ({}, {"flags": {"n": 0, "counts": {}, "reasons": {}}}, {"flags": {**FOUND, "counts": {}}}):
        assert flags(found) == ""
