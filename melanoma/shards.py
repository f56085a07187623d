"""A shard: the share of the photographs that one of several machines scores."""

import re
from typing import NamedTuple

MAX_SHARDS = 1000
_FORM = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


class Shard(NamedTuple):
    """One of several shares of the same photographs, which together are all of them.

    Attributes:
        number: Which share, from 1 to `total`.
        total: Number of shares, 1 to `MAX_SHARDS`.
    """

    number: int
    total: int

    @classmethod
    def parsed(cls, text: str) -> "Shard":
        """Reads a shard in the form `1/4`.

        Raises:
            ValueError: It is not of that form, or its numbers are out of range.
        """
        found = _FORM.fullmatch(text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.total <= MAX_SHARDS:
            raise ValueError(f"{text!r:.40} is not a shard")
        return shard

    def __str__(self) -> str:
        """The shard in the form `1/4`."""
        return f"{self.number}/{self.total}"

    def has(self, digest: bytes) -> bool:
        """Tells whether a photograph belongs to this shard.

        Chunks are numbered by the first half of the digest. The shard follows from the other half, so that the
        photographs of one shard fill all chunks evenly.

        Args:
            digest: 16 bytes, of its URI without a version: one that is overwritten during a run stays in its shard.
        """
        return int.from_bytes(digest[8:], "big") % self.total == self.number - 1

    def is_beside(self, other: "Shard | None") -> bool:
        """Tells whether a run of another shard may be active at the same time; None is a run of all photographs."""
        return other is not None and other.total == self.total and other.number != self.number

    @property
    def others(self) -> "list[Shard]":
        """The other shards of the same photographs."""
        return [Shard(number, self.total) for number in range(1, self.total + 1) if number != self.number]
