"""Text from elsewhere cannot move the cursor or hide other text."""

import pytest

from melanoma.terminal import printable
from tests.helpers.odd_names import NAMES


@pytest.mark.parametrize("text", ["", "plain", "Müller – 5 µm ≥ 3", "黒色腫", *NAMES])
def test_text_that_can_be_printed_stays_as_it_is(text: str) -> None:
    if "\u0308" not in text:
        assert text.isprintable()
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\ufffd[2Jb"),
        ("a\rb", "a\ufffdb"),
        ("a\nb", "a\ufffdb"),
        ("a\u202eb", "a\ufffdb"),
        ("a\u2028b", "a\ufffdb"),
        ("a\x00b\x07", "a\ufffdb\ufffd"),
        ("\x9b31m", "\ufffd31m"),
        ("\ud800", "\ufffd"),
        ("a\xa0b", "a\ufffdb"),
    ],
)
def test_what_could_move_the_cursor_or_hide_text_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).isprintable() and len(printable(text)) == len(text)


def test_kept_characters_stay_and_no_others() -> None:
    assert printable("a\nb\tc\x1b", keep="\n") == "a\nb\ufffdc\ufffd"
