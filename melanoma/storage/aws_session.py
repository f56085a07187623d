"""The session in which the library of S3 sends requests, with a limit on the bytes of every answer but an object."""

from typing import Any

from aiobotocore.httpsession import AIOHTTPSession

from melanoma.storage.answer_limits import FIRST_WITHOUT_OBJECT, limit_answer


class LimitedSession(AIOHTTPSession):
    """A session of which no answer fills the memory."""

    async def send(self, request: Any) -> Any:
        """Sends a request; its answer is read by the library."""
        is_object, request.stream_output = request.stream_output, True  # the body is not to be read in there
        answer = await super().send(request)
        if not is_object or answer.status_code >= FIRST_WITHOUT_OBJECT:
            limit_answer(answer.raw)
        return answer
