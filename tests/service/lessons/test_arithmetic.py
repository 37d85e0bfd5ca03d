"""The lessons: the lecture's examples, and random ones compared with TensorFlow."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.introspection import geometry
from service.lessons import arithmetic
from service.lessons.routes import CROSS, NINE, ONES

DIAGONALS = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def convolve(client: TestClient, **request: Any) -> dict[str, Any]:
    response = client.post("/lessons/convolution", json=request)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        ({"input": CROSS, "kernel": DIAGONALS}, [[4, 3, 4], [2, 4, 3], [2, 3, 4]]),
        ({"input": NINE, "kernel": ONES, "stride": 1, "padding": "VALID"}, [[12, 16], [24, 28]]),
        (
            {"input": NINE, "kernel": ONES, "stride": 1, "padding": "SAME"},
            [[12, 16, 9], [24, 28, 15], [15, 17, 9]],
        ),
        ({"input": NINE, "kernel": ONES, "stride": [1, 2], "padding": "SAME"}, None),
    ],
)
def test_lectures_examples(
    client: TestClient, request_: dict[str, Any], result: list[list[int]] | None
) -> None:
    answer = convolve(client, **request_)
    if result is not None:
        assert answer["result"] == result
    for step in answer["steps"]:
        assert np.sum(step["products"]) == step["sum"]
        assert answer["result"][step["row"]][step["col"]] == step["value"]


def test_padded_input_shows_the_zeros(client: TestClient) -> None:
    answer = convolve(client, input=NINE, kernel=ONES, padding="SAME")
    assert answer["padded_input"] == [[1, 2, 3, 0], [4, 5, 6, 0], [7, 8, 9, 0], [0, 0, 0, 0]]
    assert answer["steps"][-1]["is_padding"] == [[False, True], [True, True]]


def test_bias_and_relu(client: TestClient) -> None:
    answer = convolve(client, input=NINE, kernel=ONES, bias=-20, activation="relu")
    assert answer["result"] == [[0, 0], [4, 8]]
    assert [step["sum"] for step in answer["steps"]] == [12, 16, 24, 28]


def test_several_kernels_give_several_maps(client: TestClient) -> None:
    kernels = [ONES, [[1, 0], [0, 0]]]
    answer = convolve(client, input=NINE, kernels=kernels, bias=[0, 1])
    assert answer["result"] == [[[12, 16], [24, 28]], [[2, 3], [5, 6]]]
    assert [step["map"] for step in answer["steps"]] == [0] * 4 + [1] * 4


def test_channels_are_summed_and_subtotals_shown(client: TestClient) -> None:
    image = np.stack([np.array(NINE), 10 * np.array(NINE)], axis=2).tolist()
    kernel = np.stack([np.array(ONES), 2 * np.array(ONES)], axis=2).tolist()
    answer = convolve(client, input=image, kernel=kernel)
    assert answer["result"] == [[12 * 21, 16 * 21], [24 * 21, 28 * 21]]
    assert answer["steps"][0]["subtotals"] == [12, 240]


@pytest.mark.parametrize(("stride", "size"), [(1, 28), (2, 14)])
def test_same_keeps_the_size_at_stride_1_and_halves_it_at_2(stride: int, size: int) -> None:
    assert geometry.output(28, 3, stride, "SAME")[0] == size


def test_flattened_sizes_of_the_lecture() -> None:
    assert np.zeros((28, 28)).size == 784
    assert np.zeros((28, 28, 3)).size == 2352


def test_pooling_shows_winner_and_ties(client: TestClient) -> None:
    request = {"input": [[1, 5, 2, 2], [5, 0, 2, 2]], "window": 2}
    answer = client.post("/lessons/pooling", json=request).json()
    assert answer["result"] == [[5, 2]]
    assert answer["steps"][0]["winner"] == {"row": 0, "col": 1}
    assert answer["steps"][0]["ties"] == [{"row": 1, "col": 0}]
    assert len(answer["steps"][1]["ties"]) == 3


def test_average_leaves_padding_out(client: TestClient) -> None:
    request = {"input": NINE, "window": 2, "padding": "SAME", "method": "average"}
    answer = client.post("/lessons/pooling", json=request).json()
    assert answer["result"] == [[3, 4.5], [7.5, 9]]


@pytest.mark.parametrize(
    ("request_", "field", "rule"),
    [
        ({"input": [[1, 2], [3]], "kernel": [[1]]}, "input", "as long"),
        ({"input": [], "kernel": [[1]]}, "input", "empty"),
        ({"input": [[]], "kernel": [[1]]}, "input", "empty"),
        ({"input": NINE, "kernel": [[1] * 4] * 4}, "kernel", "VALID"),
        ({"input": NINE, "kernel": ONES, "stride": 0}, "stride", "greater than or equal to 1"),
        ({"input": NINE, "kernel": ONES, "stride": [1, 0]}, "stride", "greater than or equal"),
        ({"input": [[1] * 65] * 65, "kernel": [[1]]}, "input", "at most 64"),
        ({"input": [[1] * 64] * 64, "kernel": [[1] * 9] * 9}, "input", "products"),
        ({"input": NINE, "kernel": ONES, "padding": "FULL"}, "padding", "SAME"),
        ({"input": NINE}, "kernel", "either"),
        ({"input": NINE, "kernel": ONES, "kernels": [ONES]}, "kernel", "either"),
        ({"input": NINE, "kernels": [ONES, [[1]]]}, "kernels", "same size"),
        ({"input": NINE, "kernel": [[[1, 2]]]}, "kernel", "2 channels"),
        ({"input": NINE, "kernels": [ONES], "bias": [1, 2]}, "bias", "as many"),
        ({"input": [["a"]], "kernel": [[1]]}, "input", "number"),
        ({"input": [["1"]], "kernel": [[1]]}, "input", "number"),
        ({"input": [[1, [2]]], "kernel": [[1]]}, "input.matrix.0.1", "number"),
        ({"input": [[[1], 2]], "kernel": [[[1]]]}, "input.image.0.1", "list"),
        ({"input": NINE, "kernel": ONES, "bias": "a"}, "bias", "number"),
        ({"input": [[1e300]], "kernel": [[1]]}, "input", "less than or equal"),
        ({"input": NINE, "kernel": ONES, "colour": 1}, "colour", "not permitted"),
    ],
)
def test_refusals_name_the_field_and_the_rule(
    client: TestClient, request_: dict[str, Any], field: str, rule: str
) -> None:
    response = client.post("/lessons/convolution", json=request_)
    assert response.status_code == 422, response.text
    detail = response.json()["detail"]
    assert field in detail
    assert rule in detail
    assert ";" not in detail.replace("; give a smaller one", "")  # One fault, one sentence.


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_not_finite_are_refused(client: TestClient, number: str) -> None:
    response = client.post(
        "/lessons/convolution",
        content=f'{{"input": [[{number}]], "kernel": [[1]]}}',
        headers={"content-type": "application/json"},
    )
    assert response.status_code == 422
    assert response.json()["detail"] == "body.input.matrix.0.0: Input should be a finite number."


SIDE = st.integers(1, 9)
SIZE = st.integers(1, 4)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SIDE, SIDE, SIZE, SIZE, SIZE, SIZE, SIZE, SIZE, st.booleans(), st.integers(0, 99))
def test_convolution_agrees_with_tensorflow(
    h: int, w: int, kh: int, kw: int, c: int, n: int, sh: int, sw: int, same: bool, seed: int
) -> None:
    padding: geometry.Padding = "SAME" if same or kh > h or kw > w else "VALID"
    random = np.random.default_rng(seed)
    values, kernels = random.normal(size=(h, w, c)), random.normal(size=(kh, kw, c, n))
    expected = tf.nn.conv2d(values[np.newaxis], kernels, (sh, sw), padding)[0].numpy()
    stack = [kernels[..., i] for i in range(n)]
    maps, _, _ = arithmetic.convolve(values, stack, (sh, sw), padding, [0.0] * n, None)
    assert np.allclose(np.moveaxis(maps, 0, -1), expected)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(SIDE, SIDE, SIZE, SIZE, SIZE, SIZE, st.booleans(), st.integers(0, 99))
def test_pooling_agrees_with_tensorflow(
    h: int, w: int, kh: int, kw: int, sh: int, sw: int, same: bool, seed: int
) -> None:
    padding: geometry.Padding = "SAME" if same or kh > h or kw > w else "VALID"
    values = np.random.default_rng(seed).normal(size=(h, w, 2)).astype(np.float32)
    batch = values[np.newaxis]
    for method, function in (("max", tf.nn.max_pool2d), ("average", tf.nn.avg_pool2d)):
        expected = function(batch, (kh, kw), (sh, sw), padding)[0].numpy()
        how: Any = method
        result, _ = arithmetic.pool(values.astype(np.float64), (kh, kw), (sh, sw), padding, how)
        assert np.allclose(result, expected, atol=1e-6)
