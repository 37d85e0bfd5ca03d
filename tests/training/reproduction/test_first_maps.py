"""The lecture's step 1: the shapes, the values, and the command that prints them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from training.reproduction.first_maps import app, random_maps


@pytest.mark.parametrize(
    ("size", "filters", "maps", "pooled"),
    [((28, 28), 5, (14, 14, 5), (7, 7, 5)), ((9, 5), 2, (5, 3, 2), (3, 2, 2))],
)
def test_stride_and_pool_halve_and_each_filter_gives_a_map(
    size: tuple[int, int], filters: int, maps: tuple[int, ...], pooled: tuple[int, ...]
) -> None:
    image = np.random.default_rng(1).random(size, np.float32)
    found = random_maps(image, filters)
    assert (found[0].shape, found[1].shape) == (maps, pooled)
    assert found[1][0, 0, 0] == found[0][:2, :2, 0].max()


def test_maps_are_sums_over_windows_of_one_kernel_each() -> None:
    point = np.zeros((28, 28), np.float32)
    point[7, 7] = 1  # Under this stride it lies in one window alone, at its centre or its edge.
    both = random_maps(point)[0], random_maps(2 * point)[0]
    assert np.allclose(2 * both[0], both[1])
    assert np.count_nonzero(both[0][..., 0]) <= 4
    assert len({tuple(both[0][..., i].ravel()) for i in range(5)}) == 5


def test_seed_decides_the_filters() -> None:
    image = np.ones((28, 28), np.float32)
    assert (random_maps(image, seed=3)[0] == random_maps(image, seed=3)[0]).all()
    assert (random_maps(image, seed=3)[0] != random_maps(image, seed=4)[0]).any()


def test_command_says_the_lectures_shapes_and_writes_pictures(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--out", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["image 28 x 28", "maps 14 x 14 x 5", "pooled 7 x 7 x 5"]
    for name in ("maps", "pooled"):
        with Image.open(tmp_path / "new" / f"{name}.png") as opened:
            assert opened.width > 300


def test_unknown_sample_lists_those_that_ship() -> None:
    result = CliRunner().invoke(app, ["--sample", "ten"])
    assert result.exit_code == 2
    assert "0, 1, 2" in result.output
