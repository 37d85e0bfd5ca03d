"""The layer view: its filters, the statistics of every map, and the answer without some maps."""

import io
import re

import httpx2
import numpy as np
import pytest
from playwright.sync_api import Page, expect


def test_every_filter_is_shown_with_the_service_s_weights(page: Page, service: str) -> None:
    page.locator("#layer-select").select_option("conv2")
    kernels = page.locator("#kernels")
    expect(kernels).to_have_js_property("height", 64 * 4 - 1)  # one row per map, one pixel between
    expect(kernels).to_have_js_property("width", 32 * 4 - 1)
    weights = np.load(io.BytesIO(httpx2.get(f"{service}/layers/conv2/filters?format=npy").content))
    kernels.scroll_into_view_if_needed()
    zoom = round(kernels.evaluate("canvas => canvas.clientWidth / canvas.width"))
    kernels.hover(position={"x": zoom * (4 * 5 + 1.5), "y": zoom * (4 * 2 + 0.5)})
    said = page.locator("#kernels-readout").inner_text()
    assert said.startswith("map 2 · channel 5 · row 0, column 1 · ")
    shown = float(said.rpartition("· ")[2].replace("−", "-"))
    assert abs(shown - weights[0, 1, 5, 2]) <= 1e-4 * abs(shown)
    kernels.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#kernels-readout")).to_contain_text("map 2 · channel 6 · from")
    page.keyboard.press("Enter")
    expect(page.locator("#map-caption")).to_contain_text("conv2, map 2")
    expect(page.locator("#arithmetic .channel-detail h3")).to_have_text("channel 6")


def test_colour_filters_are_shown_as_colours_too(page: Page) -> None:
    page.get_by_label("Model").select_option("cifar10-lecture-3conv")
    expect(page.locator("#filters-caption")).to_contain_text("mixed as colours")
    page.locator("#kernels").focus()
    expect(page.locator("#kernels-readout")).to_have_text(re.compile("map 0 .* as red, green"))
    expect(page.locator("#export-filters").get_by_role("link", name="colour.png")).to_be_visible()


def test_dead_maps_are_distinguished_from_silent_ones(page: Page, service: str) -> None:
    page.get_by_role("button", name="Sample: 7").click()
    page.locator("#layer-select").select_option("conv2")
    rows = page.locator("#map-statistics tbody tr")
    expect(rows).to_have_count(64)
    answer = httpx2.get(f"{service}/layers/conv2/statistics?sample=7").json()
    assert any(one["dead"] for one in answer["maps"])
    for one in answer["maps"]:
        silent = one["image"]["zeros"] == 1
        said = "dead" if one["dead"] else "silent here" if silent else ""
        expect(rows.nth(one["index"]).locator(".state")).to_have_text(said)
        if silent:
            tile = page.locator(f'button.map[data-layer="conv2"][data-index="{one["index"]}"]')
            where = "every test image" if one["dead"] else "everywhere"
            expect(tile).to_have_attribute("aria-label", re.compile(f"zero (on )?{where}"))
    page.get_by_role("button", name="zero here").click()
    expect(rows.first.locator(".share span").first).to_have_text("100 %")


def test_left_out_maps_change_every_probability(page: Page, service: str) -> None:
    page.get_by_role("button", name="Sample: 7").click()
    page.locator("#layer-select").select_option("conv2")
    expect(page.locator("#verdict")).to_have_text("7")
    boxes = page.locator("#map-statistics").get_by_role("checkbox")
    for index in (10, 13):
        boxes.nth(index).check()
    # The command is shown with its answer; that of the first box alone may come in between.
    expect(page.locator("#export-ablation code")).to_have_text(re.compile("conv2(:|%3A)10.*13"))
    picture = httpx2.get(f"{service}/samples/digit/7.png").content
    answer = httpx2.post(f"{service}/predict?zero=conv2:10&zero=conv2:13", content=picture).json()
    change = answer["predictions"][0]["change"]
    rows = page.locator("#change tbody tr")
    expect(rows).to_have_count(10)
    for digit, row in zip(change, rows.all(), strict=True):
        shown = row.locator("td").last.inner_text().replace("−", "-")
        assert float(shown) == pytest.approx(100 * change[digit], rel=0.06, abs=1e-9)
    muted = page.locator('button.map.left-out[data-layer="conv2"]')
    expect(muted).to_have_count(2)
    page.get_by_role("button", name="Put conv2 map 13 back").click()
    expect(muted).to_have_count(1)
    expect(boxes.nth(13)).not_to_be_checked()


def test_a_link_brings_the_layer_the_view_and_the_left_out_maps_back(
    page: Page, service: str
) -> None:
    page.locator("#layer-select").select_option("conv2")
    page.locator("#map-statistics").get_by_role("checkbox").nth(3).check()
    page.get_by_role("button", name="one per map").click()
    link = page.locator("#export-ablation").get_by_role("link", name="Link").get_attribute("href")
    page.goto("about:blank")
    page.goto(f"{service}/{link}")
    expect(page.locator("#zeroed")).to_contain_text("conv2 3")
    expect(page.locator("#layer-select")).to_have_value("conv2")
    expect(page.get_by_role("button", name="one per map")).to_have_attribute("aria-pressed", "true")


def test_a_link_to_what_is_shown_does_not_reload_and_another_does(page: Page) -> None:
    page.get_by_role("button", name="Sample: 4").click()
    expect(page.locator("#verdict")).to_have_text("4")
    link = page.locator("#permalink").get_attribute("href")
    page.evaluate("window.here = true")
    page.locator("#export-heatmaps").get_by_role("link", name="Link").click()
    page.get_by_role("button", name="Sample: 2").click()
    expect(page.locator("#verdict")).to_have_text("2")
    assert page.evaluate("window.here")
    page.evaluate("hash => { location.hash = hash; }", link)
    expect(page.locator("#verdict")).to_have_text("4")
    assert not page.evaluate("window.here")


def test_play_slides_the_window(page: Page) -> None:
    page.locator('button.map[data-layer="conv2"][data-index="13"]').click()
    caption = page.locator("#map-caption")
    before = caption.inner_text()
    page.get_by_role("button", name="Play").click()
    expect(caption).not_to_have_text(before)
    page.get_by_role("button", name="Pause").click()
    page.locator("#slider").fill("0")
    expect(caption).to_contain_text("row 0, column 0")


def test_all_layers_of_every_model_fit_a_laptop(page: Page) -> None:
    columns = page.locator("#columns")
    names = page.locator("#model option").all_inner_texts()
    for name in names:
        page.get_by_label("Model").select_option(name)
        expect(page.locator("#columns .legend").last).to_contain_text(re.compile(r"\d"))
        assert columns.evaluate("one => one.scrollWidth - one.clientWidth") <= 0, name
        assert columns.evaluate("one => one.clientHeight") <= 800, name


def test_the_cells_of_a_residual_network_are_explained(page: Page) -> None:
    page.get_by_label("Model").select_option("residual")
    page.locator('button.map[data-layer="block2.sum"]').first.click()
    terms = page.locator("#arithmetic .term button")
    expect(terms).to_have_text(["same cell of block1.relu", "same cell of block2.conv2"])
    terms.last.click()
    expect(page.locator("#map-caption")).to_contain_text("block2.conv2, map 0")
    expect(page.locator("#arithmetic .channel")).to_have_count(64)
    page.get_by_role("button", name="all 64").first.click()
    expect(page.locator('button.map[data-layer="stem.conv"]')).to_have_count(64)
    page.locator('button.map[data-layer="pool"]').first.click()
    expect(page.locator("#arithmetic td")).to_have_count(144)
    expect(page.locator("#arithmetic .note")).to_contain_text("The network itself computed")
