"""Charts are well-formed SVG whose marks lie where the data says."""

from xml.etree import ElementTree

import pytest

from training.reproduction.charts import Axis, Chart, curves

SVG = "{http://www.w3.org/2000/svg}"


def test_axis_maps_data_to_pixels() -> None:
    axis = Axis(1, 5, 100, 20)
    assert [axis.pixel(value) for value in (1, 2, 5)] == [100, 80, 20]
    assert Axis(1, 1, 0, 50).pixel(1) == 25


def test_text_of_a_chart_is_escaped() -> None:
    chart = Chart(40, 30, "1 < 2", 'a "b" & c')
    chart.circle("first", 1, 2, 3, "<i>")
    root = ElementTree.fromstring(str(chart))
    assert root.get("aria-label") == '1 < 2, a "b" & c'
    assert [one.text for one in root.iter(f"{SVG}text")] == ["1 < 2", 'a "b" & c']
    assert root.findtext(f"{SVG}circle/{SVG}title") == "<i>"


@pytest.mark.parametrize("epochs", [1, 4, 30])
def test_curves_have_a_mark_for_each_epoch_and_a_ring_for_the_kept_one(epochs: int) -> None:
    training = [0.5 + i / 100 for i in range(epochs)]
    svg = curves("Accuracy", training, training, percent=True, reference=("a", 0.9), best=1)
    assert "prefers-color-scheme: dark" in svg
    tooltips = [one.text for one in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert "training, epoch 1: 50%" in tooltips
    assert tooltips[-1] == "epoch 1 was kept"
    assert len(tooltips) == 2 * epochs + 1


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.0, 1e-4], [3.0, 400.0]])
def test_curves_stay_inside_the_chart(values: list[float]) -> None:
    root = ElementTree.fromstring(curves("Loss", values, values))
    for circle in root.iter(f"{SVG}circle"):
        assert 0 < float(circle.get("cx", "nan")) < 400
        assert 0 < float(circle.get("cy", "nan")) < 250
