"""The page on reliability: each case names its tests, and each of them exists."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEASURED = "## Stores that fail, measured"  # its table has figures in place of tests
PAGE = (ROOT / "docs" / "understand" / "reliability.md").read_text(encoding="utf-8").partition(MEASURED)[0]
CASES = [row for row in PAGE.splitlines() if row.startswith("| ") and not row.startswith("| case |")]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_a_case_names_exists() -> None:
    named = [(path, name) for row in CASES for path, name in _TEST.findall(row)]
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(path)] == []
    assert len(named) > len(CASES)


def test_every_case_says_what_happens_and_which_tests_prove_it() -> None:
    for row in CASES:
        case, outcome, tests = (cell.strip() for cell in row.strip("|").split(" | "))
        assert case and outcome and _TEST.search(tests), row
        assert _TEST.sub("", tests).strip(" ,") == "", row


def test_no_case_is_told_twice() -> None:
    cases = [row.split(" | ")[0] for row in CASES]
    assert sorted({case for case in cases if cases.count(case) > 1}) == []
