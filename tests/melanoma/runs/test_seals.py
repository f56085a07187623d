"""The seal of a staged file: a keyed hash over its bytes and its place."""

import hashlib
import hmac
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.runs.seals import Seal
from tests.helpers.outputs import layout_of

KEY, CONTENT = bytes(range(32)), b"ARROW1 some rows ARROW1"
URI = "s3://bucket/out/_staging/f00d/20260102T030405Z-00000000/000007.arrow"


def test_the_seal_is_an_hmac_of_place_and_content() -> None:
    place = b"f00d/20260102T030405Z-00000000/000007.arrow"
    expected = hmac.new(KEY, len(place).to_bytes(8, "big") + place + CONTENT, hashlib.sha256).hexdigest()
    stored = Seal(KEY).sealed(URI, CONTENT)
    assert stored == CONTENT + b"\nmelanoma seal 1 " + expected.encode()
    assert Seal(KEY).opened(URI, stored) == CONTENT
    assert Seal(KEY).opened(URI.replace("s3://bucket/out", "/elsewhere"), stored) == CONTENT, "an output may be moved"


@pytest.mark.parametrize("other", ["f00e/20260102T030405Z-00000000/000007", "f00d/20260102T030405Z-00000000/000008"])
def test_a_seal_of_another_place_or_key_is_not_one(other: str) -> None:
    stored = Seal(KEY).sealed(URI, CONTENT)
    assert Seal(KEY).opened(f"s3://bucket/out/_staging/{other}.arrow", stored) is None
    assert Seal(bytes(32)).opened(URI, stored) is None


def test_nothing_may_be_added_or_left_out() -> None:
    stored = Seal(KEY).sealed(URI, CONTENT)
    damaged = [b"", b"x", CONTENT, stored[:-1], stored + b"\n", stored[1:], b"x" + stored]
    damaged += [stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :] for place in range(len(stored))]
    assert {Seal(KEY).opened(URI, data) for data in damaged} == {None}


def test_an_output_has_one_key_which_only_its_owner_may_read(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    assert Seal.known_to(layout) is None
    assert Seal.create_key(layout) and not Seal.create_key(layout)
    path = tmp_path / "_private" / "staging_key"
    assert path.stat().st_mode & 0o777 == 0o600 and len(bytes.fromhex(path.read_text())) == 32
    first, second = Seal.known_to(layout), Seal.known_to(layout)
    assert first is not None and second is not None
    assert second.opened(URI, first.sealed(URI, CONTENT)) == CONTENT
    assert bytes.fromhex(path.read_text()) not in first.sealed(URI, CONTENT)


def test_what_is_not_a_key_is_refused(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    Seal.create_key(layout)
    for text in ("", "nothex", "0" * 63, "0" * 65, "0" * 10_000):
        (tmp_path / "_private" / "staging_key").write_text(text)
        with pytest.raises(UsageError, match="is damaged"):
            Seal.known_to(layout)
