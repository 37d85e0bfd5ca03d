"""Very many pictures become groups, each sent in one request, and a result for each picture."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from convlens.client import sources
from convlens.client.answers import Prediction, Result
from convlens.client.errors import ClientError, Refused
from convlens.client.sources import File, Source

# Most bytes of files in one request, well below the service's default limit of 32 MiB.
MOST_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Loaded:
    """A picture that could be read, and its place in the group."""

    place: int
    file: File


class Group:
    """The pictures of one group: those still to be sent, and the result of each so far."""

    def __init__(self, pictures: Sequence[Source]) -> None:
        self.results, self._waiting = load(pictures)

    def requests(self) -> Iterator[list[Loaded]]:
        """The pictures of each request that is still to be sent."""
        while self._waiting:
            yield self._waiting.pop()

    def answered(self, loaded: Sequence[Loaded], answers: list[Prediction | Refused]) -> None:
        """Take the answers of one request."""
        for one, answer in zip(loaded, answers, strict=True):
            source = self.results[one.place].source
            if isinstance(answer, Prediction):
                self.results[one.place] = Result(source, prediction=answer)
            else:
                self.results[one.place] = Result(source, error=answer)

    def failed(self, loaded: Sequence[Loaded], error: ClientError) -> None:
        """Take the error of one request: that of all its pictures, unless each is sent alone."""
        if len(loaded) > 1 and isinstance(error, Refused) and error.status not in (401, 403, 404):
            self._waiting += [[one] for one in loaded]
            return
        for one in loaded:
            self.results[one.place] = Result(self.results[one.place].source, error=error)


def groups(pictures: Iterable[Source], size: int) -> Iterator[list[Source]]:
    """`pictures` in lists of up to `size`, taken only as they are asked for."""
    waiting = iter(pictures)
    while group := list(islice(waiting, size)):
        yield group


def load(group: Sequence[Source]) -> tuple[list[Result], list[list[Loaded]]]:
    """A result for each of `group`, with the error of one that cannot be read, and the requests.

    A request is a list of pictures that hold at most MOST_BYTES together, or of one that alone
    holds more.
    """
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


def length(pictures: object) -> int | None:
    """The number of pictures, where it is known beforehand."""
    return len(pictures) if hasattr(pictures, "__len__") else None
