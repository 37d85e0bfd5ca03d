"""An error becomes the wait before the request is sent again, or the decision not to."""

import logging
import random
from collections.abc import Callable
from typing import Any

import stamina

from convlens.client.errors import Unavailable, Unreachable

# In seconds; a request whose service asks for a longer wait is not sent again.
LONGEST_WAIT = 30.0

# In seconds, for all attempts together, so that a call ends whatever the service asks for.
LONGEST_CALL = 60.0

# stamina logs each wait; without a handler, Python would print it in the terminal.
logging.getLogger("stamina").addHandler(logging.NullHandler())


def context(retries: int) -> Any:
    """stamina's iterator of attempts: the first, and up to `retries` more."""
    return stamina.retry_context(on=wait(), attempts=retries + 1, timeout=LONGEST_CALL)


def wait(draw: Callable[[], float] = random.random) -> Callable[[Exception], bool | float]:
    """The function that decides for an error: seconds to wait, True or False.

    True stands for stamina's own waits, which grow and have jitter, False for no further attempt.
    A wait that the service asked for becomes up to a quarter longer, at random, so that its
    clients do not all return at once.
    """

    def decide(error: Exception) -> bool | float:
        if isinstance(error, Unreachable):
            return error.again
        if not isinstance(error, Unavailable):
            return False
        # Without a problem document, a proxy answered because its server went away.
        if error.status not in (429, 503) and error.problem:
            return False
        if error.retry_after is None:
            return True
        if error.retry_after > LONGEST_WAIT:
            return False
        return error.retry_after * (1 + draw() / 4)

    return decide
