"""`POST /predict` as a client meets it."""

import asyncio
import base64
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.app import create_app
from service.images import tokens
from service.routes.answers import maps_first
from service.settings import Settings
from tests.pictures import noise, save, seven


def upload(*contents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (f"{i}.png", content)) for i, content in enumerate(contents)]


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    predictions: list[dict[str, Any]] = response.json()["predictions"]
    return predictions


def test_one_image_gets_a_label_and_all_probabilities(client: TestClient) -> None:
    (answer,) = answers(client.post("/predict", files=upload(save(seven()))))
    assert answer["filename"] == "0.png"
    assert list(answer["probabilities"]) == ["one", "two", "three"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["confidence"] == max(answer["probabilities"].values())
    assert answer["probabilities"][answer["label"]] == answer["confidence"]


def test_raw_body_answers_like_the_form(client: TestClient) -> None:
    content = save(seven())
    (form,) = answers(client.post("/predict", files=upload(content)))
    (raw,) = answers(
        client.post("/predict", content=content, headers={"content-type": "image/png"})
    )
    assert raw == {**form, "filename": None}


def test_token_holds_the_model_input(client: TestClient) -> None:
    pixels = np.asarray(noise(12, 12, 1)) // 5  # Dark enough to pass as light ink on black.
    pixels[0] = pixels[-1] = pixels[:, 0] = pixels[:, -1] = 0
    (answer,) = answers(client.post("/predict", files=upload(save(Image.fromarray(pixels)))))
    assert (tokens.decode(answer["image"], (12, 12, 1))[..., 0] == pixels).all()
    assert answer["prepared"] == ["already what the model was trained on: unchanged"]


def test_links_of_an_answer_work(client: TestClient) -> None:
    (answer,) = answers(client.post("/predict", files=upload(save(seven()))))
    assert set(answer["links"]) >= {"feature_maps", "pooled_maps"}
    for link in answer["links"].values():
        assert client.get(link).status_code == 200


def test_bad_image_has_an_error_and_the_others_are_answered(client: TestClient) -> None:
    good = save(seven())
    first, bad, last = answers(client.post("/predict", files=upload(good, b"text", good)))
    assert bad == {"filename": "1.png", "error": bad["error"]}
    assert bad["error"]["status"] == 415
    assert first["label"] == last["label"]


def test_top_keeps_the_most_probable_in_order(client: TestClient) -> None:
    content = save(seven())
    (every,) = answers(client.post("/predict", files=upload(content)))
    (best,) = answers(client.post("/predict?top=2", files=upload(content)))
    expected = sorted(every["probabilities"].items(), key=lambda one: -one[1])[:2]
    assert list(best["probabilities"].items()) == expected


def test_layers_bring_their_maps(client: TestClient) -> None:
    (answer,) = answers(client.post("/predict?layers=conv1,dense1", files=upload(save(seven()))))
    assert np.shape(answer["maps"]["conv1"]["values"]) == (3, 12, 12)
    assert answer["maps"]["conv1"]["shape"] == [12, 12, 3]
    assert np.shape(answer["maps"]["dense1"]["values"]) == (5,)
    link = client.get(answer["links"]["feature_maps"]).json()
    assert [one["values"] for one in link["maps"]] == answer["maps"]["conv1"]["values"]


def test_maps_in_base64_are_those_in_lists(client: TestClient) -> None:
    url = "/predict?layers=conv1/pre,conv1,dense1"
    (lists,) = answers(client.post(url, files=upload(save(seven()))))
    (packed,) = answers(client.post(f"{url}&encoding=base64", files=upload(save(seven()))))
    for name, one in packed["maps"].items():
        values = np.frombuffer(base64.b64decode(one["values"]), "<f4").reshape(one["shape"])
        expected = np.array(lists["maps"][name]["values"], np.float32)
        assert (maps_first(values) == expected).all()
    assert (
        client.post("/predict?layers=dense1/post", files=upload(save(seven()))).status_code == 404
    )
    assert client.post("/predict?layers=pool1/pre", files=upload(save(seven()))).status_code == 422


def test_another_model_answers_when_named(client: TestClient) -> None:
    response = client.post("/predict?model=tiny-photo&version=1", files=upload(save(noise(40, 60))))
    assert response.json()["model"] == "tiny-photo"
    assert "cropped to the centre 40×40" in response.json()["predictions"][0]["prepared"]


def boundary_form(body: bytes, boundary: str = "b") -> dict[str, Any]:
    kind = f"multipart/form-data; boundary={boundary}"
    return {"content": body, "headers": {"content-type": kind}}


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b""}, 422),
        ({"content": b"hello"}, 415),
        ({"content": save(seven())[:-200]}, 422),
        ({"content": save(seven())[:30]}, 422),
        ({"content": b"\0" * 200_001}, 413),
        ({"content": b"\0" * 1_000_001}, 413),
        ({"content": save(noise(1, 1).resize((1001, 1000)), "GIF")}, 413),
        ({"files": upload(*[b"x"] * 9)}, 413),
        ({"files": [("image", ("a.png", b"x"))]}, 400),
        (boundary_form(b""), 400),
        (boundary_form(b"nonsense"), 400),
        (boundary_form(PART), 400),
        (boundary_form(PART, "b" * 999), 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"files": upload(save(seven())), "params": {"model": "none"}}, 404),
        ({"files": upload(save(seven())), "params": {"version": 9}}, 404),
        ({"files": upload(save(seven())), "params": {"version": "new"}}, 422),
        ({"files": upload(save(seven())), "params": {"top": 0}}, 422),
        ({"files": upload(save(seven())), "params": {"layers": "conv9"}}, 404),
        ({"files": upload(save(seven())), "params": {"layers": "conv1," * 99}}, 422),
    ],
)  # fmt: skip
def test_refusals_are_problem_documents(
    client: TestClient, request_: dict[str, Any], status: int
) -> None:
    response = client.post("/predict", **request_)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert len(problem["detail"]) > 20


def test_concurrent_answers_equal_solo_answers(settings: Settings, client: TestClient) -> None:
    contents = [save(noise(20, 20, 1, seed)) for seed in range(40)]
    solo = [answers(client.post("/predict", files=upload(content)))[0] for content in contents]

    async def together() -> list[dict[str, Any]]:
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as many:
                posts = [many.post("/predict", files=upload(content)) for content in contents]
                return [answers(response)[0] for response in await asyncio.gather(*posts)]

    for alone, joined in zip(solo, asyncio.run(together()), strict=True):
        assert joined["image"] == alone["image"]
        assert joined["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-6)
