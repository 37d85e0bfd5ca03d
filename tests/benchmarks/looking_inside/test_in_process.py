"""Explainers take digits in turn, and their numbers are compared with convlens'."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.looking_inside import in_process
from benchmarks.looking_inside.explainers.worker import Worker

DIGITS = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)


class Doubled:
    """Maps are twice the digit, heat is the label; no pictures."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def maps(self, digit: NDArray[np.uint8]) -> dict[str, Any]:
        self.seen.append(int(digit[0, 0, 0]))
        return {"conv1": 2.0 * digit}

    def heat(self, digit: NDArray[np.uint8], label: int) -> Any:
        return np.float32(label)


@pytest.fixture
def explainer() -> Doubled:
    return Doubled()


@pytest.fixture
def worker(explainer: Doubled) -> Worker:
    return Worker(explainer, DIGITS, np.array([7, 2, 1, 0]))


def test_only_what_an_explainer_can_do_is_a_task(worker: Worker) -> None:
    assert worker.tasks() == ["maps", "heat"]


def test_digits_come_in_turn_over_all_calls(worker: Worker, explainer: Doubled) -> None:
    for _ in range(6):
        assert len(worker.time("maps", 0)) == 1
    assert explainer.seen == [0, 1, 2, 3, 0, 1]


def test_answers_for_all_digits_are_kept_by_name(worker: Worker, tmp_path: Path) -> None:
    assert worker.keep("maps", str(tmp_path / "maps.npz")) == len(DIGITS)
    worker.keep("heat", str(tmp_path / "heat.npz"))
    with np.load(tmp_path / "maps.npz") as maps, np.load(tmp_path / "heat.npz") as heat:
        assert (maps["conv1"] == 2.0 * DIGITS).all()
        assert heat["heat"].tolist() == [7, 2, 1, 0]


def test_differences_are_shares_of_the_greatest_value() -> None:
    right = {"conv1": np.array([0.0, -4.0]), "heat": np.array([1.0])}
    assert in_process.differences(right, {"conv1": np.array([1.0, -4.0])}) == {"conv1": 0.25}


def test_explainers_with_needs_of_their_own_say_them() -> None:
    for name, _ in in_process.EXPLAINERS:
        folder = in_process.Explainer(name, "").folder
        assert (folder / "requirements.txt").exists() == (name in ("keract", "tf-explain"))
        assert (in_process.FOLDER / f"with_{name.replace('-', '_')}.py").exists()
