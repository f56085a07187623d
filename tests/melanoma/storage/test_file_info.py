"""Versions and times are read from the listings of many kinds of store."""

import datetime
from typing import Any

import pytest

from melanoma.storage.file_info import modified_in, version_of

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ({"generation": 17, "etag": "abc", "size": 3}, "17"),
        ({"ETag": '"abc"', "LastModified": NOON, "size": 3}, "abc"),
        ({"etag": "0x8D", "last_modified": NOON}, "0x8D"),
        ({"md5Hash": "1B2M", "updated": "2026-01-02T12:00:00Z"}, "1B2M"),
        ({"ETag": "", "CRC": 99, "size": 3}, "99-3"),
        ({"CRC": 0, "size": 0}, "0-0"),
        ({"mtime": 1767355200.5, "size": 3}, "1767355200.5-3"),
        ({"LastModified": NOON, "size": 3}, "2026-01-02T12:00:00+00:00-3"),
        ({"size": 3}, "size-3"),
        ({}, "size-None"),
    ],
)
def test_the_version_is_the_surest_sign_of_change(info: dict[str, Any], version: str) -> None:
    assert version_of(info) == version


@pytest.mark.parametrize(
    "info",
    [
        {"mtime": NOON.timestamp()},
        {"mtime": int(NOON.timestamp())},
        {"LastModified": NOON},
        {"LastModified": datetime.datetime(2026, 1, 2, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))},
        {"created": datetime.datetime(2026, 1, 2, 12)},
        {"updated": "2026-01-02T12:00:00Z"},
        {"last_modified": "2026-01-02T13:00:00+01:00"},
        {"mtime": "not a time", "created": NOON},
        {"mtime": float("inf"), "created": NOON},
    ],
)
def test_the_time_of_change_is_read_from_every_form_as_utc(info: dict[str, Any]) -> None:
    found = modified_in(info)
    assert found == NOON and found.tzinfo is datetime.UTC


@pytest.mark.parametrize("info", [{}, {"mtime": None}, {"mtime": "yesterday"}, {"updated": 1e300}, {"created": []}])
def test_without_a_readable_time_there_is_none(info: dict[str, Any]) -> None:
    assert modified_in(info) is None
