"""`predict_many`: results in order, each with its own error, and bounded reading ahead."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from convlens import AsyncClient, Client, Refused, Result, Unreachable
from convlens.client import many
from tests.pictures import noise, save, seven

PICTURES = [save(noise(8, 8, 1, seed)) for seed in range(21)]


def awaited(
    address: str, pictures: list[bytes], *, concurrency: int = 4, group: int = 32
) -> list[Result]:
    async def ask() -> list[Result]:
        async with AsyncClient(f"http://{address}") as client:
            results = client.predict_many(pictures, concurrency=concurrency, group=group)
            return [one async for one in results]

    return asyncio.run(ask())


@pytest.mark.parametrize(("concurrency", "group"), [(1, 1), (3, 4), (4, 32)])
def test_answers_keep_the_order_of_the_pictures(
    address: str, client: Client, concurrency: int, group: int
) -> None:
    alone = [client.predict(one).image for one in PICTURES]
    found = list(client.predict_many(PICTURES, concurrency=concurrency, group=group))
    for results in (found, awaited(address, PICTURES, concurrency=concurrency, group=group)):
        assert [one.source for one in results] == PICTURES
        assert [one.prediction.image for one in results if one.prediction] == alone


def test_bad_ones_have_their_own_error(client: Client, tmp_path: Path) -> None:
    good = tmp_path / "good.png"
    good.write_bytes(save(seven()))
    results = list(client.predict_many([good, b"text", tmp_path / "gone.png", good], group=3))
    assert [one.prediction is not None for one in results] == [True, False, False, True]
    assert isinstance(results[1].error, Refused)
    assert results[1].error.status == 415
    assert isinstance(results[2].error, FileNotFoundError)


def test_a_group_that_is_too_large_is_sent_one_by_one(address: str, client: Client) -> None:
    large = [b"\x89PNG" + b"\0" * 600_000, *PICTURES[:2], b"\0" * 1_100_000]
    for results in (list(client.predict_many(large, group=4)), awaited(address, large, group=4)):
        assert [one.prediction is not None for one in results] == [False, True, True, False]
        assert isinstance(results[3].error, Refused)
        assert results[3].error.status == 413


def test_pictures_are_taken_only_as_they_are_needed(client: Client) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield PICTURES[0]

    results = client.predict_many(endless(), concurrency=2, group=2)
    assert next(results).prediction is not None
    results.close()  # type: ignore[attr-defined]
    assert taken <= 8


def test_missing_service_is_the_error_of_every_result() -> None:
    with Client("http://127.0.0.1:9", retries=0) as client:
        results = list(client.predict_many(PICTURES[:3], group=2))
    assert all(isinstance(one.error, Unreachable) for one in results)


def test_progress_is_shown_when_asked_for(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(list(client.predict_many(PICTURES[:3], show_progress=True))) == 3
    assert "3/3" in capsys.readouterr().err


def test_group_is_split_into_requests_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "MOST_BYTES", 10)
    _, sent = many.load([b"12345", b"12345", b"1", b"123456789012", b"1"])
    assert [[one.place for one in group] for group in sent] == [[0, 1], [2], [3], [4]]
