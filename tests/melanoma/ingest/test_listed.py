"""The age of a listed file, and the reference to it."""

import datetime

import pytest

from melanoma.ingest.listed import is_older, ref_to
from melanoma.storage import StoredFile

NOON = datetime.datetime(2026, 3, 5, 12).astimezone()
FILE = StoredFile("file:///a/DOE.jpg", "v", 7, True, NOON.astimezone(datetime.UTC))


@pytest.mark.parametrize(("since", "expected"), [(None, False), ("2026-03-05", False), ("2026-03-06", True)])
def test_a_file_is_older_than_a_later_local_day(since: str | None, expected: bool) -> None:
    assert is_older(FILE, datetime.date.fromisoformat(since) if since else None) == expected


def test_a_file_of_unknown_age_is_not_older() -> None:
    assert not is_older(FILE._replace(modified=None), datetime.date(2100, 1, 1))


def test_a_reference_holds_what_the_store_says_and_what_is_kept() -> None:
    ref = ref_to(FILE, "x1", ("left", 55))
    assert (ref.uri, ref.version, ref.size, ref.image_id, ref.kept) == (FILE.uri, "v", 7, "x1", ("left", 55))
