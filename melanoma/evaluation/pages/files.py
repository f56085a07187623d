"""A report as two files: JSON for programs and HTML for people."""

import json
from collections.abc import Mapping
from typing import Any

from melanoma import storage


def write_report(folder: str, name: str, report: Mapping[str, Any], page: str) -> str:
    """Writes `<name>.json` and `<name>.html`, replacing what lay there.

    Args:
        folder: URI or path, made if it is not there.
        name: Of both files.
        report: JSON values.
        page: HTML.

    Returns:
        The URI of the page.

    Raises:
        NothingCommittedError: The store or the disk does not take them.
    """
    root = storage.canonical(folder)
    text = json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False)
    storage.write_bytes(storage.join(root, f"{name}.json"), text.encode())
    uri = storage.join(root, f"{name}.html")
    storage.write_bytes(uri, page.encode())
    return uri
