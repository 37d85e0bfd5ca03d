"""What native libraries say on stderr when a process first uses them, kept from the reader."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_USED: set[str] = set()


@contextmanager
def unheard(library: str) -> Iterator[None]:
    """The first time for `library`, nothing written to stderr inside is shown; later all is.

    TensorFlow's TF_CPP_MIN_LOG_LEVEL comes too late for what it says while it is loaded.
    """
    if library in _USED:
        yield
        return
    _USED.add(library)
    shown, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(shown, 2)
        os.close(shown)
        os.close(nowhere)
