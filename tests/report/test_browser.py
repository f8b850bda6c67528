"""The page in a real browser: Chromium, without a window and without a network."""

import base64
import json
import os
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium with its chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_opens_sorts_filters_and_grows_a_picture(browser, made, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(made.whole.as_uri())
    ask = browser.execute_script
    # Nothing but tables is wider than the window, and these scroll by themselves.
    assert ask("return document.documentElement.scrollWidth") <= width
    assert ask("return document.title") == "Store store"

    visible = "[...document.querySelectorAll('#values tbody tr')].filter((row) => row.offsetParent)"
    before = ask(f"return {visible}.length")
    ask(
        "const s = document.forms.filter.metric; s.value = 'elbo'; s.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert _soon(browser, f"return 0 < {visible}.length && {visible}.length < {before}")
    assert ask(f"return {visible}.every((row) => row.dataset.metric === 'elbo')")

    for ascending in (True, False):
        ask("document.querySelectorAll('#values .sort')[5].click()")
        shown = [float(each) for each in ask(f"return {visible}.map((row) => row.cells[5].textContent)")]
        assert shown == sorted(shown, reverse=not ascending)
    assert ask("return document.querySelectorAll('#values th')[5].getAttribute('aria-sort')") == "descending"

    ask("document.forms.filter.reset()")
    assert _soon(browser, f"return {visible}.length === {before}")
    small = ask("return document.querySelector('figure img').getBoundingClientRect().width")
    ask("document.querySelector('figure .grow').focus()")
    ask("document.querySelector('figure .grow').click()")
    assert _soon(browser, "return document.querySelector('#large img').naturalWidth > 0")
    assert ask("return document.querySelector('#large').open")
    if width > 500:
        assert ask("return document.querySelector('#large img').getBoundingClientRect().width") > 2 * small
    ask("document.getElementById('close').click()")
    assert ask("return !document.querySelector('#large').open")

    choose = "const s = document.getElementById('right'); s.selectedIndex = 3; s.dispatchEvent(new Event('change'))"
    ask(choose)
    assert ask("return document.querySelectorAll('#pair img').length") == 2
    assert ask("return document.querySelectorAll('#beside tr.differs').length") > 0

    assert browser.get_log("browser") == []
    events = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    asked = {e["params"]["request"]["url"].split(":")[0] for e in events if e["method"] == "Network.requestWillBeSent"}
    assert asked <= {"file", "data"}


def test_the_keyboard_alone_reaches_everything(browser, made):
    from selenium.webdriver.common.keys import Keys

    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(made.whole.as_uri())
    ask = browser.execute_script
    reached = []
    for _ in range(400):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        at = ask("const e = document.activeElement; return [e.tagName, e.id, e.name, e.className, e.textContent]")
        if at[0] == "BODY":
            break
        reached.append(at)
        # What has the focus is seen, and shows that it has it.
        assert ask(
            "const e = document.activeElement; return e.checkVisibility() && getComputedStyle(e).outlineStyle"
        ) not in (
            False,
            "none",
        )
    assert reached[0][3] == "skip"
    assert {"model", "data", "metric", "words"} <= {name for _, _, name, _, _ in reached}
    assert {"left", "right"} <= {name for _, name, _, _, _ in reached}
    n_reached = [sum(word in kind.split() for _, _, _, kind, _ in reached) for word in ("sort", "grow")]
    assert n_reached == [ask(f"return document.querySelectorAll('main .{word}').length") for word in ("sort", "grow")]

    ask("document.querySelectorAll('#values .sort')[5].focus()")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert ask("return document.querySelectorAll('#values th')[5].getAttribute('aria-sort')") == "ascending"
    ask("document.querySelector('figure .grow').focus()")
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    first = ask("return document.querySelector('#large-title').textContent")
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert ask("return document.querySelector('#large-title').textContent") != first
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert ask("return !document.querySelector('#large').open")
    assert ask("return document.activeElement.className") == "grow"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_to_mend(browser, made, width, scheme):
    rules = os.environ.get("AXE")
    if not rules:
        pytest.skip("AXE does not name the file axe.min.js of axe-core")
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.get(made.page.as_uri())
    browser.execute_script(Path(rules).read_text())
    found = browser.execute_async_script("axe.run(document).then(arguments[0])")
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert len(found["passes"]) > 20


def test_a_printed_page_has_every_picture_and_row(browser, made):
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(made.whole.as_uri())
    ask = browser.execute_script
    loaded = "return [...document.querySelectorAll('figure img')].filter((each) => each.naturalWidth).length"
    n = ask("return document.querySelectorAll('figure img').length")
    ask(
        "addEventListener('beforeprint', () => { window.shown = [...document.querySelectorAll('tbody tr, figure')]"
        ".every((each) => !each.hidden); })"
    )
    ask("document.forms.filter.words.value = 'no such words'; document.forms.filter.dispatchEvent(new Event('input'))")
    assert _soon(browser, "return [...document.querySelectorAll('#pictures figure')].every((each) => each.hidden)")
    page = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert page.startswith(b"%PDF")
    assert ask("return window.shown") is True
    assert ask(loaded) == n > 0


def _soon(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20).until(lambda found: found.execute_script(condition))
