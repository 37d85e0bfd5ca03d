"""Drawing, samples, files, languages and models, with and without a mouse."""

import re
import statistics
from typing import Literal

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.pictures import save

SEVEN = [(70, 60), (200, 60), (130, 230)]


def draw(page: Page, points: list[tuple[int, int]]) -> None:
    page.get_by_role("button", name="Clear").click()
    box = page.locator("#draw").bounding_box()
    assert box is not None
    x, y = points[0]
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()


def test_a_drawn_seven_is_classified(page: Page) -> None:
    draw(page, SEVEN)
    expect(page.locator("#verdict")).to_have_text("7")
    expect(page.locator("#bars tr.best th")).to_have_text("7")


def test_an_undone_stroke_leaves_nothing(page: Page) -> None:
    draw(page, SEVEN)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#confidence")).to_have_text("Nothing is drawn yet")
    expect(page.locator("#verdict")).to_have_text("")


@pytest.mark.parametrize("name", ["3", "8"])
def test_a_sample_is_classified(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Sample: {name}").click()
    expect(page.locator("#verdict")).to_have_text(name)
    expect(page.locator("#steps")).to_contain_text("centred by centre of mass in 28×28")


def test_an_uploaded_file_is_classified(page: Page, service: str) -> None:
    data = httpx2.get(f"{service}/samples/digit/4.png").content
    page.locator("#file").set_input_files(
        {"name": "4.png", "mimeType": "image/png", "buffer": data}
    )
    expect(page.locator("#verdict")).to_have_text("4")


def test_a_file_that_is_not_a_picture_is_refused_with_a_sentence(
    page: Page, complaints: list[str]
) -> None:
    page.locator("#file").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"not a picture"}
    )
    expect(page.get_by_role("alert")).to_contain_text("not an image")
    assert [one[:64] for one in complaints] == [
        "Failed to load resource: the server responded with a status of 4"
    ]
    complaints.clear()  # Chromium reports every 4xx; this one was asked for.


def test_every_word_becomes_korean(page: Page) -> None:
    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("heading", name="신경망 속")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator("#steps")).to_contain_text("무게중심")


def test_every_step_of_the_preparation_has_korean_words(page: Page, service: str) -> None:
    pictures = [
        ("mnist-lecture", Image.new("L", (90, 90), 255)),
        ("mnist-lecture", stroke("L", 255, on=0)),
        ("mnist-lecture", stroke("RGBA", (0, 0, 0, 255), on=(0, 0, 0, 0), width=3)),
        ("mnist-lecture", stroke("RGB", (200, 0, 0), on=(255, 255, 255), width=30)),
        ("cifar10-lecture-3conv", stroke("RGBA", (9, 9, 9, 255), on=(0, 0, 0, 0))),
        ("cifar10-lecture-3conv", stroke("P", 1, on=0)),
        ("cifar10-lecture-3conv", stroke("L", 9, on=99)),
    ]
    said = set()
    for model, picture in pictures:
        answer = httpx2.post(f"{service}/predict?model={model}", content=save(picture)).json()
        said.update(answer["predictions"][0]["prepared"])
    assert {"found no ink: blank", "light ink on a dark ground", "converted to RGB"} <= said
    assert {"inverted: dark ink on a light ground", "cropped to the centre 90×90"} <= said
    translated = page.evaluate(
        """async (sentences) => {
          const { setLanguage, translateStep } = await import('/web/texts/texts.js');
          setLanguage('ko');
          return sentences.map(translateStep);
        }""",
        sorted(said),
    )
    assert [one for one in translated if re.search("[a-z]{2}", one)] == []


def stroke(mode: str, ink: object, *, on: object, width: int = 10) -> Image.Image:
    picture = Image.new(mode, (100, 90), on)  # type: ignore[arg-type]
    ImageDraw.Draw(picture).line([(40, 20), (60, 70)], ink, width)  # type: ignore[arg-type]
    return picture


def test_refusals_are_korean_with_the_service_s_own_sentence(
    page: Page, complaints: list[str]
) -> None:
    page.get_by_role("button", name="한국어").click()
    page.locator("#file").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"not a picture"}
    )
    expect(page.get_by_role("alert")).to_contain_text("읽을 수 있는 그림 파일이 아닙니다")
    expect(page.get_by_role("alert").locator("[lang=en]")).to_contain_text("not an image")
    complaints.clear()  # Chromium reports every 4xx; this one was asked for.


def test_an_unfamiliar_picture_gets_a_warning(page: Page, service: str) -> None:
    page.get_by_label("Model").select_option("mnist")
    page.get_by_role("button", name="Sample: 4").click()
    expect(page.locator("#verdict")).to_have_text("4")
    expect(page.locator("#unfamiliar")).to_be_hidden()
    frog = httpx2.get(f"{service}/samples/photo/frog.png").content
    page.locator("#file").set_input_files(
        {"name": "frog.png", "mimeType": "image/png", "buffer": frog}
    )
    expect(page.locator("#unfamiliar")).to_contain_text("does not look like anything")


def test_maps_are_named_in_words_with_the_numbers_of_the_service(page: Page, service: str) -> None:
    page.get_by_role("button", name="Sample: 7").click()
    tile = page.locator('button.map[data-layer="conv1"][data-index="4"]')
    answer = httpx2.get(f"{service}/layers/conv1/feature-maps/4?sample=7").json()
    zeros = round(100 * answer["statistics"]["zeros"])
    expect(tile).to_have_attribute(
        "aria-label", re.compile(rf"^conv1 map 4, max .+, {zeros} % of its cells zero$")
    )


def test_a_permalink_brings_the_picture_back(page: Page, service: str) -> None:
    page.get_by_role("button", name="Sample: 2").click()
    expect(page.locator("#verdict")).to_have_text("2")
    link = page.locator("#permalink").get_attribute("href")
    page.goto("about:blank")
    page.goto(f"{service}/{link}")
    expect(page.locator("#verdict")).to_have_text("2")
    expect(page.locator("#steps")).to_contain_text("unchanged")


def test_maps_follow_the_pen(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    tile = page.locator('button.map[data-layer="conv2"][data-index="0"] canvas')
    before = tile.evaluate("canvas => canvas.toDataURL()")
    root, took = page.locator("html"), []
    for _ in range(3):
        draw(page, SEVEN)
        page.wait_for_timeout(300)  # Until the last prediction that the stroke requested is shown.
        root.evaluate("root => delete root.dataset.took")
        box = page.locator("#draw").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 150, box["y"] + 150)
        page.wait_for_timeout(300)  # Polling for the attribute would slow the page down.
        expect(root).to_have_attribute("data-took", re.compile(r"\d+"))
        took.append(int(root.get_attribute("data-took") or 0))
    expect(page.locator("#verdict")).to_have_text("7")
    assert tile.evaluate("canvas => canvas.toDataURL()") != before
    with capsys.disabled():
        print(f"\nfrom a stroke to the updated maps: {statistics.median(took):.0f} ms, of {took}")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_serious(
    page: Page, scheme: Literal["light", "dark"], width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.locator('button.map[data-layer="conv2"][data-index="13"]').click()
    expect(page.locator("#map-caption")).to_contain_text("conv2, map 13")
    page.locator("#explanation").scroll_into_view_if_needed()
    expect(page.locator("#heatmaps canvas[role=img]")).to_have_count(2)
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out_of_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.locator('button.map[data-layer="conv1"][data-index="4"]').click()
    expect(page.locator("#map-caption")).to_contain_text("conv1, map 4")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_digit_is_drawn_with_the_keyboard(page: Page) -> None:
    page.get_by_role("button", name="Clear").click()
    page.locator("#draw").focus()
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#verdict")).to_have_text("1")
    page.keyboard.press("Control+z")
    expect(page.locator("#verdict")).to_have_text("")


def test_another_model_brings_its_own_samples_and_layers(page: Page) -> None:
    page.get_by_label("Model").select_option("cifar10-lecture-3conv")
    page.get_by_role("button", name="Sample: frog").click()
    expect(page.locator("#bars tr")).to_have_count(11)
    expect(page.locator("#bars tr.best th")).to_have_text("frog")
    expect(page.get_by_role("heading", name="conv3")).to_be_attached()
    expect(page.locator("#accuracy")).to_contain_text("78.01 %")
