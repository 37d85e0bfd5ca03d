"""`/v2` by hand-written requests of the Open Inference Protocol."""

import gzip
import json
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from service.protocols import outputs
from service.protocols.json_body import INLINE_BYTES
from service.protocols.open_inference.infer import HEADER_LENGTH

INFER = "/v2/models/tiny-digit/infer"
IMAGES = np.random.default_rng(1).integers(0, 256, (3, 12, 12, 1), dtype=np.uint8)


def tensor(images: NDArray[Any] = IMAGES, **changed: Any) -> dict[str, Any]:
    described = {"name": "images", "datatype": "UINT8", "shape": list(images.shape)}
    return {**described, "data": images.ravel().tolist(), **changed}


def request(*wanted: Any, images: NDArray[Any] = IMAGES, **more: Any) -> dict[str, Any]:
    named = [{"name": one} if isinstance(one, str) else one for one in wanted]
    return {"inputs": [tensor(images)], **({"outputs": named} if named else {}), **more}


def binary(images: NDArray[Any] = IMAGES, *, tail: bytes | None = None, **more: Any) -> Any:
    """Content and headers of a request whose tensor follows its JSON."""
    data = images.tobytes()
    parameters = {"binary_data_size": len(data)}
    described = {**tensor(images), "parameters": parameters}
    del described["data"]
    text = json.dumps({"inputs": [described], **more}).encode()
    return {
        "content": text + (data if tail is None else tail),
        "headers": {HEADER_LENGTH: str(len(text))},
    }


def arrays(response: httpx.Response) -> dict[str, NDArray[Any]]:
    """The outputs of an answer, from its JSON or from the bytes after it."""
    assert response.status_code == 200, response.text
    length = response.headers.get(HEADER_LENGTH)
    content = json.loads(response.content[: None if length is None else int(length)])
    tail = response.content[int(length) :] if length else b""
    found = {}
    for output in content["outputs"]:
        assert output["datatype"] == "FP32"
        if "data" in output:
            values = np.array(output["data"], np.float32)
        else:
            size = output["parameters"]["binary_data_size"]
            values, tail = np.frombuffer(tail[:size], "<f4"), tail[size:]
        found[output["name"]] = values.reshape(output["shape"])
    assert not tail
    return found


def test_health_and_metadata(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    server = client.get("/v2").json()
    assert server["name"] == "convlens"
    assert {"binary_tensor_data", "classification"} <= set(server["extensions"])
    for path in ("/v2/models/tiny-digit", "/v2/models/tiny-digit/versions/1"):
        assert client.get(f"{path}/ready").json() == {"name": "tiny-digit", "ready": True}
        found = client.get(path).json()
        assert found["versions"] == ["1"]
        assert found["inputs"] == [
            {"name": "images", "datatype": "UINT8", "shape": [-1, 12, 12, 1]}
        ]
        assert found["outputs"][0] == {
            "name": "probabilities",
            "datatype": "FP32",
            "shape": [-1, 3],
        }
        assert {"conv1", "conv1/pre", "pool1", "logits"} <= {o["name"] for o in found["outputs"]}


def test_flat_nested_and_binary_tensors_give_one_answer(client: TestClient) -> None:
    flat = client.post(INFER, json=request(id="42"))
    assert flat.json()["id"] == "42"
    assert flat.json()["model_name"] == "tiny-digit"
    assert flat.json()["model_version"] == "1"
    expected = arrays(flat)["probabilities"]
    assert expected.shape == (3, 3)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    nested = {"inputs": [tensor(data=IMAGES.tolist())]}
    for other in (
        client.post(INFER, json=nested),
        client.post(INFER, **binary()),
        client.post(INFER, **binary(parameters={"binary_data_output": True})),
        client.post("/v2/models/tiny-digit/versions/1/infer", json=request()),
    ):
        np.testing.assert_allclose(arrays(other)["probabilities"], expected, atol=1e-6)


def test_outputs_choose_layers_and_their_form(client: TestClient) -> None:
    as_bytes = {"name": "conv1", "parameters": {"binary_data": True}}
    response = client.post(INFER, json=request(as_bytes, "conv1/pre", "probabilities"))
    assert response.headers["content-type"] == "application/octet-stream"
    found = arrays(response)
    assert list(found) == ["conv1", "conv1/pre", "probabilities"]
    assert found["conv1"].shape == (3, 12, 12, 3)
    assert (found["conv1"] == np.maximum(found["conv1/pre"], 0)).all()
    plain = arrays(client.post(INFER, json=request()))["probabilities"]
    np.testing.assert_allclose(found["probabilities"], plain, atol=1e-6)


def test_maps_of_one_image_are_those_of_the_layer_routes(client: TestClient) -> None:
    found = arrays(client.post(INFER, json=request("pool1", images=IMAGES[:1])))["pool1"]
    many = arrays(client.post(INFER, json=request("pool1")))["pool1"]
    np.testing.assert_allclose(found[0], many[0], atol=1e-5)


def test_more_images_than_one_chunk(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = arrays(client.post(INFER, json=request("conv2", "logits")))
    monkeypatch.setattr(outputs, "CHUNK", 2)
    pieces = arrays(client.post(INFER, json=request("conv2", "logits")))
    for name, values in whole.items():
        np.testing.assert_allclose(pieces[name], values, atol=1e-5)


def test_bytes_alone_are_one_image(client: TestClient) -> None:
    response = client.post(INFER, content=IMAGES[0].tobytes(), headers={HEADER_LENGTH: "0"})
    expected = arrays(client.post(INFER, json=request(images=IMAGES[:1])))["probabilities"]
    np.testing.assert_allclose(arrays(response)["probabilities"], expected, atol=1e-6)


def test_classification_gives_the_best_labels(client: TestClient) -> None:
    rows = arrays(client.post(INFER, json=request()))["probabilities"]
    wanted = {"name": "probabilities", "parameters": {"classification": 2}}
    (output,) = client.post(INFER, json=request(wanted)).json()["outputs"]
    assert output["datatype"] == "BYTES"
    assert output["shape"] == [3, 2]
    labels = ("one", "two", "three")
    for row, text in zip(rows, output["data"][::2], strict=True):
        value, index, label = text.split(":")
        assert int(index) == row.argmax()
        assert label == labels[row.argmax()]
        assert float(value) == pytest.approx(row.max(), abs=1e-6)


def test_large_requests_and_answers_use_threads(client: TestClient) -> None:
    spaces = json.dumps(request("conv1")).replace(", ", ", " + " " * 200).encode()
    assert len(spaces) > INLINE_BYTES
    packed = client.post(
        INFER,
        content=gzip.compress(spaces),
        headers={"Content-Encoding": "gzip", "Accept-Encoding": "deflate"},
    )
    assert packed.headers["content-encoding"] == "deflate"
    for response in (packed, client.post(INFER, content=spaces)):
        assert arrays(response)["conv1"].shape == (3, 12, 12, 3)


def test_extensions_of_triton(client: TestClient) -> None:
    assert client.get("/v2/models").json() == {"models": ["tiny-digit", "tiny-photo"]}
    index = client.post("/v2/repository/index").json()
    assert index[0] == {"name": "tiny-digit", "version": "1", "state": "READY", "reason": ""}
    configured = client.get("/v2/models/tiny-digit/config").json()
    assert configured == client.get("/v2/models/tiny-digit/versions/1/config").json()
    assert configured["max_batch_size"] == 8
    assert configured["input"][0]["dims"] == [12, 12, 1]
    for kind in ("system", "cuda"):
        assert client.get(f"/v2/{kind}sharedmemory/status").json() == []
        assert client.post(f"/v2/{kind}sharedmemory/unregister").status_code == 200
        refused = client.post(f"/v2/{kind}sharedmemory/region/a/register", json={})
        assert refused.status_code == 400
    assert client.post("/v2/repository/models/tiny-digit/load").status_code == 400


def with_input(**changed: Any) -> dict[str, Any]:
    return {"json": {"inputs": [tensor(**changed)]}}


def with_output(**parameters: Any) -> dict[str, Any]:
    return {"json": request({"name": "probabilities", "parameters": parameters})}


SIZED = {"binary_data_size": 432}
HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"content": b""}, "not JSON"),
    ({"content": b"{"}, "not JSON"),
    ({"content": b"\xff\xfe"}, "not JSON"),
    ({"content": b"[" * 10_000}, "not JSON"),
    ({"content": b'{"inputs": [NaN]}'}, "not JSON"),
    ({"json": []}, "must be an object"),
    ({"json": {}}, "`inputs` must be a list"),
    ({"json": {"inputs": {}}}, "`inputs` must be a list"),
    ({"json": {"inputs": []}}, "one tensor"),
    ({"json": {"inputs": [None]}}, "must be an object"),
    ({"json": {"inputs": [tensor(), tensor()]}}, "once"),
    ({"json": {"inputs": [tensor()], "id": 42}}, "`id` must be a string"),
    ({"json": {"inputs": [tensor()], "parameters": [1]}}, "must be an object"),
    ({"json": request(parameters={"binary_data_output": "yes"})}, "true or false"),
    (with_input(name="conv2d_input"), "takes one input, 'images'"),
    (with_input(name=["images"]), "takes one input"),
    (with_input(datatype="FP32"), "is of datatype UINT8, not 'FP32'"),
    (with_input(datatype=None), "is of datatype UINT8"),
    (with_input(shape=None), "[-1, 12, 12, 1]"),
    (with_input(shape=[432]), "[-1, 12, 12, 1]"),
    (with_input(shape=[3, 12, 12]), "[-1, 12, 12, 1]"),
    (with_input(shape=[3, 12, 12, 3]), "[-1, 12, 12, 1]"),
    (with_input(shape=[-3, 12, 12, 1]), "no image"),
    (with_input(shape=[0, 12, 12, 1], data=[]), "no image"),
    (with_input(shape=[True, 12, 12, 1]), "[-1, 12, 12, 1]"),
    (with_input(shape=[3.0, 12, 12, 1]), "[-1, 12, 12, 1]"),
    (with_input(shape=["3", 12, 12, 1]), "[-1, 12, 12, 1]"),
    (with_input(shape=[2, 12, 12, 1]), "takes 288 bytes, not 432"),
    (with_input(shape=[2**63, 12, 12, 1]), "at most 8"),
    (with_input(data=[]), "takes 432 bytes, not 0"),
    (with_input(data=None), "must be a list"),
    (with_input(data="AAAA"), "must be a list"),
    (with_input(data=[256] * 432), "0 to 255"),
    (with_input(data=[0.5] * 432), "0 to 255"),
    (with_input(data=["0"] * 432), "a string"),
    (with_input(data=IMAGES[:2].tolist()), "2 values in dimension 0"),
    (with_input(data=[*IMAGES[:2].tolist(), [[[1]] * 12] * 11]), "11 values in dimension 1"),
    (with_input(parameters=SIZED), "either in `data` or"),
    (with_input(parameters={"shared_memory_region": "r"}), "Shared memory"),
    ({"json": request(outputs={})}, "`outputs` must be a list"),
    ({"json": request(None)}, "must be an object"),
    ({"json": request({})}, "its `name`"),
    ({"json": request({"name": ["conv1"]})}, "its `name`"),
    ({"json": request("conv1", "conv1")}, "twice"),
    (with_output(classification=0), "from 1"),
    (with_output(classification="2"), "from 1"),
    (with_output(classification=True), "from 1"),
    (with_output(binary_data=1), "true or false"),
    (with_output(shared_memory_region="r"), "Shared memory"),
    ({"json": request({"name": "conv1", "parameters": {"classification": 1}})}, "each class"),
    ({**binary(), "headers": {}}, "Inference-Header-Content-Length"),
    ({**binary(), "headers": {HEADER_LENGTH: "-1"}}, "a number up to"),
    ({**binary(), "headers": {HEADER_LENGTH: "abc"}}, "a number up to"),
    ({**binary(), "headers": {HEADER_LENGTH: "9" * 5000}}, "a number up to"),
    ({**binary(), "headers": {HEADER_LENGTH: "100000"}}, "a number up to"),
    ({**binary(), "headers": {HEADER_LENGTH: "10"}}, "not JSON"),
    (binary(tail=b"short"), "5 bytes follow"),
    (binary(tail=IMAGES.tobytes() + b"more"), "436 bytes follow"),
    ({"content": b"short", "headers": {HEADER_LENGTH: "0"}}, "takes 144 bytes, not 5"),
    ({"content": b"plain", "headers": {"Content-Encoding": "gzip"}}, "not the gzip"),
    ({"content": b"plain", "headers": {"Content-Encoding": "br"}}, "gzip or deflate"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "words"), HOSTILE)
def test_hostile_requests_get_a_sentence(
    client: TestClient, sent: dict[str, Any], words: str
) -> None:
    response = client.post(INFER, **sent)
    assert response.status_code in (400, 413), response.text
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    assert words in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/none/ready", 404),
        ("GET", "/v2/models/tiny-digit/versions/9", 404),
        ("GET", "/v2/models/tiny-digit/versions/new", 400),
        ("GET", f"/v2/models/tiny-digit/versions/{'9' * 5000}", 400),
        ("GET", f"/v2/models/tiny-digit/versions/{'9' * 900}/ready", 404),
        ("POST", "/v2/models/none/infer", 404),
        ("POST", "/v2/models/tiny-digit/versions/9/infer", 404),
        ("GET", "/v2/models/tiny-digit/infer", 405),
        ("POST", "/v2", 405),
        ("GET", "/v2/nothing", 404),
    ],
)
def test_refusals_have_the_protocols_shape(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert len(response.json()["error"]) > 20


def test_unknown_output_lists_those_that_exist(client: TestClient) -> None:
    response = client.post(INFER, json=request("conv9"))
    assert response.status_code == 404
    assert "conv1, conv1/pre, pool1" in response.json()["error"]


def test_body_that_decompresses_to_too_much_is_refused(client: TestClient) -> None:
    bomb = gzip.compress(b" " * 1_000_001)
    response = client.post(INFER, content=bomb, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 413
    assert "1000000 bytes" in response.json()["error"]


def test_too_many_images_are_refused(client: TestClient) -> None:
    response = client.post(INFER, json=request(images=np.zeros((9, 12, 12, 1), np.uint8)))
    assert response.status_code == 413
    assert "at most 8" in response.json()["error"]
