"""Debian's Chromium and the service on a free port, with the models that ship."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.exported_models import dense_model, residual_model, tiny_model

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
# What keeps Chromium from talking to anybody but the page's own host.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
expect.set_options(timeout=60_000)  # The first Grad-CAM loads TensorFlow, on slow machines as well.


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running service with all that ships and some networks unlike that."""
    models = tmp_path_factory.mktemp("models")
    for shipped in (ROOT / "models").iterdir():
        (models / shipped.name).symlink_to(shipped)
    residual_model(models / "residual" / "1")
    dense_model(models / "dense" / "1")
    hundred = tuple(f"class {i}" for i in range(100))
    tiny_model(models / "hundred" / "1", shape=(48, 64, 3), preparation="photo", labels=hundred)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "convlens", "serve", "--workers", "1", "--port", port]
    command += ["--models", str(models), "--deadline-seconds", "60"]
    log = tmp_path_factory.mktemp("service") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(f"{address}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
def complaints() -> list[str]:
    """What must not happen: console errors, exceptions, requests to another host."""
    return []


VIEWPORT = ViewportSize(width=1440, height=900)


@pytest.fixture(scope="package")
def tab(browser: Browser) -> Page:
    """The tab of all tests: in a new one Chromium starts and compiles for a second each time."""
    return browser.new_page(viewport=VIEWPORT, locale="en-US")


@pytest.fixture
def page(tab: Page, service: str, complaints: list[str]) -> Iterator[Page]:
    """The page, loaded anew as by somebody who was never there, and without complaints so far.

    A complaint that is left at the end fails the test.
    """

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} {message.location.get('url', '')[:120]}")

    def fail(error: Error) -> None:
        complaints.append(str(error))

    def watch(request: Request) -> None:
        if not request.url.startswith((service, "data:", "blob:", "about:")):
            complaints.append(request.url)

    _forget(tab, service)
    tab.on("console", hear)
    tab.on("pageerror", fail)
    tab.on("request", watch)
    tab.goto(service)
    tab.wait_for_selector("html[data-took]", state="attached")
    yield tab
    tab.remove_listener("console", hear)
    tab.remove_listener("pageerror", fail)
    tab.remove_listener("request", watch)
    assert complaints == []


def _forget(tab: Page, service: str) -> None:
    """Leave the page of the test before, and all that it set."""
    tab.unroute_all(behavior="ignoreErrors")
    tab.goto(f"{service}/livez")
    tab.evaluate("localStorage.clear(); sessionStorage.clear()")
    tab.context.clear_cookies()
    tab.context.clear_permissions()
    tab.set_viewport_size(VIEWPORT)
    tab.emulate_media(color_scheme="null", reduced_motion="null")
    tab.mouse.move(0, 0)
