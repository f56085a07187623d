"""The transport by which the library of Azure sends requests, with a limit on the bytes of every answer."""

from typing import Any

from azure.core.pipeline.transport import AioHttpTransport

from melanoma.storage.answer_limits import FIRST_WITHOUT_OBJECT, MOST_BYTES, limit_answer


class LimitedTransport(AioHttpTransport):
    """A transport of which no answer fills the memory."""

    async def send(self, request: Any, *, stream: bool = False, most_bytes: int | None = None, **config: Any) -> Any:
        """Sends a request.

        Args:
            request: As the library makes it.
            stream: Whether the library reads the body piece by piece.
            most_bytes: Bytes that the answer may have; None for no limit on an object, and the usual one otherwise.
            **config: Passed on.
        """
        answer: Any = await super().send(request, stream=True, **config)
        if not stream or most_bytes is not None or answer.status_code >= FIRST_WITHOUT_OBJECT:
            limit_answer(answer.internal_response, MOST_BYTES if most_bytes is None else most_bytes)
        if not stream:
            await (answer.load_body() if hasattr(answer, "load_body") else answer.read())
        return answer
