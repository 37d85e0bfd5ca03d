"""Very many pictures become groups, each for one request, and its answers one result a picture."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from convlens.client import sources
from convlens.client.answers import Prediction, Result
from convlens.client.errors import ClientError, Refused
from convlens.client.sources import File, Source

# A group ends here even if it has few pictures: the service bounds what it takes at once.
MOST_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Loaded:
    """A picture that could be read, and its place in the group."""

    place: int
    file: File


def groups(pictures: Iterable[Source], size: int) -> Iterator[list[Source]]:
    """`pictures` in lists of up to `size`, taken only as they are asked for."""
    waiting = iter(pictures)
    while group := list(islice(waiting, size)):
        yield group


def load(group: Sequence[Source]) -> tuple[list[Result], list[list[Loaded]]]:
    """A result for each of `group`, filled where it cannot be read, and what to send together."""
    results = [Result(source) for source in group]
    sent: list[list[Loaded]] = []
    room = 0
    for place, source in enumerate(group):
        try:
            file = sources.load(source, str(place))
        except (OSError, ValueError, TypeError) as problem:
            results[place] = Result(source, error=problem)
            continue
        if not sent or len(file.data) > room:
            sent.append([])
            room = MOST_BYTES
        sent[-1].append(Loaded(place, file))
        room -= len(file.data)
    return results, sent


def fill(
    results: list[Result],
    loaded: Sequence[Loaded],
    answers: Sequence[Prediction | Refused] | ClientError,
) -> None:
    """Put the answers of one request where they belong; an error belongs to all of its pictures."""
    if isinstance(answers, ClientError):
        answers_: Sequence[Prediction | ClientError] = [answers] * len(loaded)
    else:
        answers_ = answers
    for one, answer in zip(loaded, answers_, strict=True):
        source = results[one.place].source
        if isinstance(answer, Prediction):
            results[one.place] = Result(source, prediction=answer)
        else:
            results[one.place] = Result(source, error=answer)


def split(loaded: Sequence[Loaded], error: ClientError) -> bool:
    """Whether pictures that were refused together are to be sent one by one."""
    return len(loaded) > 1 and isinstance(error, Refused) and error.status not in (401, 403, 404)


def length(pictures: object) -> int | None:
    """How many there are, where that is known beforehand."""
    return len(pictures) if hasattr(pictures, "__len__") else None
