"""The S3 server moto as a program, with one change: of several writers that create an object at once, one succeeds.

moto looks whether the object is there and then writes it, so two threads may both find nothing: in 1 of 40 races of
three processes, two were told that they had won. Changes therefore pass one after another.

    python -m tests.helpers.moto_process PORT [CERTIFICATE KEY]
"""

import sys
import threading
from collections.abc import Callable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

_READING = ("GET", "HEAD")
Application = Callable[[dict[str, Any], Any], Any]


def one_change_at_a_time(inner: Application) -> Application:
    """Wraps a server's application so that no two requests that change something run at once."""
    lock = threading.Lock()

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] in _READING:
            return inner(environ, start_response)
        with lock:
            return list(inner(environ, start_response))

    return app


if __name__ == "__main__":
    port, *certificate = sys.argv[1:]
    run_simple(
        "127.0.0.1",
        int(port),
        one_change_at_a_time(DomainDispatcherApplication(create_backend_app)),
        threaded=True,
        ssl_context=tuple(certificate) if certificate else None,  # type: ignore[arg-type]
        request_handler=MotoRequestHandler,
    )
