"""Takes URIs apart and joins them: nothing is percent-decoded, and no character of a name is special."""

import posixpath
import re
from itertools import takewhile

ARCHIVES = ("zip", "tar")
_PROTOCOL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")


def split(uri: str) -> tuple[str, str]:
    """Splits a URI into its protocol in lower case and the rest; a path has the protocol `""`."""
    match = _PROTOCOL.match(uri)
    return (match.group(1).lower(), uri[match.end() :]) if match else ("", uri)


def join(folder: str, *names: str) -> str:
    """Joins names to a folder's URI or path."""
    return "/".join([folder.rstrip("/"), *names])


def name_of(uri: str) -> str:
    """Returns the last part of a URI's path, without the archive that it may lie in."""
    protocol, rest = split(uri)
    if protocol not in ARCHIVES:
        return posixpath.basename(rest.rstrip("/"))
    path = rest.rpartition("::")[0].replace("\\", "/")  # some programs for Windows separate folders so
    return posixpath.basename(path.rstrip("/"))


def archive_of(uri: str) -> str:
    """Returns the URI of the archive that a member lies in."""
    return split(uri)[1].rpartition("::")[2]


def member_parts(uri: str) -> list[str]:
    """Returns the parts of the path of an archive's member; of a glob, those in front of its wildcards.

    Args:
        uri: URI of a member, a folder in an archive, or a whole archive; none of another URI is a member.
    """
    protocol, rest = split(uri)
    if protocol not in ARCHIVES:
        return []
    parts = rest.rpartition("::")[0].replace("\\", "/").split("/")
    return list(takewhile(lambda part: not re.search(r"[*?\[]", part), filter(None, parts)))


def stem_of(uri: str) -> str:
    """Returns a file's name without its extension."""
    return posixpath.splitext(name_of(uri))[0]
