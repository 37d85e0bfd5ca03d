"""When a request goes again: what failed and what the service asked for become a wait, or none."""

import logging
import random
from collections.abc import Callable
from typing import Any

import stamina

from convlens.client.errors import Unavailable, Unreachable

# A service that asks for a longer wait is not waited for.
LONGEST_WAIT = 30.0

# Together, so that a call ends in time whatever the service asks for.
LONGEST = 60.0

# stamina says each wait to the log; where no log is set up, it is not for the terminal.
logging.getLogger("stamina").addHandler(logging.NullHandler())


def context(retries: int) -> Any:
    """stamina's iterator of attempts: the first, and up to `retries` more."""
    return stamina.retry_context(on=wait(), attempts=retries + 1, timeout=LONGEST)


def wait(draw: Callable[[], float] = random.random) -> Callable[[Exception], bool | float]:
    """Seconds to wait before the next attempt; True leaves that to growing waits with jitter.

    What the service asked for is stretched by up to a quarter, so that not all come back at once.
    """

    def decide(error: Exception) -> bool | float:
        if isinstance(error, Unreachable):
            return error.again
        if not isinstance(error, Unavailable):
            return False
        # An answer without a problem document is that of a proxy whose server went away.
        if error.status not in (429, 503) and error.problem:
            return False
        if error.retry_after is None:
            return True
        if error.retry_after > LONGEST_WAIT:
            return False
        return error.retry_after * (1 + draw() / 4)

    return decide
