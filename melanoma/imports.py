"""Imports of large libraries: without their greetings, and without garbage collections that find nothing."""

import contextlib
import gc
import os
from collections.abc import Iterator


@contextlib.contextmanager
def native_silence() -> Iterator[None]:
    """Discards what native libraries write to file descriptor 2, bypassing Python; exceptions pass through."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Imports large libraries without garbage collections, and keeps later ones from walking through their objects.

    Their millions of objects live as long as the process. Collections between the imports would find nothing and cost
    over a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
