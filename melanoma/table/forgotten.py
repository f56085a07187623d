"""Forgotten photographs, which must never be scored again: their names and their bytes, remembered as keyed hashes."""

import re
from collections.abc import Iterable

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.table.layout import OutputLayout
from melanoma.table.pseudonyms import Pseudonyms

_MAX_BYTES = 1 << 30  # of the file; a photograph takes up to 74
_CONTENT = "content:"  # begins the lines with hashes of bytes; earlier versions wrote, and read, only those of names
_HASH = re.compile(rf"(?:{_CONTENT})?[0-9a-f]{{32}}")


class Forgotten:
    """The photographs that were erased from a score table."""

    def __init__(self, hashes: Iterable[str], pseudonyms: Pseudonyms) -> None:
        """Takes the hashes and the key that made them.

        Args:
            hashes: Full hashes, 32 hex digits each; those of bytes begin with `content:`.
            pseudonyms: Of the same table.
        """
        self._pseudonyms, all_hashes = pseudonyms, frozenset(hashes)
        self._contents = frozenset(found for found in all_hashes if found.startswith(_CONTENT))
        self._names = all_hashes - self._contents

    @classmethod
    def read(cls, layout: OutputLayout) -> "Forgotten | None":
        """Reads which photographs a score table has forgotten; returns None if it never forgot any.

        Raises:
            UsageError: The key is missing, or only its owner may read it.
            ReadError: The store does not return the hashes or the key.
        """
        if not storage.exists(layout.forgotten):
            return None
        pseudonyms = Pseudonyms.known_to(layout)
        if pseudonyms is None:
            raise UsageError(f"{layout.forgotten}: the file `key` beside it is missing; restore it from a backup")
        return cls(_hashes(layout), pseudonyms)

    @classmethod
    def readable(cls, layout: OutputLayout) -> "Forgotten | None":
        """Reads which photographs a score table has forgotten, for whoever asks; None to whom may not read it.

        Raises:
            UsageError: The key is missing or damaged.
            ReadError: The store does not return the hashes or the key.
        """
        try:
            return cls.read(layout)
        except ReadError as error:
            if error.kind is ErrorKind.FORBIDDEN:
                return None
            raise

    def __contains__(self, uri: str) -> bool:
        """Tells whether a photograph of this name was forgotten; its version does not matter."""
        return any(self._pseudonyms.full(spelling) in self._names for spelling in storage.spellings(uri))

    def has_content(self, sha256: str) -> bool:
        """Tells whether a photograph with these bytes was forgotten, under whatever name.

        Args:
            sha256: Of the file's bytes, hex.
        """
        return bool(self._contents) and _content_hash(self._pseudonyms, sha256) in self._contents

    def __len__(self) -> int:
        """Returns the number of names."""
        return len(self._names)

    @staticmethod
    def add(layout: OutputLayout, uris: Iterable[str], contents: Iterable[str] = ()) -> None:
        """Adds photographs to those that a score table has forgotten.

        Args:
            layout: Of the output folder.
            uris: Names of the photographs.
            contents: sha256 of their bytes, hex.

        Raises:
            NothingCommittedError: The store or the disk refused.
            ReadError: The store does not return the earlier hashes.
        """
        pseudonyms = Pseudonyms.of_table(layout)
        known = _hashes(layout) if storage.exists(layout.forgotten) else []
        added = [*map(pseudonyms.full, uris), *(_content_hash(pseudonyms, sha256) for sha256 in contents)]
        lines = "".join(f"{found}\n" for found in sorted({*known, *added}))
        storage.write_bytes(layout.forgotten, lines.encode(), is_private=True)


def _content_hash(pseudonyms: Pseudonyms, sha256: str) -> str:
    return _CONTENT + pseudonyms.full(_CONTENT + sha256)


def _hashes(layout: OutputLayout) -> list[str]:
    """Reads the hashes.

    Raises:
        UsageError: The file holds something else.
        ReadError: The store does not return it.
    """
    try:
        hashes = storage.read_small(layout.forgotten, _MAX_BYTES).decode("ascii").split()
    except UnicodeDecodeError:
        hashes = [""]
    except ReadError as error:
        if error.kind not in (ErrorKind.UNSUPPORTED_FORMAT, ErrorKind.TOO_LARGE):
            raise
        hashes = [""]
    if not all(map(_HASH.fullmatch, hashes)):
        raise UsageError(
            f"{layout.forgotten}: is damaged, expected hashes of 32 hex digits; restore it from a backup, as erased "
            "photographs would be scored again without it"
        )
    return hashes
