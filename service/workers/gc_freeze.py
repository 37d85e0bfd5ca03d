"""Freezes loaded objects, so that the garbage collector does not traverse them again."""

import gc

# Python's own 700 new objects start a collection every few requests, whose objects are nearly all
# freed by their reference counts.
_NEW_OBJECTS = 10_000


def collect() -> None:
    """Collect garbage once, freeze what is left, and raise the collector's threshold.

    To be called after models were loaded or dropped: TensorFlow's objects refer to each other in
    cycles, so that only the collector frees an old version. Unfrozen, TensorFlow's objects would
    make every full collection hold up all answers for a fifth of a second.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
