"""Which errors make a client send a request again, and after which wait."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2 as httpx
import pytest
import stamina

from convlens import AsyncClient, Client, ClientError, Refused, Unavailable, Unreachable
from convlens.client import errors, retries

MODELS = httpx.Response(200, json={"models": []})
BUSY = httpx.Response(503, json={"title": "Busy", "detail": "Send this again."})


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries without the waits between them."""
    with stamina.set_testing(True, attempts=3):
        yield


def answering(*answers: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    waiting = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        one = next(waiting)
        if isinstance(one, Exception):
            raise one
        # A stream belongs to one client, whose answer is thus a new one.
        return httpx.Response(one.status_code, headers=one.headers, content=one.content)

    return answer


def ask(*answers: httpx.Response | Exception) -> None:
    with Client("http://test", transport=httpx.MockTransport(answering(*answers))) as client:
        assert client.models() == []


@pytest.mark.parametrize(
    "first",
    [
        BUSY,
        httpx.Response(429, headers={"retry-after": "1"}, json={}),
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("disconnected"),
        httpx.Response(502, text="Bad Gateway"),
        httpx.Response(500, text="Internal Server Error"),
    ],
)
def test_busy_and_unreachable_services_are_asked_again(first: httpx.Response | Exception) -> None:
    ask(first, first, MODELS)

    async def awaited() -> None:
        transport = httpx.MockTransport(answering(first, MODELS))
        async with AsyncClient("http://test", transport=transport) as client:
            assert await client.models() == []

    asyncio.run(awaited())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(422, json={"detail": "Wrong."}), Refused),
        (httpx.Response(500, json={"detail": "Ours."}), Unavailable),
        (httpx.Response(503, headers={"retry-after": "3600"}, json={}), Unavailable),
        (httpx.Response(302, headers={"location": "/x"}), Refused),
        (httpx.ReadTimeout("slow"), Unreachable),
    ],
)
def test_other_errors_are_not_retried(
    answer: httpx.Response | Exception, error: type[ClientError]
) -> None:
    with pytest.raises(error):
        ask(answer)  # A second request would find nothing to answer it.


def test_last_attempt_raises_its_error() -> None:
    with pytest.raises(Unavailable, match="Send this again") as last:
        ask(BUSY, BUSY, BUSY)
    assert last.value.status == 503


def test_answer_of_a_proxy_is_an_error() -> None:
    page = httpx.Response(502, text="<html>Bad Gateway</html>")
    with pytest.raises(Unavailable, match="answered 502 Bad Gateway"):
        ask(page, page, page)


def test_wait_is_the_one_asked_for_and_up_to_a_quarter_more() -> None:
    busy = Unavailable(503, {}, 2)
    assert retries.wait(lambda: 0.0)(busy) == 2
    assert retries.wait(lambda: 1.0)(busy) == 2.5
    assert retries.wait()(Unavailable(503, {})) is True
    assert retries.wait()(Unavailable(503, {}, 31)) is False
    assert retries.wait()(Refused(400, {})) is False


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("2", 2),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    headers = {} if header is None else {"retry-after": header}
    error = errors.of_answer(httpx.Response(503, headers=headers))
    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds


def test_retry_after_a_date_to_come_is_the_seconds_until_then() -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    error = errors.of_answer(httpx.Response(503, headers={"retry-after": header}))
    assert isinstance(error, Unavailable)
    assert error.retry_after == pytest.approx(3600, abs=60)


def test_key_is_sent() -> None:
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return MODELS

    with Client("http://test", key="k", transport=httpx.MockTransport(answer)) as client:
        client.models()
    assert seen[0]["authorization"] == "Bearer k"
