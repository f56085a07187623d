"""Hides the secrets of URIs in text for people: the one place that knows which parts are secret."""

import re

_HIDDEN = "***"
_LOGIN = re.compile(r"(?<=://)[^/\s'\"@]+@")
# Not of local files, whose names may contain a question mark.
_QUERY = re.compile(r"(?<![a-zA-Z0-9+.-])(?!file://)([a-zA-Z][a-zA-Z0-9+.-]*://[^\s?'\"]*\?)([^\s'\";,)]+)")
_PUBLIC = re.compile(r"(?:versionId|generation)=[\w.~-]+")


def redacted(text: str) -> str:
    """Returns a text in which no URI has a user, a password or a query, except for the version of an object.

    Args:
        text: A message that may contain URIs, such as `s3://key:secret@bucket/x` or `https://host/x?sig=…`.
    """
    return _QUERY.sub(_without_secrets, _LOGIN.sub(f"{_HIDDEN}@", text))


def _without_secrets(found: re.Match[str]) -> str:
    parts = [part if _PUBLIC.fullmatch(part) else _HIDDEN for part in found[2].split("&")]
    return found[1] + "&".join(dict.fromkeys(parts))
