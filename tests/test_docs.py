"""The documentation: every link, path and test that it names exists, and the index lists every page."""

import re
from pathlib import Path

import pytest

from melanoma.reporting.metrics import Ending, as_text
from melanoma.runs.records import Counts, RunRecord, Stage
from tests.helpers import ROOT
from tests.helpers.imports import imports, room_of
from tests.helpers.reports import reported

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
# A path of the repository as it appears in prose and code, for instance docs/use/table.md or tests/test_layers.py.
PATH = re.compile(r"(?<![\w/.-])((?:benchmarks|deploy|docs|jobs|melanoma|pipelines|tests)/[\w./-]*\.(?:md|py|csv))\b")
TEST = re.compile(r"`(test_\w+\.py)`")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Returns the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_and_test_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path for path in PATH.findall(text) if not (ROOT / path).exists()] == []
    known = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(TEST.findall(text)) <= known


def test_every_page_that_the_code_names_exists() -> None:
    for folder in ("benchmarks", "deploy", "jobs", "melanoma", "pipelines", "tests"):
        for path in (
            path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".service", ".toml", ".yaml")
        ):
            found = re.findall(r"\bdocs/[\w/-]+\.md", path.read_text(encoding="utf-8"))
            assert [page for page in found if not (ROOT / page).exists()] == [], path


def test_the_index_has_one_line_for_every_page() -> None:
    folder = ROOT / "docs"
    listed = re.findall(
        r"^- \[[^]]+\]\(([^)]+)\): .+$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(
        str(page.relative_to(folder)) for page in folder.rglob("*.md") if page.name != "README.md"
    )


def test_the_picture_of_the_rooms_has_every_room_once_and_above_those_that_import_it() -> None:
    (picture,) = re.findall(
        r"\nmelanoma/\n(.*?)```", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.DOTALL
    )
    rooms = tuple(re.findall(r"^  (\w+)/ +\S", picture, re.MULTILINE))
    folders = [path.parent.name for path in (ROOT / "melanoma").glob("*/__init__.py")]
    assert sorted(rooms) == sorted(folders)
    pairs = {(room_of(found.importer, rooms), room_of(found.imported, rooms)) for found in imports(ROOT)}
    assert [(here, there) for here, there in pairs if here and there and rooms.index(here) < rooms.index(there)] == []


def test_the_page_on_reports_names_every_key_of_a_record() -> None:
    page = (ROOT / "docs" / "use" / "report.md").read_text(encoding="utf-8")
    (record,) = re.findall(r"The run's record: (.*?)\. `report` holds", page, re.DOTALL)
    spans = re.findall(r"`(.*?)`", re.sub(r"\(.*?\)", "", record, flags=re.DOTALL), re.DOTALL)
    keys = [key for span in spans for key in re.findall(r"\w+", span)]
    assert keys == list(RunRecord.__dataclass_fields__)


def test_the_page_on_reports_names_every_metric_with_its_labels() -> None:
    page = (ROOT / "docs" / "use" / "report.md").read_text(encoding="utf-8")
    record = RunRecord(
        "20260102T030405Z-00000000",
        "2026-01-02",
        "m-000000000001",
        "committed",
        Counts(listed=1, failed=1),
        table_version=1,
        failures={"corrupt": 1},
        stages={"read": Stage(1.0, 1)},
        seconds=1.0,
        shard="1/2",
    )
    drift = {"bundle": {"judged": True, "columns": {"p_nevus": 0.1}, "worst": "p_nevus", "level": "calm"}}
    text = as_text(Ending([reported(record, {"drift": drift})], exit_code=0, time=1.0), last_success=1.0)
    written = {
        (name, ",".join(re.findall(r"(\w+)=", labels)))
        for name, labels in re.findall(r"^(melanoma_\w+)(?:{(.*)})? \S+$", text, re.MULTILINE)
    }
    assert set(re.findall(r"`(melanoma_\w+)(?:{([\w,]+)})?`", page)) == written
