"""Hides what native libraries print to stderr when a process first uses them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_USED: set[str] = set()


@contextmanager
def unheard(library: str) -> Iterator[None]:
    """Discard what is written to stderr inside, the first time for `library` only.

    TensorFlow reads TF_CPP_MIN_LOG_LEVEL too late for what it prints while it is loaded.
    """
    if library in _USED:
        yield
        return
    _USED.add(library)
    stderr, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(devnull)
