"""Writes a report as two files: JSON for programs and HTML for people."""

import json

from melanoma import storage
from melanoma.evaluation.report import Report


def write_report(folder: str, name: str, report: Report, page: str) -> str:
    """Writes `<name>.json` and `<name>.html`, replacing earlier ones.

    Args:
        folder: URI or path, created if it does not exist.
        name: Name of both files without extension.
        report: JSON values.
        page: HTML.

    Returns:
        The URI of the page.

    Raises:
        ValueError: The report holds a number that JSON cannot express, such as NaN.
        NothingCommittedError: The files cannot be written.
    """
    root = storage.canonical(folder)
    text = json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False)
    storage.write_bytes(storage.join(root, f"{name}.json"), text.encode())
    uri = storage.join(root, f"{name}.html")
    storage.write_bytes(uri, page.encode())
    return uri
