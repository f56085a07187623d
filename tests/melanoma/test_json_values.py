"""Values of an untrusted JSON document are of their type and in their range, or named in one line."""

import json
import math
from typing import Any

import pytest

from melanoma.json_values import LARGEST, few, number, shares, to_json, typed


@pytest.mark.parametrize(
    ("kind", "value"), [(str, "a"), (int, 3), (float, 0.5), (list, [1]), (dict, {"a": 1}), (bool, True)]
)
def test_a_value_of_its_type_is_returned_itself(kind: type[Any], value: Any) -> None:
    assert typed(kind, value, "x") is value


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (int, True, "x is True, expected a int"),
        (int, 3.0, "x is 3.0, expected a int"),
        (float, 3, "x is 3, expected a float"),
        (str, None, "x is None, expected a str"),
        (dict, [], r"x is \[\], expected a dict"),
    ],
)
def test_a_value_of_another_type_is_refused_even_where_python_would_take_it(
    kind: type[Any], value: Any, text: str
) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        typed(kind, value, "x")


def test_a_list_has_its_length() -> None:
    assert typed(list, [1, 2], "size", 2) == [1, 2]
    for value in ([1], [1, 2, 3], "ab"):
        with pytest.raises(ValueError, match="expected a list of 2"):
            typed(list, value, "size", 2)


@pytest.mark.parametrize("value", [0, 1, 0.5, -0.0, 10**0])
def test_a_number_in_its_range_becomes_a_float(value: float) -> None:
    found = number(value, "x", 0, 1)
    assert type(found) is float and found == value


@pytest.mark.parametrize("value", [-1e-9, 1.0001, math.nan, math.inf, -math.inf, True, "0.5", None, [0.5], 10**400])
def test_any_other_value_is_refused_as_a_number(value: Any) -> None:
    with pytest.raises(ValueError, match="expected a number from 0 to 1"):
        number(value, "x", 0, 1)


def test_every_number_is_bounded_unless_its_range_is_stated() -> None:
    assert number(LARGEST, "x") == LARGEST and number(-LARGEST, "x") == -LARGEST
    for value in (LARGEST * 1.001, -1e300):
        with pytest.raises(ValueError, match=r"expected a number from -1e\+06 to 1e\+06"):
            number(value, "x")
    assert number(10**9, "x", 1, math.inf) == 1e9


def test_shares_come_in_the_order_of_their_keys() -> None:
    found = shares({"b": 1, "a": 0.25}, "prior", ("a", "b"))
    assert list(found.items()) == [("a", 0.25), ("b", 1.0)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 0.5}, "prior has the keys 'a', expected 'a', 'b'"),
        ({"a": 0.5, "b": 0.5, "c": 0}, "prior has the keys 'a', 'b', 'c', expected 'a', 'b'"),
        ({"a": 0.5, "b": 1.5}, "prior.b is 1.5, expected a number from 0 to 1"),
        ([0.5, 0.5], r"prior is \[0.5, 0.5\], expected a dict"),
    ],
)
def test_shares_for_other_keys_or_out_of_range_are_refused_by_name(value: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        shares(value, "prior", ("a", "b"))


def test_an_error_stays_short_whatever_the_value() -> None:
    for check in (lambda: typed(int, "x" * 10_000, "name"), lambda: number(["y" * 10_000], "name")):
        with pytest.raises(ValueError, match="name is") as caught:
            check()
        assert len(str(caught.value)) < 150


def test_few_names_are_quoted_and_the_rest_counted() -> None:
    assert few([]) == "none" and few({"b", "a"}) == "'a', 'b'"
    assert few([str(index) for index in range(8)]) == "'0', '1', '2', '3', '4' and 3 more"
    assert few(["a\n"]) == r"'a\n'"


def test_equal_documents_are_equal_bytes() -> None:
    one, two = {"b": 1, "a": [1.5, "é"]}, {"a": [1.5, "é"], "b": 1}
    assert to_json(one) == to_json(two) == '{\n  "a": [\n    1.5,\n    "é"\n  ],\n  "b": 1\n}\n'.encode()
    assert to_json(one, indent=None) == '{"a": [1.5, "é"], "b": 1}\n'.encode()
    assert json.loads(to_json(one)) == one


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": -math.inf}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(value)
