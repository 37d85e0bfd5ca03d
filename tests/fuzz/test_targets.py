"""A short look with Hypothesis at every reader; `python -m tests.fuzz` looks for longer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.fuzz import targets


@some.composite
def damaged(draw: some.DrawFn, name: str) -> bytes:
    """An example with a few bytes put in, taken out or changed."""
    data = bytearray(draw(some.sampled_from(targets.TARGETS[name][1])))
    for _ in range(draw(some.integers(0, 4))):
        place = draw(some.integers(0, len(data)))
        data[place : place + draw(some.integers(0, 8))] = draw(some.binary(max_size=8))
    return bytes(data)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_whatever_comes_is_read_or_refused(name: str) -> None:
    @settings(max_examples=120, deadline=None, database=None)
    @given(damaged(name) | some.binary(max_size=400))
    def check(data: bytes) -> None:
        targets.run(name, data)

    check()


@pytest.mark.parametrize("name", targets.TARGETS)
def test_first_example_is_read(name: str) -> None:
    """Else the fuzzers would hardly ever come past the first refusal."""
    reader, examples = targets.TARGETS[name]
    reader(examples[0])
