"""Both clients against a real server: their answers are those of the service."""

import asyncio
import inspect
import io
import subprocess
import sys
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest

from convlens import AsyncClient, Client, ClientError, NotFound, Refused, Unreachable
from convlens.client import Source
from tests.pictures import noise, save, seven

PICTURE = save(seven())


def both(address: str, client: Client, ask: Callable[[Any], Any]) -> list[Any]:
    """What `ask` gets from the client and from an AsyncClient."""

    async def awaited() -> Any:
        async with AsyncClient(f"http://{address}") as other:
            return await ask(other)

    return [ask(client), asyncio.run(awaited())]


@pytest.fixture
def get(address: str) -> Callable[..., Any]:
    """What the service answers to a plain HTTP request."""

    def ask(path: str, **params: Any) -> Any:
        response = httpx.post(
            f"http://{address}{path}", params=params, files={"file": PICTURE}, timeout=30
        )
        assert response.status_code == 200, response.text
        if params.get("format") == "npy":
            return np.load(io.BytesIO(response.content))
        return response.json()

    return ask


def test_every_kind_of_source_is_the_same_picture(
    address: str, client: Client, tmp_path: Path, get: Callable[..., Any]
) -> None:
    path = tmp_path / "seven.png"
    path.write_bytes(PICTURE)
    (expected,) = get("/predict")["predictions"]
    sources: list[Source] = [
        path,
        str(path),
        PICTURE,
        bytearray(PICTURE),
        seven(),
        np.asarray(seven()),
    ]
    for source in sources:
        for found in both(address, client, methodcaller("predict", source)):
            assert found.label == expected["label"]
            assert found.image == expected["image"]
            assert found.probabilities == pytest.approx(expected["probabilities"], abs=1e-6)
            assert list(found.prepared) == expected["prepared"]
            assert (found.model, found.version) == ("tiny-digit", 1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_pillow_images_of_any_mode_are_sent(client: Client, mode: str) -> None:
    image = seven().convert("L").convert(mode) if mode == "I;16" else seven().convert(mode)
    assert client.predict(image).label in ("one", "two", "three")


def test_several_pictures_go_in_one_request(address: str, client: Client) -> None:
    pictures: list[Source] = [PICTURE, noise(20, 20), np.asarray(noise(9, 9, 1))]
    alone = [client.predict(one) for one in pictures]
    for found in both(address, client, lambda one: one.predict(pictures, top=2)):
        assert [one.image for one in found] == [one.image for one in alone]
        assert [one.label for one in found] == [one.label for one in alone]
        assert all(len(one.probabilities) == 2 for one in found)
    assert client.predict([]) == []


def test_maps_come_along_with_a_prediction(client: Client) -> None:
    found = client.predict(PICTURE, layers=["conv1", "dense1"])
    assert found.maps["conv1"].shape == (12, 12, 3)
    assert found.maps["dense1"].shape == (5,)
    np.testing.assert_allclose(found.maps["conv1"], client.feature_maps("conv1", found), atol=1e-6)


def test_arrays_are_the_services_own(address: str, client: Client, get: Callable[..., Any]) -> None:
    cases: list[tuple[Callable[[Any], Any], Any]] = [
        (
            lambda one: one.feature_maps("conv1", PICTURE, stage="pre"),
            get("/layers/conv1/feature-maps", format="npy", stage="pre"),
        ),
        (
            lambda one: one.feature_maps("conv2", PICTURE, index=1),
            get("/layers/conv2/feature-maps/1", format="npy"),
        ),
        (
            lambda one: one.pooled_maps("pool1", PICTURE),
            get("/layers/pool1/pooled-maps", format="npy"),
        ),
        (
            lambda one: one.grad_cam(PICTURE, ["two", "one"]),
            get("/grad-cam", format="npy", label=["two", "one"]),
        ),
    ]
    for ask, expected in cases:
        for found in both(address, client, ask):
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, atol=1e-6)


def test_cells_filters_models_and_layers(
    address: str, client: Client, get: Callable[..., Any]
) -> None:
    expected = get("/layers/conv2/feature-maps/1/cells/0/1")
    for cell in both(address, client, lambda one: one.cell("conv2", 1, 0, 1, PICTURE)):
        assert cell["value"] == pytest.approx(expected["value"])
    for cell in both(address, client, lambda one: one.cell("pool1", 0, 1, 1, PICTURE, pooled=True)):
        assert cell["method"] == "max"
    for kernels in both(address, client, lambda one: one.filters("conv2")):
        assert kernels.shape == (3, 3, 3, 4)
    for kernel in both(address, client, lambda one: one.filters("conv2", index=1)):
        assert (kernel == client.filters("conv2")[..., 1]).all()
    for models in both(address, client, lambda one: one.models()):
        assert [one["name"] for one in models] == ["tiny-digit", "tiny-photo"]
    for layers in both(address, client, lambda one: one.layers(model="tiny-photo")):
        assert [one["name"] for one in layers][:2] == ["conv1", "pool1"]
    assert both(address, client, lambda one: one.ready()) == [True, True]


def test_a_prediction_stands_for_its_picture_and_its_model(client: Client) -> None:
    found = client.predict(noise(40, 40), model="tiny-photo")
    direct = client.feature_maps("conv1", noise(40, 40), model="tiny-photo")
    np.testing.assert_allclose(client.feature_maps("conv1", found), direct, atol=1e-6)


def test_without_a_picture_a_sample_answers(client: Client) -> None:
    first = client.feature_maps("conv1")
    assert not (client.feature_maps("conv1", sample="7") == first).all()


def test_refusals_carry_the_services_sentence(address: str, client: Client) -> None:
    for ask in (
        methodcaller("predict", PICTURE, model="none"),
        methodcaller("feature_maps", "conv9", PICTURE),
    ):
        with pytest.raises(NotFound, match="there is") as refusal:
            ask(client)
        assert refusal.value.status == 404
        assert {"tiny-digit", "conv1"} & set(refusal.value.known)
    with pytest.raises(Refused, match="not an image") as refused:
        client.predict(b"text")
    assert refused.value.status == 415
    with pytest.raises(Refused, match=r"1: This is not an image") as refused:
        client.predict([PICTURE, b"text"])
    assert refused.value.status == 415


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((4, 4), np.float32), "must be uint8"),
        (np.zeros((3, 4, 4, 1), np.uint8), "Several pictures go as a list"),
        (np.zeros((0, 4), np.uint8), "must be uint8"),
        (5, "not int"),
    ],
)
def test_what_is_not_a_picture_is_not_sent(client: Client, source: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        client.predict(source)


def test_missing_service_is_unreachable(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9", retries=0) as client:
        assert not client.ready()
        with pytest.raises(Unreachable, match=r"http://127.0.0.1:9 cannot be reached"):
            client.models()


def test_answer_of_another_server_is_an_error() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"hello": "world"})

    with (
        Client("http://test", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(ClientError, match="as this client expects"),
    ):
        client.predict(PICTURE)


def test_importing_it_loads_neither_tensorflow_nor_fastapi() -> None:
    code = (
        "import sys, convlens; convlens.Client; "
        "print({'tensorflow', 'fastapi', 'service', 'ai_edge_litert'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_unknown_name_is_an_attribute_error() -> None:
    import convlens

    with pytest.raises(AttributeError, match="nothing"):
        convlens.nothing  # noqa: B018


def test_both_clients_have_the_same_methods_signatures_and_docstrings() -> None:
    plain, awaited = (
        {name: getattr(kind, name) for name in vars(kind) if not name.startswith("_")}
        for kind in (Client, AsyncClient)
    )
    assert plain.keys() == awaited.keys()
    for name, method in plain.items():
        assert method.__doc__
        assert awaited[name].__doc__
        if name != "predict_many":  # One is an iterator, the other an asynchronous one.
            assert inspect.signature(method) == inspect.signature(awaited[name])
            assert inspect.iscoroutinefunction(awaited[name])


def test_signatures_name_the_answer_and_not_the_call() -> None:
    signature = inspect.signature(Client.feature_maps)
    assert list(signature.parameters)[:3] == ["self", "layer", "image"]
    assert signature.parameters["stage"].default == "post"
    assert signature.return_annotation == np.typing.NDArray[np.float32]
    with Client() as client:
        assert next(iter(inspect.signature(client.feature_maps).parameters)) == "layer"
