"""NVIDIA's tritonclient against a running server."""

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.settings import Settings
from tests.servers import serving

http = pytest.importorskip("tritonclient.http")
aio = pytest.importorskip("tritonclient.http.aio")

NAME = "tiny-digit"
IMAGES = np.random.default_rng(1).integers(0, 256, (3, 12, 12, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


@pytest.fixture
def triton(address: str) -> Iterator[Any]:
    client = http.InferenceServerClient(address, concurrency=4)
    yield client
    client.close()


def images(*, binary: bool = True, values: NDArray[Any] = IMAGES) -> list[Any]:
    tensor = http.InferInput("images", list(values.shape), "UINT8")
    return [tensor.set_data_from_numpy(values, binary_data=binary)]


def test_health_metadata_and_repository(triton: Any) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready(NAME)
    assert triton.is_model_ready(NAME, "1")
    assert not triton.is_model_ready("none")
    assert triton.get_server_metadata()["name"] == "convlens"
    assert triton.get_model_metadata(NAME)["platform"] == "tensorflow_savedmodel"
    assert triton.get_model_config(NAME)["max_batch_size"] == 8
    assert [one["name"] for one in triton.get_model_repository_index()] == [
        "tiny-digit",
        "tiny-photo",
    ]
    assert triton.get_system_shared_memory_status() == []
    triton.unregister_system_shared_memory()
    triton.unregister_cuda_shared_memory()


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("request_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("answer_coding", [None, "gzip", "deflate"])
def test_binary_and_compressed_requests_and_answers_agree(
    triton: Any, binary: bool, request_coding: str | None, answer_coding: str | None
) -> None:
    wanted = [
        http.InferRequestedOutput("conv1", binary_data=binary),
        http.InferRequestedOutput("conv1/pre", binary_data=not binary),
        http.InferRequestedOutput("probabilities", binary_data=binary),
    ]
    result = triton.infer(
        NAME,
        images(binary=binary),
        outputs=wanted,
        request_id="7",
        model_version="1",
        request_compression_algorithm=request_coding,
        response_compression_algorithm=answer_coding,
    )
    plain = triton.infer(NAME, images()).as_numpy("probabilities")
    assert plain.dtype == np.float32
    assert result.get_response()["id"] == "7"
    np.testing.assert_allclose(result.as_numpy("probabilities"), plain, atol=1e-6)
    assert (result.as_numpy("conv1") == np.maximum(result.as_numpy("conv1/pre"), 0)).all()


@pytest.mark.parametrize("binary", [True, False])
def test_classes_come_as_labels(triton: Any, binary: bool) -> None:
    plain = triton.infer(NAME, images()).as_numpy("probabilities")
    wanted = http.InferRequestedOutput("probabilities", binary_data=binary, class_count=2)
    found = triton.infer(NAME, images(), outputs=[wanted]).as_numpy("probabilities")
    assert found.shape == (3, 2)
    texts = [one.decode() if isinstance(one, bytes) else one for one in found[:, 0]]
    labels = np.array(["one", "two", "three"])
    assert [text.split(":")[2] for text in texts] == list(labels[plain.argmax(axis=1)])


def test_concurrent_requests_get_their_own_answers(triton: Any) -> None:
    many = np.random.default_rng(2).integers(0, 256, (24, 1, 12, 12, 1), dtype=np.uint8)
    alone = [triton.infer(NAME, images(values=one)).as_numpy("probabilities") for one in many]
    waiting = [triton.async_infer(NAME, images(values=one)) for one in many]
    for expected, one in zip(alone, waiting, strict=True):
        found = one.get_result().as_numpy("probabilities")
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_refusals_carry_status_and_sentence(triton: Any) -> None:
    tensor = http.InferInput("images", [1, 12, 12, 1], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 12, 12, 1), np.float32))
    with pytest.raises(http.InferenceServerException, match="of datatype UINT8") as refusal:
        triton.infer(NAME, [tensor])
    assert refusal.value.status() == "400"
    with pytest.raises(http.InferenceServerException, match="tiny-digit, tiny-photo") as refusal:
        triton.get_model_metadata("none")
    assert refusal.value.status() == "404"
    with pytest.raises(http.InferenceServerException, match="Shared memory"):
        triton.register_system_shared_memory("region", "/key", 16)
    with pytest.raises(http.InferenceServerException, match="cannot load"):
        triton.load_model(NAME)


def test_asyncio_client(address: str, triton: Any) -> None:
    async def ask() -> list[Any]:
        async with aio.InferenceServerClient(address) as client:
            assert await client.is_model_ready(NAME)
            assert (await client.get_model_metadata(NAME))["name"] == NAME
            plain = await client.infer(NAME, images())
            packed = await client.infer(
                NAME,
                images(),
                request_compression_algorithm="gzip",
                response_compression_algorithm="gzip",
            )
            return [plain, packed]

    expected = triton.infer(NAME, images()).as_numpy("probabilities")
    for result in asyncio.run(ask()):
        np.testing.assert_allclose(result.as_numpy("probabilities"), expected, atol=1e-6)
