"""The page in a real browser: Chromium, without a window and without a network."""

import json
import shutil

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


def _soon(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20).until(lambda found: found.execute_script(condition))
