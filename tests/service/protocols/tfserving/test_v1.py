"""`/v1/models` by the requests of TensorFlow Serving's api_rest.md."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.protocols.json_body import INLINE_BYTES
from tests.pictures import save, seven

PREDICT = "/v1/models/tiny-digit:predict"
IMAGES = np.random.default_rng(1).integers(0, 256, (2, 12, 12, 1), dtype=np.uint8)
ROWS: list[Any] = IMAGES.tolist()


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def answer(client: TestClient, body: Any, path: str = PREDICT) -> Any:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_status_is_as_documented(client: TestClient) -> None:
    expected = {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    assert client.get("/v1/models/tiny-digit").json() == expected
    assert client.get("/v1/models/tiny-digit/versions/1").json() == expected


def test_metadata_has_the_signatures(client: TestClient) -> None:
    found = client.get("/v1/models/tiny-digit/metadata").json()
    assert found == client.get("/v1/models/tiny-digit/versions/1/metadata").json()
    assert found["model_spec"] == {"name": "tiny-digit", "signature_name": "", "version": "1"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "activations", "grad_cam"}
    default = signatures["serving_default"]
    assert default["method_name"] == "tensorflow/serving/predict"
    assert default["inputs"]["images"]["dtype"] == "DT_UINT8"
    sizes = [one["size"] for one in default["inputs"]["images"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "12", "12", "1"]
    assert set(default["outputs"]) == {"probabilities"}
    assert {"conv1", "conv1/pre", "logits"} <= set(signatures["activations"]["outputs"])
    assert set(signatures["grad_cam"]["inputs"]) == {"images", "index"}


def test_rows_and_columns_give_one_answer(client: TestClient) -> None:
    body = answer(client, {"instances": ROWS})
    assert list(body) == ["predictions"]
    expected = np.array(body["predictions"])
    assert expected.shape == (2, 3)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    named = answer(client, {"instances": [{"images": row} for row in ROWS]})
    np.testing.assert_allclose(named["predictions"], expected, atol=1e-6)
    for inputs in (ROWS, {"images": ROWS}):
        columns = answer(client, {"signature_name": "serving_default", "inputs": inputs})
        assert list(columns) == ["outputs"]
        np.testing.assert_allclose(columns["outputs"], expected, atol=1e-6)
    versioned = answer(client, {"instances": ROWS}, "/v1/models/tiny-digit/versions/1:predict")
    np.testing.assert_allclose(versioned["predictions"], expected, atol=1e-6)


def test_body_needs_no_content_type(client: TestClient) -> None:
    # As `curl -d` sends it, which calls it a form.
    form = {"content-type": "application/x-www-form-urlencoded"}
    content = json.dumps({"instances": ROWS}).encode()
    assert client.post(PREDICT, content=content, headers=form).status_code == 200


def test_raw_pixels_as_b64_are_those_pixels(client: TestClient) -> None:
    expected = answer(client, {"instances": ROWS})["predictions"]
    packed = [b64(image.tobytes()) for image in IMAGES]
    for body in (
        {"instances": packed},
        {"instances": [{"images": one} for one in packed]},
    ):
        np.testing.assert_allclose(answer(client, body)["predictions"], expected, atol=1e-6)
    column = answer(client, {"inputs": {"images": packed}})["outputs"]
    np.testing.assert_allclose(column, expected, atol=1e-6)
    single = answer(client, {"inputs": packed[0]})["outputs"]
    np.testing.assert_allclose(single, expected[:1], atol=1e-6)


def test_image_files_as_b64_are_prepared_like_uploads(client: TestClient) -> None:
    files = [save(seven()), save(seven(200), "JPEG")]
    uploads = [("file", (str(i), data)) for i, data in enumerate(files)]
    predictions = client.post("/predict", files=uploads).json()["predictions"]
    expected = [list(one["probabilities"].values()) for one in predictions]
    found = answer(client, {"instances": [b64(data) for data in files]})["predictions"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_file_as_long_as_the_pixels_is_still_a_file(client: TestClient) -> None:
    drawn = save(Image.fromarray(np.full((12, 12), 255, np.uint8)))
    padded = drawn + b"\0" * (144 - len(drawn))
    found = answer(client, {"instances": [b64(padded), b64(drawn)]})["predictions"]
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_several_outputs_are_objects_and_filtered_ones_plain(client: TestClient) -> None:
    body = {"signature_name": "activations", "instances": ROWS}
    rows = answer(client, body)["predictions"]
    assert np.shape(rows[0]["conv1"]) == (12, 12, 3)
    assert {"conv1", "conv1/pre", "logits"} <= set(rows[1])
    columns = answer(client, {"signature_name": "activations", "inputs": ROWS})["outputs"]
    np.testing.assert_allclose(columns["conv2"], [row["conv2"] for row in rows], atol=1e-6)
    one = answer(client, {**body, "output_filter": ["conv1"]})["predictions"]
    np.testing.assert_allclose(one, [row["conv1"] for row in rows], atol=1e-6)
    two = answer(client, {**body, "output_filter": ["pool1", "logits"]})["predictions"]
    assert [list(row) for row in two] == [["pool1", "logits"]] * 2


def test_grad_cam_takes_a_class_an_image(client: TestClient) -> None:
    instances = [{"images": row, "index": index} for row, index in zip(ROWS, (2, 0), strict=True)]
    rows = answer(client, {"signature_name": "grad_cam", "instances": instances})["predictions"]
    columns = answer(
        client, {"signature_name": "grad_cam", "inputs": {"images": ROWS, "index": [2, 0]}}
    )["outputs"]
    assert np.shape(rows) == (2, 2, 2)
    np.testing.assert_allclose(columns, rows, atol=1e-6)


def test_large_and_compressed_requests_use_a_thread(client: TestClient) -> None:
    spaces = json.dumps({"instances": ROWS}).replace(", ", ", " + " " * 300).encode()
    assert len(spaces) > INLINE_BYTES
    expected = answer(client, {"instances": ROWS})
    for content, headers in ((spaces, {}), (gzip.compress(spaces), {"Content-Encoding": "gzip"})):
        assert client.post(PREDICT, content=content, headers=headers).json() == expected


GRAD_CAM = {"signature_name": "grad_cam"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "must be an object"),
        ({}, "either `instances`"),
        ({"instances": ROWS, "inputs": ROWS}, "either `instances`"),
        ({"instances": {}}, "must be a list"),
        ({"instances": []}, "at least one"),
        ({"instances": [1.0, 2.0, 5.0]}, "lists within lists of shape [3, 12, 12, 1]"),
        ({"instances": ["foo", "bar", "baz"]}, "lists within lists"),
        ({"instances": [[[1, 2]], [[3, 4]]]}, "1 values in dimension 1 where 12 belong"),
        ({"instances": IMAGES[..., 0].tolist()}, "lists within lists"),
        ({"instances": [ROWS[0], ROWS[1][:3]]}, "3 values in dimension 1"),
        ({"instances": [[[[0.5]] * 12] * 12]}, "0 to 255"),
        ({"instances": [[[[-1]] * 12] * 12]}, "0 to 255"),
        ({"instances": [ROWS[0], {"images": ROWS[1]}]}, "mixes"),
        ({"instances": [{"conv2d_input": ROWS[0]}]}, "exactly the inputs images"),
        ({"instances": [{"images": ROWS[0], "tag": 1}]}, "exactly the inputs images"),
        ({"instances": [{}]}, "exactly the inputs images"),
        ({"instances": [b64(b"x"), ROWS[0]]}, "Image 1 must be"),
        ({"instances": [{"b64": 5}]}, "Image 0 must be"),
        ({"instances": [{"b64": "*"}]}, "Image 0 is not base64"),
        ({"instances": [{"b64": "é"}]}, "Image 0 is not base64"),
        ({"instances": [{"b64": ""}]}, "Image 0"),
        ({"instances": [b64(IMAGES[0].tobytes()), b64(b"short")]}, "Image 1: This is not an image"),
        ({"instances": [b64(save(seven())[:-200])]}, "Image 0"),
        ({"inputs": None}, "must be a list"),
        ({"inputs": 5}, "must be a list"),
        ({"inputs": []}, "no image"),
        ({"inputs": {}}, "exactly the inputs images"),
        ({"inputs": {"images": ROWS, "more": 1}}, "exactly the inputs images"),
        ({"inputs": {"images": None}}, "must be a list"),
        ({"signature_name": 5, "instances": ROWS}, "must be a string"),
        ({"signature_name": "ablation", "instances": ROWS}, "serving_default, activations"),
        ({"output_filter": "conv1", "instances": ROWS}, "list of names"),
        ({"output_filter": [], "instances": ROWS}, "list of names"),
        ({"output_filter": [["conv1"]], "instances": ROWS}, "list of names"),
        ({"output_filter": ["conv1"], "instances": ROWS}, "there is: probabilities"),
        ({**GRAD_CAM, "instances": ROWS}, "several inputs"),
        ({**GRAD_CAM, "instances": [{"images": ROWS[0]}]}, "images, index"),
        ({**GRAD_CAM, "inputs": {"images": ROWS, "index": [1]}}, "1 numbers for 2 images"),
        ({**GRAD_CAM, "inputs": {"images": ROWS, "index": [1, 3]}}, "from 0 to 2"),
        ({**GRAD_CAM, "inputs": {"images": ROWS, "index": [1, -1]}}, "from 0 to 2"),
        ({**GRAD_CAM, "inputs": {"images": ROWS, "index": [1, True]}}, "number of a class"),
        ({**GRAD_CAM, "inputs": {"images": ROWS, "index": 1}}, "number of a class"),
    ],
)  # fmt: skip
def test_hostile_requests_get_a_sentence(client: TestClient, body: Any, words: str) -> None:
    response = client.post(PREDICT, json=body)
    assert response.status_code == 400, response.text
    assert list(response.json()) == ["error"]
    assert words in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/v1/models/half", {}, 404),
        ("GET", "/v1/models/half/metadata", {}, 404),
        ("GET", "/v1/models/tiny-digit/versions/9", {}, 404),
        ("GET", "/v1/models/tiny-digit/versions/new", {}, 400),
        ("GET", "/v1/models/tiny-digit/labels/stable", {}, 404),
        ("GET", "/v1/models/tiny-digit/labels/stable/metadata", {}, 404),
        ("POST", "/v1/models/half:predict", {"json": {"instances": [1.0, 5.0]}}, 404),
        ("POST", "/v1/models/tiny-digit/versions/9:predict", {"json": {}}, 404),
        ("POST", "/v1/models/tiny-digit/labels/stable:predict", {"json": {}}, 404),
        ("POST", "/v1/models/tiny-digit:classify", {"json": {"examples": [{"x": 1.0}]}}, 400),
        ("POST", "/v1/models/tiny-digit/versions/1:regress", {"json": {}}, 400),
        ("POST", PREDICT, {"content": b""}, 400),
        ("POST", PREDICT, {"content": b'{"instances": [NaN]}'}, 400),
        ("POST", PREDICT, {"content": b"[" * 10_000}, 400),
        ("POST", PREDICT, {"content": b"x", "headers": {"Content-Encoding": "gzip"}}, 400),
        ("POST", PREDICT, {"content": b" " * 1_000_001}, 413),
        ("POST", PREDICT, {"json": {"instances": ROWS * 5}}, 413),
        ("POST", PREDICT, {"json": {"inputs": [b64(b"")] * 9}}, 413),
        ("POST", PREDICT, {"json": {"instances": [b64(b"\0" * 200_001)]}}, 413),
        ("POST", "/v1/models/tiny-digit", {}, 405),
        ("GET", "/v1/nothing", {}, 404),
    ],
)
def test_refusals_have_the_protocols_shape(
    client: TestClient, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    response = client.request(method, path, **sent)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    assert len(response.json()["error"]) > 20
