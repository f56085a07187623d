"""Everything that shows figures of a model shows the same two sentences, from one file."""

import re

from melanoma.disclaimer import NO_CLINICAL_VALIDATION, NO_DIAGNOSIS
from tests.helpers import ROOT


def test_both_texts_say_that_they_are_not_a_diagnosis() -> None:
    assert "not a diagnosis" in NO_DIAGNOSIS and "not a diagnosis" in NO_CLINICAL_VALIDATION


def test_no_other_file_defines_a_disclaimer_of_its_own() -> None:
    sources = [*(ROOT / "melanoma").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")]
    defined = re.compile(r"^_?NO_(DIAGNOSIS|CLINICAL_VALIDATION) = \(?\s*\"(Figures|Probabilities|These)", re.MULTILINE)
    found = {path.relative_to(ROOT).as_posix() for path in sources if defined.search(path.read_text("utf-8"))}
    assert found == {"melanoma/disclaimer.py"}
