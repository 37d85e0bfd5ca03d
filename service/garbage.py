"""The garbage collector, told when it has something to do."""

import gc


def collect() -> None:
    """Free what nobody needs, and never look through what is left again.

    TensorFlow's objects hold each other: only the collector frees an old version. And with
    TensorFlow among what it looks through, it would hold up all answers for a fifth of a second.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
