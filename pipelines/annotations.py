"""Annotations of transforms that are meant for readers, not for Beam."""

from collections.abc import Callable
from typing import Any, TypeVar

from apache_beam.typehints.decorators import no_annotations

_Expand = TypeVar("_Expand", bound=Callable[..., Any])


def for_readers(expand: _Expand) -> _Expand:
    """Hides the annotations of an `expand` from Beam, which would choose coders and check elements by them.

    Args:
        expand: The method to decorate.

    Returns:
        The same method.
    """
    hidden: _Expand = no_annotations(expand)
    return hidden
