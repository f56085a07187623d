"""Models are called by their names or ids; an id counts before a name, and an ambiguous name is refused."""

import pytest

from melanoma.errors import UsageError
from melanoma.table.model_names import ModelNames, shown

NAMES = ModelNames({"m-1": "lite", "m-2": "large", "m-3": "lite", "m-4": "m-2"})


def test_a_model_is_shown_by_its_name_and_id() -> None:
    assert shown("m-1", "lite") == "lite (m-1)" and shown("m-9", "") == "m-9"
    assert NAMES.listed(["m-1", "m-9"]) == "lite (m-1), m-9"


@pytest.mark.parametrize(
    ("text", "found"), [("m-1", "m-1"), ("large", "m-2"), ("m-2", "m-2"), ("lite", "m-1"), ("Large", None), ("", None)]
)
def test_a_model_is_found_by_its_name_or_id(text: str, found: str | None) -> None:
    assert NAMES.find(text, ["m-1", "m-2", "m-4", "m-9"]) == found


def test_a_name_of_two_models_is_refused_with_their_ids() -> None:
    with pytest.raises(UsageError, match="2 models are named 'lite': m-1, m-3; give the id of one of them"):
        NAMES.find("lite", ["m-3", "m-2", "m-1"])
