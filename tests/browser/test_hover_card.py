"""Pointing at a cell: the lines and windows it is computed from, and a card with its arithmetic."""

import re

import httpx2
from playwright.sync_api import Page, expect


def test_pointing_at_a_cell_shows_its_arithmetic_and_connections(page: Page, service: str) -> None:
    tile = page.locator('button.map[data-layer="conv2"][data-index="13"]')
    tile.scroll_into_view_if_needed()
    tile.hover()
    card = page.locator("#hover-card")
    expect(card).to_be_visible()
    said = re.search(r"row (\d+), column (\d+)", card.inner_text())
    assert said is not None
    path = f"/layers/conv2/feature-maps/13/cells/{said[1]}/{said[2]}?sample=7"
    answer = httpx2.get(service + path).json()
    terms = card.locator(".equation .term b")
    expect(terms.first).to_have_text(f"{answer['sum']:.4f}".replace("-", "−"))
    lines = page.locator(".connections .lines path")
    expect(lines).to_have_count(32)  # One from each map of pool1.
    signs = [one["subtotal"] < 0 for one in answer["inputs"]]
    drawn = lines.evaluate_all("all => all.map((one) => one.classList.contains('less'))")
    assert drawn == signs
    # A window on each of them, and the receptive field.
    expect(page.locator(".connections rect")).to_have_count(33)
    page.mouse.move(0, 0)
    expect(card).to_be_hidden()
    expect(lines).to_have_count(0)


def test_a_pooled_map_reads_one_map(page: Page) -> None:
    tile = page.locator('button.map[data-layer="pool1"][data-index="3"]')
    tile.scroll_into_view_if_needed()
    tile.hover()
    expect(page.locator("#hover-card .winner")).to_have_count(1)
    expect(page.locator(".connections .lines path")).to_have_count(1)


def test_focusing_a_map_shows_the_card_of_its_strongest_cell(page: Page) -> None:
    page.locator('button.map[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#hover-card")).to_contain_text("conv1 · map 1 · row")
    # Tab leaves the maps as a whole: only one of them is a stop.
    expect(page.locator('button.map[tabindex="0"]')).to_have_count(1)
    expect(page.locator("button.map:focus")).to_have_attribute("tabindex", "0")
    page.keyboard.press("Tab")
    expect(page.locator("#hover-card")).to_be_hidden()


def test_a_skip_connection_is_drawn_and_both_branches_lead_to_the_sum(page: Page) -> None:
    expect(page.locator(".connections .skips path")).to_have_count(0)
    page.get_by_label("Model").select_option("mnist")
    expect(page.locator(".connections .skips path")).to_have_count(2)
    tile = page.locator('button.map[data-layer="block1.add"][data-index="4"]')
    expect(tile).to_have_attribute("aria-label", re.compile("^block1.add map 4"))
    tile.scroll_into_view_if_needed()
    tile.hover()
    expect(page.locator("#hover-card .term")).to_have_count(3)
    expect(page.locator(".connections .lines path")).to_have_count(2)


def test_the_page_starts_with_the_arithmetic_of_one_cell(page: Page) -> None:
    expect(page.locator("#arithmetic .equation")).to_be_visible()
    assert page.evaluate("scrollY") == 0
