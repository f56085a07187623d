"""Limits the bytes of an answer, which the libraries of the object stores read into memory to its end."""

from typing import Any

from melanoma.storage.errors import WrongAnswerError

FIRST_WITHOUT_OBJECT = 300  # HTTP status from which an answer is read to its end, whatever was asked for
MOST_BYTES = 2**26  # of a listing, a description or an error; a page of 5,000 entries seldom has a tenth of that


class TooLongError(WrongAnswerError):
    """An answer that went on after its limit."""


class _LimitedStream:
    """A stream of aiohttp that ends with an error after a number of bytes."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream, self._left = stream, most

    async def read(self, size: int = -1) -> bytes:
        """Reads at most `size` bytes; by default all until the end.

        Raises:
            TooLongError: There are more bytes than there may be.
        """
        if size < 0:
            parts = []
            while part := await self._counted(self._stream.readany()):
                parts.append(part)
            return b"".join(parts)
        return await self._counted(self._stream.read(size))

    async def _counted(self, reading: Any) -> bytes:
        from aiohttp import ClientPayloadError  # comes with the libraries of the stores

        try:
            part: bytes = await reading
        except ClientPayloadError:  # Azure's library would pause and try again
            raise WrongAnswerError("its answer was cut short") from None
        self._left -= len(part)
        if self._left < 0:
            raise TooLongError("its answer does not end")
        return part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def limit_answer(response: Any, most: int = MOST_BYTES) -> None:
    """Lets an answer end with an error after a number of bytes.

    Args:
        response: An `aiohttp.ClientResponse` whose body nobody has begun to read.
        most: Bytes that may come.
    """
    response.content = _LimitedStream(response.content, most)
