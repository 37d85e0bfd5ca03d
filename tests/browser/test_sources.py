"""Pasted, dropped and photographed pictures; curl commands, links and downloads of every view."""

import base64
import re

import httpx2
from playwright.sync_api import Page, expect

HAND_OVER = """([type, encoded]) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], 'picture.png', { type: 'image/png' }));
  const event = type === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
    : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def hand_over(page: Page, service: str, how: str, digit: str) -> None:
    data = httpx2.get(f"{service}/samples/digit/{digit}.png").content
    page.evaluate(HAND_OVER, [how, base64.b64encode(data).decode()])


def test_a_pasted_picture_is_classified(page: Page, service: str) -> None:
    hand_over(page, service, "paste", "3")
    expect(page.locator("#verdict")).to_have_text("3")


def test_a_dropped_picture_is_classified_and_the_place_to_drop_it_shown(
    page: Page, service: str
) -> None:
    hand_over(page, service, "dragover", "5")
    expect(page.locator("body")).to_have_class("dropping")
    hand_over(page, service, "drop", "5")
    expect(page.locator("#verdict")).to_have_text("5")
    expect(page.locator("body")).not_to_have_class("dropping")


def test_the_camera_takes_a_picture_and_is_released(page: Page) -> None:
    steps = page.locator("#steps").inner_text()
    page.get_by_role("button", name="Camera").click()
    video = page.locator("#camera-dialog video")
    expect(video).to_be_visible()
    expect(video).not_to_have_js_property("videoWidth", 0)
    page.get_by_role("button", name="Take the picture").click()
    expect(video).to_be_hidden()
    expect(page.locator("#steps")).not_to_have_text(steps)
    assert video.evaluate("video => video.srcObject.getTracks().map((one) => one.readyState)") == [
        "ended"
    ]


def test_the_copied_curl_command_is_complete_and_works(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator('button.map[data-layer="conv2"][data-index="13"]').click()
    button = page.locator("#export-cell button")
    expect(button).to_be_visible()
    button.click()
    expect(button).to_have_text("Copied")
    line = page.evaluate("navigator.clipboard.readText()")
    found = re.fullmatch(r"curl '(\S+)'", line)
    assert found is not None, line
    answer = httpx2.get(found[1]).json()
    assert (answer["layer"], answer["index"]) == ("conv2", 13)


def test_every_view_has_a_curl_command_a_link_and_downloads(page: Page, service: str) -> None:
    page.locator('button.map[data-layer="conv2"][data-index="13"]').click()
    page.locator("#map-statistics").get_by_role("checkbox").nth(13).check()
    views = "prediction maps cell filters statistics ablation heatmaps playground"
    for view in views.split():
        root = page.locator(f"#export-{view}")
        expect(root.locator("code")).to_have_text(re.compile("^curl "))
        expect(root.get_by_role("link", name="Link")).to_have_attribute("href", re.compile("^#"))
        for link in root.locator("a[href^='/']").all():
            address = f"{service}{link.get_attribute('href')}"
            answer = httpx2.get(address)
            assert answer.status_code == 200, address
            name = link.get_attribute("download") or ""
            kind = {"png": "image/png", "npy": "application/x-npy", "json": "application/json"}
            assert answer.headers["content-type"] == kind[name.rpartition(".")[2]]
    with page.expect_download() as download:
        page.locator("#export-prediction").get_by_role("link", name=".json").click()
    assert '"probabilities"' in download.value.path().read_text()
