"""The report in a real browser: headless Chromium, opened from a file."""

from __future__ import annotations

import json
import shutil

import pytest
from command import in_process
from report_runs import IDS, write_everything

pytest.importorskip("selenium")

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
BOARD = ".board:not([hidden]) .leaderboard"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    write_everything(root)
    done = in_process("report", "runs", "-o", "page.html", "--data-root", "data", cwd=root)
    assert done.returncode == 0, done.stderr
    return root / "page.html"


@pytest.fixture(scope="module")
def browser():
    if not (BROWSER and DRIVER):
        pytest.skip("no browser: chromium and chromedriver must both be on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # the path of the driver is given, so that Selenium does not look for one on the network
    driver = webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def tab(browser, page):
    """The page, freshly opened; afterwards nothing must have gone wrong or left it."""
    browser.get(page.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    assert browser.execute_script("return window.stolen") is None
    assert all(url.startswith(("file:", "data:")) for url in requested(browser))
    entries = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith("data:") for name in entries)


def requested(browser):
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def element_of(tab, selector):
    return tab.find_element(By.CSS_SELECTOR, selector)


def every(tab, selector):
    return tab.find_elements(By.CSS_SELECTOR, selector)


def rows(tab):
    return [row.get_attribute("data-name") for row in every(tab, f"{BOARD} tbody tr") if row.is_displayed()]


def order(tab):
    """The methods' own names, top to bottom."""
    return [name.rsplit(" ", 1)[1] for name in rows(tab)]


def transforms(tab, where=".panes"):
    """The computed matrices [a, b, c, d, x, y] of all images."""
    script = "return [...document.querySelectorAll(arguments[0])].map(e => getComputedStyle(e).transform)"
    texts = tab.execute_script(script, f"{where} .frame img:not([hidden]), {where}.frame img:not([hidden])")
    return [[float(part) for part in text[7:-1].split(",")] for text in texts]


def chosen(tab):
    return element_of(tab, "[role=option][aria-selected=true] .name").text.split()[0]


def keys(tab, element, *strokes):
    tab.execute_script("arguments[0].focus()", element)
    ActionChains(tab).send_keys(*strokes).perform()


def test_a_click_on_a_header_sorts_best_first_and_a_second_one_turns_round(tab):
    header = element_of(tab, f"{BOARD} th:nth-child(3)")
    assert header.get_attribute("aria-sort") == "none"
    header.find_element(By.TAG_NAME, "button").click()
    assert order(tab) == ["sharp", "pyramid", "evil", "average"]
    assert header.get_attribute("aria-sort") == "descending"
    header.find_element(By.TAG_NAME, "button").click()
    assert order(tab) == ["average", "evil", "pyramid", "sharp"]
    assert header.get_attribute("aria-sort") == "ascending"


def test_lower_is_better_sorts_the_other_way_and_gaps_stay_last(tab):
    element_of(tab, f"{BOARD} th:nth-child(5) button").click()
    assert order(tab) == ["average", "evil", "pyramid", "sharp"]
    for _ in range(2):
        element_of(tab, f"{BOARD} th:nth-child(4) button").click()
        assert order(tab)[-1] == "pyramid"


def test_sorting_works_by_keyboard_alone(tab):
    keys(tab, element_of(tab, f"{BOARD} th:nth-child(3) button"), Keys.ENTER)
    assert order(tab)[0] == "sharp"
    assert tab.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_filter_takes_words_and_kinds(tab):
    element_of(tab, f"{BOARD} [data-filter]").send_keys("SHA")
    assert order(tab) == ["sharp"]
    assert element_of(tab, f"{BOARD} [data-status]").text == "1 of 4 methods shown"
    element_of(tab, f"{BOARD} [data-filter]").clear()
    Select(element_of(tab, f"{BOARD} [data-kind]")).select_by_visible_text("trivial")
    assert order(tab) == ["average"]


def test_a_gap_has_its_coverage_and_its_footnote(tab):
    gap = element_of(tab, f"{BOARD} td.gap")
    assert gap.text.startswith("– (6/7)")
    assert "undefined" in element_of(tab, f"{BOARD} .notes").text


def test_markup_in_a_name_is_shown_as_text(tab):
    assert "<script>window.stolen" in element_of(tab, f"{BOARD} tbody").text
    assert every(tab, ".board img") == []
    assert every(tab, ".board script") == []


def test_data_set_and_profile_are_chosen_by_keyboard(tab):
    keys(tab, element_of(tab, "[name=group]:checked"), Keys.ARROW_RIGHT)
    assert "TNO" in element_of(tab, ".board:not([hidden]) h2").text
    assert "Only fused images are shown" in element_of(tab, ".note:not([hidden])").text
    keys(tab, element_of(tab, "[name=group]:checked"), Keys.ARROW_LEFT)
    keys(tab, element_of(tab, "[name=profile]:checked"), Keys.ARROW_RIGHT)
    assert "profile vifb" in element_of(tab, ".board:not([hidden]) h2").text
    assert [option.text for option in Select(element_of(tab, "[data-metric]")).options] == ["EN ↑", "SD ↑"]


def test_bars_can_be_drawn_on_an_axis_around_the_values(tab):
    shown = ".board:not([hidden]) .figures svg .bar .%s"
    assert element_of(tab, shown % "zero").is_displayed()
    assert not element_of(tab, shown % "close").is_displayed()
    element_of(tab, ".board:not([hidden]) [data-close]").click()
    assert element_of(tab, shown % "close").is_displayed()
    assert not element_of(tab, shown % "zero").is_displayed()


def test_the_list_begins_with_the_best_and_its_arrow_keys_change_the_image(tab):
    options = every(tab, "[role=option]")
    assert len(options) == len(IDS)
    assert [option.text.split()[-1] for option in options[:2]] == ["best", "worst"]
    first = chosen(tab)
    before = [image.get_attribute("src") for image in every(tab, ".panes img")]
    keys(tab, element_of(tab, "[role=listbox]"), Keys.ARROW_DOWN)
    assert chosen(tab) == options[1].text.split()[0] != first
    assert [image.get_attribute("src") for image in every(tab, ".panes img")] != before
    assert element_of(tab, "[role=listbox]").get_attribute("aria-activedescendant") == options[
        1
    ].get_attribute("id")
    keys(tab, element_of(tab, "[role=listbox]"), Keys.END, Keys.ARROW_DOWN)
    assert chosen(tab) == options[-1].text.split()[0]


def test_the_list_can_be_ordered_as_in_the_split(tab):
    Select(element_of(tab, "[data-order]")).select_by_value("place")
    assert [option.text.split()[0] for option in every(tab, "[role=option]")] == list(IDS)


def test_an_image_shows_both_sources_all_methods_and_its_scores(tab):
    every(tab, "[role=option]")[0].click()
    images = every(tab, ".panes img")
    assert len(images) == 6
    decoded = (
        "return [...document.querySelectorAll('.panes img')].every(i => i.complete && i.naturalWidth === 64)"
    )
    assert tab.execute_script(decoded)
    number = IDS.index(chosen(tab))
    assert element_of(tab, ".pane[data-column='2'] .value").text.startswith("EN ")
    table = {row.find_element(By.TAG_NAME, "th").text: row for row in every(tab, ".single tbody tr")}
    assert table["Sharp"].find_elements(By.TAG_NAME, "td")[0].text == f"{3 + number / 10:.4f}"
    assert "best" in table["Sharp"].find_elements(By.TAG_NAME, "td")[0].get_attribute("class")
    element_of(tab, ".single th:nth-child(2) button").click()
    assert [row.text.split()[0] for row in every(tab, ".single tbody tr")][:2] == ["Sharp", "Pyramid"]


def test_the_wheel_zooms_all_images_around_the_pointer(tab):
    frame = element_of(tab, ".panes .frame")
    tab.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    ActionChains(tab).scroll_from_origin(ScrollOrigin.from_element(frame), 0, -120).perform()
    matrices = transforms(tab)
    assert len(matrices) == 6
    assert all(matrix == matrices[0] for matrix in matrices)
    zoom, width = matrices[0][0], frame.size["width"]
    assert zoom > 1.1
    # the middle of the frame, where the pointer is, stays where it was
    assert matrices[0][4] == pytest.approx(width / 2 * (1 - zoom), abs=2)


def test_dragging_moves_all_images_and_stops_at_their_edges(tab):
    frame = element_of(tab, ".panes .frame")
    tab.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    keys(tab, element_of(tab, ".panes"), "+++")
    before = transforms(tab)[0]
    ActionChains(tab).click_and_hold(frame).move_by_offset(12, -9).release().perform()
    after = transforms(tab)
    assert all(matrix == after[0] for matrix in after)
    assert after[0][4:] == pytest.approx([before[4] + 12, before[5] - 9], abs=1)
    ActionChains(tab).click_and_hold(frame).move_by_offset(120, 90).release().perform()
    ActionChains(tab).click_and_hold(frame).move_by_offset(120, 90).release().perform()
    assert transforms(tab)[0][4:] == [0, 0]


def test_two_fingers_zoom(tab):
    frame = element_of(tab, ".panes .frame")
    tab.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    box = tab.execute_script(
        "const r = arguments[0].getBoundingClientRect(); return [r.x, r.y, r.width, r.height]", frame
    )
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    tab.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    for kind, apart in (("touchStart", 20), ("touchMove", 30), ("touchMove", 40), ("touchEnd", None)):
        points = (
            [] if apart is None else [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        )
        tab.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    tab.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert transforms(tab)[0][0] == pytest.approx(2, abs=0.1)


def test_keys_zoom_move_and_reset(tab):
    panes = element_of(tab, ".panes")
    keys(tab, panes, "+")
    assert transforms(tab)[0][0] == pytest.approx(1.25)
    assert element_of(tab, "[data-scale]").text == "125 %"
    before = transforms(tab)[0][4]
    keys(tab, panes, Keys.ARROW_RIGHT)
    assert transforms(tab)[0][4] < before
    keys(tab, panes, "-0")
    assert transforms(tab)[0] == [1, 0, 0, 1, 0, 0]


def test_the_wipe_slider_compares_two_images_by_pointer_and_keys(tab):
    element_of(tab, "[data-mode=wipe]").click()
    assert not element_of(tab, ".panes").is_displayed()
    handle, frame = element_of(tab, "[role=slider]"), element_of(tab, ".wipe .frame")
    tab.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    assert handle.get_attribute("aria-valuenow") == "50"
    keys(tab, handle, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.PAGE_UP)
    assert handle.get_attribute("aria-valuenow") == "64"
    clip = "return getComputedStyle(document.querySelector('[data-layer=left]')).clipPath"
    assert tab.execute_script(clip) == "inset(0px 36% 0px 0px)"
    ActionChains(tab).click_and_hold(handle).move_by_offset(-frame.size["width"] // 4, 0).release().perform()
    assert float(handle.get_attribute("aria-valuenow")) == pytest.approx(39, abs=1)
    keys(tab, handle, Keys.HOME)
    assert handle.get_attribute("aria-valuenow") == "0"


def test_the_wipe_takes_any_two_and_zooms_with_the_rest(tab):
    element_of(tab, "[data-mode=wipe]").click()
    right = element_of(tab, "[data-layer=right] img")
    before = right.get_attribute("src")
    Select(element_of(tab, "[data-side=right]")).select_by_visible_text("Average")
    assert right.get_attribute("src") != before
    assert right.get_attribute("src") == element_of(tab, ".pane[data-column='5'] img").get_attribute("src")
    keys(tab, element_of(tab, ".wipe .frame"), "++")
    assert [matrix[0] for matrix in transforms(tab, ".wipe")] == pytest.approx([1.5625] * 2)
    element_of(tab, "[data-mode=grid]").click()
    assert [matrix[0] for matrix in transforms(tab)] == pytest.approx([1.5625] * 6)


def test_every_control_is_reached_by_the_tab_key(tab):
    seen = set()
    ActionChains(tab).send_keys(Keys.TAB).perform()
    for _ in range(80):
        mark = "const e = document.activeElement; return e.dataset.filter !== undefined ? 'filter' : e.getAttribute('role') || e.dataset.zoom || e.dataset.mode || e.name || e.tagName"
        seen.add(tab.execute_script(mark))
        ActionChains(tab).send_keys(Keys.TAB).perform()
    assert {"filter", "group", "profile", "listbox", "grid", "in", "reset", "SUMMARY", "region"} <= seen


def test_a_phone_scrolls_down_only(tab):
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    tab.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        for mode in ("wipe", "grid"):
            tab.execute_script(f"document.querySelector('[data-mode={mode}]').click()")
            tab.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            assert tab.execute_script("return [document.documentElement.scrollWidth, innerWidth]") == [
                390,
                390,
            ]
    finally:
        tab.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_print_shows_every_board_and_no_controls(tab):
    tab.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert all(board.is_displayed() for board in every(tab, ".board"))
        assert not any(tools.is_displayed() for tools in every(tab, ".tools, nav, .picker"))
    finally:
        tab.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_page_follows_the_dark_setting(tab):
    background = "return getComputedStyle(document.body).backgroundColor"
    light = tab.execute_script(background)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    tab.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
    try:
        assert tab.execute_script(background) != light
    finally:
        tab.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_policy_lets_no_other_script_and_no_request_through(browser, page):
    browser.get(page.as_uri())
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    browser.execute_script(
        "fetch('data:text/plain,x').then(() => { window.fetched = 1; }, () => { window.refused = 1; })"
    )
    assert browser.execute_script("return window.ran") is None
    assert (
        browser.execute_async_script("const done = arguments[0]; setTimeout(() => done(window.refused), 200)")
        == 1
    )
    assert "Content Security Policy" in " ".join(entry["message"] for entry in browser.get_log("browser"))
