"""Maps set to zero by `/predict?zero=`, and the statistics of a layer's maps."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.models.registry import Models
from tests.pictures import save, seven


def test_change_is_the_difference_from_the_whole_network(client: TestClient) -> None:
    content = save(seven())
    (whole,) = client.post("/predict", content=content).json()["predictions"]
    (less,) = client.post("/predict?zero=conv1:0&zero=conv1:2", content=content).json()[
        "predictions"
    ]
    assert less["image"] == whole["image"]
    assert any(abs(change) > 1e-6 for change in less["change"].values())
    for label, change in less["change"].items():
        assert less["probabilities"][label] - whole["probabilities"][label] == pytest.approx(
            change, abs=1e-6
        )
    assert "change" not in whole


def test_answer_with_all_maps_zero_does_not_depend_on_the_image(client: TestClient) -> None:
    query = "&".join(f"zero=conv2:{i}" for i in range(4))
    answers = [
        client.post(f"/predict?{query}", content=save(seven(120, ink))).json()["predictions"][0]
        for ink in ((0, 0, 0), (200, 0, 0))
    ]
    assert answers[0]["probabilities"] == answers[1]["probabilities"]


def test_unreadable_image_keeps_its_position(client: TestClient) -> None:
    files = [("file", b"text"), ("file", save(seven()))]
    bad, good = client.post("/predict?zero=conv1:1", files=files).json()["predictions"]
    assert "error" in bad
    assert set(good["change"]) == {"one", "two", "three"}


@pytest.mark.parametrize(
    ("zero", "status"),
    [("conv1", 422), ("conv1:x", 422), (":1", 404), ("conv1:3", 404), ("pool1:0", 409)],
)
def test_unknown_maps_are_refused(client: TestClient, zero: str, status: int) -> None:
    assert client.post("/predict", params={"zero": zero}, content=save(seven())).status_code == (
        status
    )


def test_dead_maps_differ_from_maps_zero_on_this_image(client: TestClient) -> None:
    models: Models = client.app.state.models  # type: ignore[attr-defined]
    answer = client.get("/layers/conv2/statistics?sample=7").json()
    recorded = models.get().manifest.statistics["conv2"]
    assert [one["dead"] for one in answer["maps"]] == [False, False, False, True]
    assert [one["test"]["zeros"] for one in answer["maps"]] == list(recorded.zeros)
    assert answer["maps"][3]["image"]["zeros"] == 1
    maps = client.get("/layers/conv2/feature-maps?sample=7").json()["maps"]
    for one, values in zip(answer["maps"], maps, strict=True):
        assert one["image"] == values["statistics"]
        assert one["image"]["mean"] == pytest.approx(float(np.mean(values["values"])), abs=1e-6)


def test_layers_and_zero_together_are_refused(client: TestClient) -> None:
    answer = client.post("/predict?zero=conv1:0&layers=conv2", content=save(seven()))
    assert answer.status_code == 422


def test_statistics_of_a_layer_without_maps_are_refused(client: TestClient) -> None:
    assert client.get("/layers/dense1/statistics").status_code == 409
