"""The cell view, the heatmaps and the playground show the numbers of the service."""

import re

import httpx2
from playwright.sync_api import Page, Route, expect


def test_the_keyboard_alone_reaches_the_arithmetic_of_a_cell(page: Page) -> None:
    page.get_by_role("button", name="Sample: 7").click()
    page.locator("body").press("Tab")
    for _ in range(60):
        if page.locator("button.map:focus").count():
            break
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#map")).to_be_focused()
    before = page.locator("#map-caption").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#map-caption")).not_to_have_text(before)
    expect(page.locator("#arithmetic .equation")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("button.map:focus")).to_have_attribute("data-index", "1")


def test_the_numbers_of_a_cell_are_the_service_s(page: Page, service: str) -> None:
    page.get_by_role("button", name="Sample: 7").click()
    page.locator('button.map[data-layer="conv2"][data-index="13"]').click()
    caption = page.locator("#map-caption").inner_text()
    found = re.search(r"row (\d+), column (\d+)", caption)
    assert found is not None
    path = f"/layers/conv2/feature-maps/13/cells/{found[1]}/{found[2]}"
    answer = httpx2.get(f"{service}{path}?sample=7").json()
    shown = page.locator("#arithmetic .equation .term b").first
    expect(shown).to_have_text(f"{answer['sum']:.4f}".replace("-", "−"))
    expect(page.locator("#arithmetic .channel")).to_have_count(32)


def test_a_pooled_cell_shows_its_winner(page: Page) -> None:
    page.locator('button.map[data-layer="pool1"][data-index="3"]').click()
    expect(page.locator("#arithmetic td.winner")).to_have_count(1)


def test_two_classes_are_explained_side_by_side(page: Page) -> None:
    expect(page.locator("#explanation")).to_be_visible()
    expect(page.locator("#heatmaps select")).to_have_count(2)
    page.locator("#heatmaps select").last.select_option("1")
    expect(page.locator("#heatmaps canvas[role=img]").last).to_have_attribute(
        "aria-label", re.compile("Evidence for 1")
    )


def test_the_lecture_s_example_is_in_the_playground(page: Page) -> None:
    results = page.locator("#playground-parts td button")
    expect(results).to_have_text(["4", "3", "4", "2", "4", "3", "2", "3", "4"])
    page.get_by_label("Padding").select_option("SAME")
    expect(results).to_have_count(25)


def test_occlusion_can_be_chosen_instead_of_grad_cam(page: Page) -> None:
    page.get_by_role("button", name="Occlusion").click()
    link = page.locator("#export-heatmaps a").first
    expect(link).to_have_attribute("href", re.compile("method=occlusion"))


def test_the_last_picture_s_heatmap_is_removed_while_the_next_is_computed(page: Page) -> None:
    heat = page.locator("#heatmaps canvas[role=img]")
    page.locator("#explanation").scroll_into_view_if_needed()
    expect(heat).to_have_count(2)
    held: list[Route] = []
    page.route("**/grad-cam?*", lambda route: held.append(route))
    page.get_by_role("button", name="Sample: 3").click()
    page.locator("#explanation").scroll_into_view_if_needed()
    said = page.locator("#heatmaps small").first
    expect(said).to_contain_text("Computing")
    expect(page.locator("#heatmaps select").first).to_have_value("3")
    expect(heat).to_have_count(0)
    for one in held:
        one.continue_()
    expect(said).to_contain_text("maximum")
    expect(heat).to_have_count(2)


def test_another_model_gets_classes_of_its_own(page: Page) -> None:
    expect(page.locator("#heatmaps select")).to_have_count(2)
    held: list[Route] = []
    page.route("**/predict?*", lambda route: held.append(route))
    page.get_by_label("Model").select_option("cifar10-lecture-3conv")
    page.get_by_role("button", name="Occlusion").click()  # A console error would fail the test.
    for one in held:
        one.continue_()
    page.unroute("**/predict?*")
    link = page.locator("#export-heatmaps a").first
    expect(link).to_have_attribute("href", re.compile("model=cifar10-lecture-3conv.*occlusion"))
    expect(page.locator("#heatmaps select").first).to_have_value(re.compile("^[a-z]+$"))


def test_the_stage_before_relu_has_negative_numbers(page: Page) -> None:
    page.get_by_role("button", name="before the activation").click()
    low = page.locator(".column .legend span").first
    expect(low).to_have_text(re.compile("^−"))
