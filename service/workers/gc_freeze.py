"""Freezes loaded objects, so that the garbage collector does not traverse them again."""

import gc


def collect() -> None:
    """Collect garbage once and freeze what is left.

    To be called after models were loaded or dropped: TensorFlow's objects refer to each other in
    cycles, so that only the collector frees an old version. Unfrozen, TensorFlow's objects would
    make every full collection hold up all answers for a fifth of a second.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
