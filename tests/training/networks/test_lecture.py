"""The networks have the lecture's shapes and numbers of weights."""

from collections.abc import Callable
from typing import Any

import pytest

from training.exporting import from_keras
from training.networks import lecture

COUNTS = [
    (lecture.mnist_lecture, {"conv1": 320, "conv2": 18_496, "dense1": 204_928, "output": 1_290}),
    (
        lecture.mnist_lecture_same,
        {"conv1": 320, "conv2": 18_496, "dense1": 401_536, "output": 1_290},
    ),
    (
        lecture.mnist_dense,
        {"dense1": 200_960, "dense2": 32_896, "dense3": 16_512, "output": 1_290},
    ),
    (
        lecture.cifar10_lecture_2conv,
        {"conv1": 896, "conv2": 18_496, "dense1": 524_416, "output": 1_290},
    ),
    (
        lecture.cifar10_lecture_3conv,
        {"conv1": 896, "conv2": 18_496, "conv3": 73_856, "dense1": 262_272, "output": 1_290},
    ),
]
SHAPES = [
    (lecture.mnist_lecture, {"conv1": (26, 26, 32), "pool1": (13, 13, 32)}),
    (lecture.mnist_lecture, {"conv2": (11, 11, 64), "pool2": (5, 5, 64), "flatten": (1600,)}),
    (lecture.mnist_lecture_same, {"conv1": (28, 28, 32), "pool1": (14, 14, 32)}),
    (lecture.mnist_lecture_same, {"conv2": (14, 14, 64), "pool2": (7, 7, 64), "flatten": (3136,)}),
    (lecture.cifar10_lecture_2conv, {"pool2": (8, 8, 64), "flatten": (4096,), "output": (10,)}),
    (lecture.cifar10_lecture_3conv, {"pool3": (4, 4, 128), "flatten": (2048,), "output": (10,)}),
]

Network = Callable[[], Any]


@pytest.mark.parametrize(("network", "counts"), COUNTS)
def test_layers_have_the_lectures_numbers_of_weights(
    network: Network, counts: dict[str, int]
) -> None:
    layers = network().layers
    assert {layer.name: layer.count_params() for layer in layers if layer.count_params()} == counts


@pytest.mark.parametrize(("network", "shapes"), SHAPES)
def test_layers_have_the_lectures_shapes(
    network: Network, shapes: dict[str, tuple[int, ...]]
) -> None:
    model = network()
    assert {name: model.get_layer(name).output.shape[1:] for name in shapes} == shapes


@pytest.mark.parametrize("network", [network for network, _ in COUNTS])
def test_input_shape_and_number_of_classes_can_be_chosen(network: Callable[..., Any]) -> None:
    assert network((20, 16, 3), 4).output_shape == (None, 4)


def test_dense_network_is_as_deep_as_the_convolutional_one_and_not_smaller() -> None:
    dense, convolutional = lecture.mnist_dense(), lecture.mnist_lecture()
    weighted = [[one for one in net.layers if one.count_params()] for net in (dense, convolutional)]
    assert len(weighted[0]) == len(weighted[1])
    assert 1 <= dense.count_params() / convolutional.count_params() < 1.2


def test_only_the_first_lecture_network_of_mnist_drops_out() -> None:
    assert [layer.name for layer in lecture.mnist_lecture().layers][-2:] == ["dropout", "output"]
    assert "dropout" not in [layer.name for layer in lecture.mnist_lecture_same().layers]


@pytest.mark.parametrize("network", [network for network, _ in COUNTS])
def test_parameter_formulas_come_out_at_the_counted_weights(network: Network) -> None:
    for layer in from_keras.convert(network()):
        weights = sum(values.size for values in layer.weights.values())
        if weights:
            terms, total = str(layer.formula).replace("·", "*").split(" = ")
            assert eval(terms) == int(total) == weights
        else:
            assert layer.formula is None


def test_formula_is_written_as_in_the_lecture() -> None:
    formulas = {layer.name: layer.formula for layer in from_keras.convert(lecture.mnist_lecture())}
    assert formulas["conv1"] == "3·3·1·32 + 32 = 320"
    assert formulas["dense1"] == "1600·128 + 128 = 204928"
