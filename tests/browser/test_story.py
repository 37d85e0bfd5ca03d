"""What is pointed at tells where it comes from: lines, windows and the arithmetic beside it."""

import re

import httpx2
from playwright.sync_api import Page, expect


def test_a_cell_tells_its_arithmetic_where_it_is_pointed_at(page: Page, service: str) -> None:
    tile = page.locator('button.map[data-layer="conv2"][data-index="13"]')
    tile.scroll_into_view_if_needed()
    tile.hover()
    story = page.locator("#hover-card")
    expect(story).to_be_visible()
    said = re.search(r"row (\d+), column (\d+)", story.inner_text())
    assert said is not None
    path = f"/layers/conv2/feature-maps/13/cells/{said[1]}/{said[2]}?sample=7"
    answer = httpx2.get(service + path).json()
    terms = story.locator(".equation .term b")
    expect(terms.first).to_have_text(f"{answer['sum']:.4f}".replace("-", "−"))
    lines = page.locator(".connections .lines path")
    expect(lines).to_have_count(32)  # One from each map of pool1.
    signs = [one["subtotal"] < 0 for one in answer["inputs"]]
    drawn = lines.evaluate_all("all => all.map((one) => one.classList.contains('less'))")
    assert drawn == signs
    # A window on each of them, and the receptive field.
    expect(page.locator(".connections rect")).to_have_count(33)
    page.mouse.move(0, 0)
    expect(story).to_be_hidden()
    expect(lines).to_have_count(0)


def test_a_pooled_map_comes_from_one_map_alone(page: Page) -> None:
    tile = page.locator('button.map[data-layer="pool1"][data-index="3"]')
    tile.scroll_into_view_if_needed()
    tile.hover()
    expect(page.locator("#hover-card .winner")).to_have_count(1)
    expect(page.locator(".connections .lines path")).to_have_count(1)


def test_the_keyboard_tells_the_story_of_a_map_s_strongest_cell(page: Page) -> None:
    page.locator('button.map[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#hover-card")).to_contain_text("conv1 · map 1 · row")
    # Tab leaves the maps as a whole: only one of them is a stop.
    expect(page.locator('button.map[tabindex="0"]')).to_have_count(1)
    expect(page.locator("button.map:focus")).to_have_attribute("tabindex", "0")
    page.keyboard.press("Tab")
    expect(page.locator("#hover-card")).to_be_hidden()


def test_a_way_around_layers_is_drawn_and_both_branches_lead_to_the_sum(page: Page) -> None:
    expect(page.locator(".connections .skips path")).to_have_count(0)
    page.get_by_label("Model").select_option("mnist")
    expect(page.locator(".connections .skips path")).to_have_count(2)
    tile = page.locator('button.map[data-layer="block1.add"][data-index="4"]')
    expect(tile).to_have_attribute("aria-label", re.compile("^block1.add map 4"))
    tile.scroll_into_view_if_needed()
    tile.hover()
    expect(page.locator("#hover-card .term")).to_have_count(3)
    expect(page.locator(".connections .lines path")).to_have_count(2)


def test_a_number_is_taken_apart_before_anything_is_pressed(page: Page) -> None:
    expect(page.locator("#arithmetic .equation")).to_be_visible()
    assert page.evaluate("scrollY") == 0
