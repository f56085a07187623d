"""Writes a bundle again with other documents: the same model with the same id, but more that is known about it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from melanoma.errors import BundleError
from melanoma.model.bundle import Bundle, check_free
from melanoma.model.bundle_parts import write_parts
from melanoma.model.description import NETWORK, PORTABLE


class BundleEdit(NamedTuple):
    """What changes in a bundle.

    Attributes:
        files: New content by name of the file; all other files stay.
        metrics: The measured figures in `bundle.json`.
    """

    files: Mapping[str, bytes]
    metrics: Mapping[str, Any]


def write_edited(bundle: Bundle, uri: str, edit: BundleEdit) -> Bundle:
    """Writes a changed copy of a bundle; the bundle itself stays as it is, and so does the model id.

    Args:
        bundle: The bundle.
        uri: Folder of the copy, in any store; must not hold a bundle or other files.
        edit: What changes. The network cannot.

    Returns:
        The copy as loaded from `uri`. A signature is not copied: it covers what has changed.

    Raises:
        BundleError: The folder is not empty, or the change would give another model.
    """
    check_free(uri)
    files = {**bundle.files, **edit.files}
    if any(files.get(name) != bundle.files.get(name) for name in (NETWORK, PORTABLE)):
        raise BundleError(f"{uri}: another network is another model; write a new bundle")
    return write_parts(uri, {**bundle.description, "metrics": dict(edit.metrics)}, files)
