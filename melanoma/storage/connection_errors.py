"""Errors of connections: why a store could not be talked to, and what to check; their texts are never quoted."""

import os
import re
import ssl
from errno import ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, EPIPE

_CHECK_ADDRESS = "check host, port and proxy"
_CHECK_SCHEME = "check host and port, and the http:// or https:// of its address"
_UNREACHED = f"nothing answers at its address as expected; {_CHECK_SCHEME}, and the proxy"
_WITHOUT_TLS = "it does not speak HTTPS with a trusted certificate; check the http:// or https:// of its address"
_CLOSED = f"it closed the connection; {_CHECK_SCHEME}"
_UNRESOLVED = "its host name cannot be resolved"
# A server that speaks HTTPS closes a connection that begins in plain HTTP.
_ADVICE = {
    **dict.fromkeys((ECONNREFUSED, EHOSTUNREACH, ENETUNREACH), _CHECK_ADDRESS),
    **dict.fromkeys((ECONNRESET, EPIPE), _CHECK_SCHEME),
}
# By name, so that no cloud's library has to be installed or imported.
_BY_NAME = {
    **dict.fromkeys(("EndpointConnectionError", "ServiceRequestError"), _UNREACHED),
    **dict.fromkeys(("ConnectionClosedError", "ServerDisconnectedError", "ServiceResponseError"), _CLOSED),
}
# What Delta Lake's library quotes: sentences of its TLS library and of the resolver.
_QUOTED = (
    (re.compile(r"invalid peer certificate|received corrupt message"), _WITHOUT_TLS),
    (re.compile(r"dns error|failed to lookup address"), _UNRESOLVED),
)


def connection_reason(error: Exception) -> str | None:
    """Returns why a store could not be talked to; None for an error that is not one of a connection."""
    if isinstance(error, ssl.SSLError) or "SSL" in type(error).__name__:  # its number is one of OpenSSL
        return _WITHOUT_TLS
    number = number_of(error)
    if number < 0:  # the resolver's codes; the operating system has no message for them
        return _UNRESOLVED
    if number in _ADVICE:
        return f"{os.strerror(number)}; {_ADVICE[number]}"
    if number:
        return None
    quoted = (meaning for form, meaning in _QUOTED if form.search(str(error)))
    return _BY_NAME.get(type(error).__name__) or next(quoted, None)


def number_of(error: Exception) -> int:
    """Returns the operating system's or the resolver's number of an error, also as Delta Lake quotes it; 0 for none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    native = re.search(r"\(os error (\d+)\)", str(error))
    return int(native[1]) if native else 0
