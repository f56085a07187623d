"""Writes a bundle again with other documents: the same model with the same id, but more that is known about it."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from melanoma import storage
from melanoma.errors import BundleError
from melanoma.json_values import to_json
from melanoma.model.bundle import Bundle, check_free, check_parts, load_bundle
from melanoma.model.description import DESCRIPTION, NETWORK


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
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if files[NETWORK] != bundle.files[NETWORK]:
        raise BundleError(f"{uri}: another network is another model; write a new bundle")
    description = to_json({**bundle.description, "metrics": dict(edit.metrics), "files": digests})
    check_parts(uri, description, files)
    for name, data in [*files.items(), (DESCRIPTION, description)]:
        storage.write_bytes(storage.join(uri, name), data)
    return load_bundle(uri)
