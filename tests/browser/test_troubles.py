"""What the page shows when the service is unreachable, busy or refuses, and for unusual models."""

import json

import httpx2
import pytest
from playwright.sync_api import Page, Route, expect

from service.errors import ServiceError


def refuse(route: Route, status: int, title: str) -> None:
    document = {"status": status, "title": title, "detail": f"{title}, says the service."}
    headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
    route.fulfill(status=status, headers=headers, body=json.dumps(document))


def draw(page: Page) -> None:
    page.get_by_role("button", name="Clear").click()
    box = page.locator("#draw").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 140, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 230, steps=6)
    page.mouse.up()


@pytest.mark.parametrize("trouble", ["away", "Busy", "Too many requests"])
def test_a_drawing_is_answered_when_the_service_is_back(
    page: Page, complaints: list[str], trouble: str
) -> None:
    def answer(route: Route) -> None:
        if trouble == "away":
            route.abort("connectionrefused")
        else:
            refuse(route, 503 if trouble == "Busy" else 429, trouble)

    page.route("**/predict?*", answer)
    draw(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("does not answer" if trouble == "away" else trouble)
    page.get_by_role("button", name="Undo").click()  # The page still reacts.
    expect(page.locator("#confidence")).to_have_text("Nothing is drawn yet")
    draw(page)
    expect(alert).to_be_visible()
    page.unroute("**/predict?*")
    expect(page.locator("#verdict")).to_have_text("1")
    expect(alert).to_be_hidden()
    assert all(one.startswith("Failed to load resource") for one in complaints)
    complaints.clear()


def test_a_request_without_an_api_key_is_not_repeated(page: Page, complaints: list[str]) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        refuse(route, 401, "No key")

    page.route("**/predict?*", answer)
    page.get_by_role("button", name="Sample: 3").click()
    expect(page.get_by_role("alert")).to_contain_text("No key")
    page.wait_for_timeout(1500)
    assert len(asked) == 1
    complaints.clear()


def test_every_word_of_the_page_and_every_refusal_has_korean_words(page: Page) -> None:
    english, korean, problems = page.evaluate(
        """async () => {
          const en = (await import('/web/texts/en.js')).default;
          const ko = (await import('/web/texts/ko.js')).default;
          return [en, ko, ko.problems].map(Object.keys);
        }"""
    )
    assert set(korean) - set(english) == {"problems", "labels", "steps"}
    assert set(english) <= set(korean)
    titles, found = set(), [ServiceError]
    while found:
        one = found.pop()
        found += one.__subclasses__()
        if one.__module__ == "service.errors" and 400 <= one.status < 600:
            titles.add(one.title)
    assert titles - set(problems) <= {"Model cannot be loaded", "Key file cannot be used"}


def test_every_key_that_the_page_asks_for_exists(page: Page, service: str) -> None:
    """What `data-text` and `data-label` hold; a key without words would be shown as itself."""
    missing = page.evaluate(
        """async () => {
          const en = (await import('/web/texts/en.js')).default;
          const keys = [...document.querySelectorAll('[data-text], [data-label]')]
            .flatMap(({ dataset }) => [dataset.text, dataset.label]);
          return keys.filter((one) => one && !(one in en));
        }"""
    )
    assert missing == []
    answer = httpx2.get(f"{service}/web/app.js")
    assert answer.headers["cache-control"] == "no-cache"  # Old scripts would not fit new ones.


def test_a_network_without_convolutions_is_explained_by_occlusion(page: Page) -> None:
    page.get_by_label("Model").select_option("dense")
    expect(page.locator("#columns .legend").last).to_contain_text("0")
    expect(page.locator("#layer")).to_be_hidden()
    expect(page.locator("#cell")).to_be_hidden()
    expect(page.locator("#method")).to_be_hidden()
    expect(page.locator("#export-heatmaps code")).to_contain_text("method=occlusion")


def test_of_a_hundred_classes_the_ten_most_probable_are_shown(page: Page) -> None:
    page.get_by_label("Model").select_option("hundred")
    expect(page.locator("#bars-rest")).to_have_text("The 10 most probable of 100 classes.")
    expect(page.locator("#bars tbody tr")).to_have_count(10)
    expect(page.locator("#bars tbody tr").first).to_have_class("best")
    expect(page.locator(".outputs li")).to_have_count(10)
    expect(page.locator("#heatmaps select").first.locator("option")).to_have_count(100)
    box = page.locator("#network-input").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(64 / 48, rel=0.02)
    page.locator("#map-statistics").get_by_role("checkbox").first.check()
    expect(page.locator("#change tbody tr")).to_have_count(10)


def test_reduced_motion_is_respected(page: Page) -> None:
    bar = page.locator("#bars i").first
    duration = "one => getComputedStyle(one).transitionDuration"
    assert bar.evaluate(duration) != "0s"
    page.emulate_media(reduced_motion="reduce")
    assert bar.evaluate(duration) == "0s"
    moved = page.evaluate(
        """() => {
          const found = [];
          Element.prototype.scrollIntoView = (how) => found.push(how?.behavior ?? 'auto');
          document.querySelector('button.map[data-layer="conv2"]').click();
          document.querySelector('button.name').click();
          return found;
        }"""
    )
    assert moved
    assert set(moved) == {"auto"}
