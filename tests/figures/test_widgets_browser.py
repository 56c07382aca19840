"""The figures in a browser: a page from a file, no kernel, no network."""

import functools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pages
import pytest
from layers import layers

from book import bundle
from book.stills import with_stills
from dsf import looks, widgets
from dsf.results import Cell
from dsf.widgets.base import number
from dsf.widgets.explorer import IN_PAGE
from dsf.widgets.hook import Hook

pytestmark = pytest.mark.browser
KINDS = {kind.name: kind for kind in (getattr(widgets, name) for name in widgets.__all__)}
DRAWN = [name for name in KINDS if name != "family"]  # which is a table with boxes to tick
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Figures</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>{book}</style><style>{style}</style>{scripts}</head>
<body><main><h1>Figures</h1>{figures}</main></body></html>"""
FEATURE_MAPS = {f"map-{name}": color for name, color in looks.FEATURE_MAP_COLORS.items()}
Visit = Callable[..., Any]


def write_page(folder: Path, *figures: str) -> Path:
    book = bundle.ROOT / "book" / "static" / "book.css"
    names = [*dict.fromkeys(re.findall(r'data-widget="(\w+)"', "".join(figures)))]
    late = [bundle.TRAINER] if "lab" in names else []
    for name in (*names, *late):
        shutil.copyfile(bundle.STATIC / f"{name}.js", folder / f"{name}.js")
    if late:
        bundle.write_models(folder)
    text = PAGE.format(
        book=book.read_text(encoding="utf-8"),
        style=(bundle.STATIC / "widgets.css").read_text(encoding="utf-8"),
        scripts="".join(f'<script defer src="{name}.js"></script>' for name in names),
        figures="".join(figures),
    )
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Visit]:
    """Open a page with these figures; any problem and any request to a host fails the test."""
    problems: list[str] = []
    contexts = []

    def open_page(*figures: str, address: str = "", **options: Any) -> Any:
        path = write_page(tmp_path, *figures)
        options.setdefault("viewport", {"width": 1000, "height": 900})
        if 'data-widget="hero"' in "".join(figures):  # it would play and change its picture
            options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(5000)
        page = context.new_page()
        page.on("console", lambda m: m.type == "error" and problems.append(m.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda r: (
                r.url.startswith(("file:", "data:", "blob:"))
                or problems.append(f"asks for {r.url}")
            ),
        )
        page.goto(path.as_uri() + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")


# What the live figure draws and writes, without the controls and what is spoken later.
PIXELS = """() => [...document.querySelectorAll('.dsf-live > :not(.dsf-controls, .dsf-spoken)')]
             .map(node => node.outerHTML).join('')"""


def pixels(page: Any) -> str:
    return str(page.evaluate(PIXELS))


def shown_table(page: Any) -> list[list[str]]:
    rows = page.locator(".dsf-live .dsf-data tbody tr")
    return [rows.nth(i).locator("th, td").all_text_contents() for i in range(rows.count())]


def controls(page: Any) -> list[Any]:
    found = page.locator(".dsf-live :is(input, select, button)")
    return [found.nth(i) for i in range(found.count())]


def move(control: Any) -> None:
    """Turn a control as a reader would, by keyboard where that is the native way."""
    tag = control.evaluate("node => node.tagName")
    kind = control.get_attribute("type")
    if tag == "SELECT":
        values = control.evaluate("node => [...node.options].map(option => option.value)")
        now = control.input_value()
        control.select_option(next(value for value in values if value != now))
    elif kind == "range":
        at_end = control.evaluate("node => node.valueAsNumber === Number(node.max)")
        control.press("ArrowLeft" if at_end else "ArrowRight")
    elif kind == "text":
        control.fill("another text")
        control.press("Enter")
    elif kind == "checkbox":
        control.press("Space")
    else:
        control.press("Enter")


@pytest.mark.parametrize("name", KINDS)
def test_figure_comes_to_life_and_shows_the_same_numbers(visit: Visit, name: str) -> None:
    widget = KINDS[name]()
    page = visit(widget.html())
    assert page.locator(".dsf-live").is_visible()
    assert not page.locator(".dsf-still").is_visible()
    assert page.locator("figcaption").is_visible()
    assert not page.locator(".dsf-problem:visible").count()
    table = widget.table()
    assert shown_table(page) == (table[2] if table else shown_table(page))


@pytest.mark.parametrize("script", [True, False])
def test_lines_and_cells_have_the_colors_of_the_looks(visit: Visit, script: bool) -> None:
    kinds = (widgets.DecayAndMemory, widgets.FeatureMapGallery, widgets.DSFExplorer)
    page = visit(*with_stills([kind().html() for kind in kinds]), java_script_enabled=script)
    part = ".dsf-live" if script else ".dsf-still"
    colors = {"normalized": looks.COLORS["normalized"], **FEATURE_MAPS, "ssd": looks.COLORS["ssd"]}
    for name, color in colors.items():
        line = page.locator(f"{part} .dsf-line.dsf-{name}").first
        assert hexed(line, "stroke") == color
    for name, color in (("pos", looks.PLUS), ("neg", looks.MINUS)):
        cell = page.locator(f"{part} .dsf-heat .dsf-{name}").first
        assert hexed(cell, "fill" if script else "stroke") == color
        assert not script or hexed(cell, "stroke") == "none"


def hexed(locator: Any, name: str) -> str:
    """A computed colour as CSS files write it, or none."""
    said = locator.evaluate("(node, name) => getComputedStyle(node)[name]", name)
    parts = re.findall(r"\d+", said)
    return "#" + "".join(f"{int(part):02x}" for part in parts) if parts else str(said)


@functools.cache
def still(name: str) -> str:
    """The figure as it begins, with its picture, as a page has it."""
    [text] = with_stills([KINDS[name](figure_id="it").html()])
    return text


@pytest.mark.parametrize("name", KINDS)
def test_live_figure_begins_with_what_the_still_shows(visit: Visit, name: str) -> None:
    page = visit(still(name))
    for selector in (".dsf-finding", ".dsf-data table", ".dsf-note", ".dsf-panel-title"):
        texts = [
            page.locator(f"{part} {selector}").all_text_contents()
            for part in (".dsf-live", ".dsf-still")
        ]
        hints = page.locator(".dsf-hint").all_text_contents()
        live = [text.replace(hint, "") for text in texts[0] for hint in hints or ["\0"]]
        assert set(texts[1]) <= set(live)
        assert texts[1] or not texts[0]


@pytest.mark.parametrize("name", KINDS)
def test_every_control_has_a_name_and_changes_the_picture(visit: Visit, name: str) -> None:
    page = visit(KINDS[name]().html())
    unfold(page)
    index = 0
    while index < len(controls(page)):  # another task may have fewer lines to choose from
        control = controls(page)[index]
        index += 1
        if not control.is_visible() or not control.is_enabled():
            continue
        if control.evaluate("node => node.textContent") == "Reset":
            continue
        if control.get_attribute("aria-pressed") == "true":
            continue
        # What leaves as a file or leads to another control changes no picture.
        if control.evaluate("node => node.matches('.dsf-edit, .dsf-lab-files button')"):
            continue
        label = control.evaluate(
            "node => node.labels?.[0]?.textContent || node.textContent || node.ariaLabel || ''"
        )
        assert label.strip()
        before = pixels(page)
        move(control)
        page.wait_for_function(f"before => ({PIXELS})() !== before", arg=before)


@pytest.mark.parametrize("name", KINDS)
def test_keyboard_reaches_every_control(visit: Visit, name: str) -> None:
    page = visit(KINDS[name]().html())
    unfold(page)
    wanted = sum(control.is_visible() and control.is_enabled() for control in controls(page))
    reached = set()
    for _ in range(wanted + 12):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => [...document.querySelectorAll('.dsf-live :is(input, select, button)')]
                 .indexOf(document.activeElement)"""
        )
        if place >= 0:
            reached.add(place)
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style != "none"
    assert len(reached) == wanted


@pytest.mark.parametrize("name", KINDS)
def test_reset_brings_back_the_first_picture(visit: Visit, name: str) -> None:
    page = visit(KINDS[name]().html())
    unfold(page)
    first = pixels(page)
    move(page.locator(".dsf-live input:is([type=range], [type=checkbox]):enabled").first)
    page.wait_for_function(f"first => ({PIXELS})() !== first", arg=first)
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function(f"first => ({PIXELS})() === first", arg=first)


@pytest.mark.parametrize("name", KINDS)
def test_without_script_the_first_state_is_there(visit: Visit, name: str) -> None:
    page = visit(still(name), java_script_enabled=False)
    pictures = page.locator(".dsf-still .dsf-picture")
    boxes = [pictures.nth(i).bounding_box() for i in range(pictures.count())]
    assert max(box["width"] for box in boxes) > 300
    least = 45 if issubclass(KINDS[name], Hook) else 200 if name in DRAWN else 190
    assert max(box["height"] for box in boxes) > least
    assert page.locator(".dsf-finding").is_visible()
    assert page.locator("figcaption").is_visible()
    if page.locator(".dsf-still .dsf-data summary").count():
        page.locator(".dsf-still .dsf-data summary").click()
    assert page.locator(".dsf-still .dsf-data table").is_visible()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("script", [True, False])
def test_no_sideways_scrolling_on_a_phone(visit: Visit, name: str, script: bool) -> None:
    size = {"width": 360, "height": 740}
    page = visit(still(name), viewport=size, java_script_enabled=script)
    if script:
        unfold(page)
    edge = page.locator("main").bounding_box()
    assert edge["x"] + edge["width"] <= 360
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", KINDS)
def test_numbers_that_are_none_leave_the_first_picture_with_a_message(
    visit: Visit, name: str
) -> None:
    widget, good = KINDS[name](), still(name)
    state = re.search(r'<script type="application/json">(.*)</script>', good)
    assert state
    for broken in ("NaN", "", '{"n": NaN}', "{}", json.dumps(dict.fromkeys(widget.state(), -999))):
        page = visit(good.replace(state[1], broken))
        assert page.locator(".dsf-problem").first.is_visible()
        assert page.locator(".dsf-still .dsf-picture").first.is_visible()
        assert not page.locator(".dsf-live").count()


def test_a_figure_that_cannot_live_leaves_its_neighbor_alone(visit: Visit) -> None:
    good = widgets.DSFExplorer(figure_id="b").html()
    bad = good.replace('id="b"', 'id="a"').replace('"n":16', '"n":17')
    page = visit(bad, good)
    assert "n is 17" in page.locator("#a .dsf-problem").first.text_content()
    assert page.locator("#b .dsf-live").is_visible()


@pytest.mark.parametrize("name", KINDS)
def test_an_address_that_asks_too_much_is_told_so(visit: Visit, name: str) -> None:
    widget = KINDS[name](figure_id="it")
    trait = next(key for key, value in widget.state().items() if isinstance(value, int | float))
    for asked in (f"{trait}=1e9", f"{trait}=%E0%A4%A", f"{trait}=", "nothing=1", "__proto__=1"):
        page = visit(widget.html(), address=f"#it:{asked}")
        assert page.locator("#it > .dsf-problem").is_visible()
        assert page.locator(".dsf-live").is_visible()


@pytest.mark.parametrize("name", KINDS)
def test_the_address_keeps_the_state(visit: Visit, name: str) -> None:
    page = visit(KINDS[name](figure_id="it").html())
    move(page.locator(".dsf-live input:is([type=range], [type=checkbox]):enabled").first)
    page.wait_for_function("location.hash.includes('=')")
    # A mean over draws takes a while.
    whole = "!document.querySelector('.dsf-live').textContent.includes(': …')"
    page.wait_for_function(whole)
    drawn = pixels(page)
    page.reload()
    page.wait_for_function(f"drawn => ({PIXELS})() === drawn", arg=drawn)


@pytest.mark.parametrize("name", DRAWN)
def test_dark_pages_change_text_and_keep_the_colors(visit: Visit, name: str) -> None:
    texts = []
    for scheme in ("light", "dark"):
        page = visit(KINDS[name]().html(), color_scheme=scheme)
        texts.append(page.evaluate("getComputedStyle(document.querySelector('.dsf-live')).color"))
        fill = page.evaluate("getComputedStyle(document.querySelector('.dsf-live svg text')).fill")
        assert fill == texts[-1]
    assert texts[0] != texts[1]


@pytest.mark.parametrize("name", KINDS)
def test_axe_finds_nothing(visit: Visit, axe: str, name: str) -> None:
    for width, state in ((1000, {}), (360, {"architecture": "s4d", "input": "text"})):
        widget = KINDS[name](**(state if name == "explorer" else {}))
        page = visit(widget.html(), viewport={"width": width, "height": 800})
        unfold(page)
        page.evaluate(axe)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            violations = page.evaluate(pages.AXE.format("'figure'"))
            assert [violation["id"] for violation in violations] == [], (width, scheme)


@pytest.mark.parametrize("name", DRAWN)
def test_module_for_notebooks_follows_the_model_and_tells_it(visit: Visit, name: str) -> None:
    widget = KINDS[name]()
    page = visit("<div id='cell'></div><div id='other'></div>", reduced_motion="reduce")
    page.evaluate(
        """async ([source, state]) => {
             const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
             const { default: widget } = await import(url);
             const listeners = {};
             window.saved = 0;
             window.model = {
               get: (name) => state[name],
               set(name, value) {
                 if (state[name] === value) return;
                 state[name] = value;
                 for (const listener of listeners[`change:${name}`] ?? []) listener();
               },
               on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
               off: (event, listener) => listeners[event].delete(listener),
               save_changes: () => { window.saved += 1; },
             };
             window.left = () => Object.values(listeners).reduce((n, set) => n + set.size, 0);
             window.end = widget.render({ model, el: document.getElementById("cell") });
             const again = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
             const { default: other } = await import(again);
             other.render({ model, el: document.getElementById("other") })();
           }""",
        [(bundle.STATIC / f"{name}.mjs").read_text(encoding="utf-8"), widget.state()],
    )
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
    assert len(ids) == len(set(ids)), "two figures of a notebook share ids"
    slider = page.locator("#cell input[type=range]:enabled").first
    trait = slider.evaluate("node => node.closest('.dsf-field').className.split('-').pop()")
    before, place = widget.state()[trait], slider.input_value()
    move(slider)
    assert page.evaluate("name => model.get(name)", trait) != before
    assert page.evaluate("saved") == 1
    page.evaluate("([name, value]) => model.set(name, value)", [trait, before])
    back = "([node, place]) => node.value === place"
    page.wait_for_function(back, arg=[slider.element_handle(), place])
    assert page.evaluate("saved") == 1, "the figure must not answer what it is told"
    page.evaluate("end()")
    assert page.evaluate("left()") == 0, "a listener outlives the figure"


def test_a_new_address_moves_the_controls(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(figure_id="it").html())
    page.evaluate("location.hash = '#it:n=3,architecture=ssd'")
    page.wait_for_function(
        "document.querySelector('.dsf-field-n output').textContent === '3'"
        " && document.querySelector('.dsf-field-architecture select').value === 'ssd'"
    )


def test_an_address_keeps_what_it_does_not_name(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(figure_id="it", architecture="ssd", n=2).html())
    page.evaluate("location.hash = '#it:n=3'")
    page.wait_for_function("document.getElementById('it').dsfState().n === 3")
    page.evaluate("location.hash = '#it:time=4'")
    page.wait_for_function("document.getElementById('it').dsfState().time === 4")
    state = page.evaluate("document.getElementById('it').dsfState()")
    assert (state["architecture"], state["n"]) == ("ssd", 3)
    assert "n=3" in page.evaluate("location.hash")


# --- the explorer --------------------------------------------------------------------------------


def test_explorer_offers_the_architectures_that_live_in_the_page(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer().html())
    options = page.get_by_label("Architecture").locator("option")
    assert [options.nth(i).get_attribute("value") for i in range(options.count())] == [*IN_PAGE]


@pytest.mark.parametrize("name", IN_PAGE)
def test_explorer_shows_what_python_computes(visit: Visit, name: str) -> None:
    state = {"n": 5, "time": 11, "source": 6, "channel": 1}
    asked = "".join(f",{key}={value}" for key, value in state.items())
    start = widgets.DSFExplorer(figure_id="it")
    address = f"#it:shown=product,architecture={name},input=text{asked}"
    page = visit(start.html(), address=address)
    [layer] = layers([{"name": name, "kind": "text", "n": 5, "text": start.text}])
    wanted = number(float(layer.matrix()[1, 11, 6]))
    assert shown_table(page)[-1][-1] == wanted
    assert f"= {wanted}" in page.locator(".dsf-finding").text_content()


def test_explorer_plays_to_the_end_and_pauses(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(time=21).html())
    page.locator(".dsf-more summary").click()
    play = page.get_by_role("button", name="Play")
    play.click()
    page.get_by_role("button", name="Pause").wait_for()
    page.wait_for_function("document.querySelector('.dsf-field-time input').value === '23'")
    play.wait_for()  # it stopped by itself


def test_explorer_moves_only_by_hand_when_motion_is_unwanted(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(time=3).html(), reduced_motion="reduce")
    page.locator(".dsf-more summary").click()
    page.get_by_role("button", name="Step").click()
    page.wait_for_timeout(900)
    assert page.get_by_label("Step i").input_value() == "4"


def test_explorer_tells_the_ear_once_the_hand_rests(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(shown="write", time=3).html())
    spoken = page.locator(".dsf-spoken")
    slider = page.get_by_label("Step i")
    for _ in range(5):
        slider.press("ArrowRight")
    assert "Step 8" not in spoken.text_content()
    page.wait_for_function("document.querySelector('.dsf-spoken').textContent.startsWith('Step 8')")
    assert spoken.get_attribute("aria-live") == "polite"


def test_explorer_where_n_is_one_the_slider_says_so(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(architecture="rg_lru").html())
    slider = page.get_by_label("State expansion n")
    assert slider.is_disabled()
    assert slider.get_attribute("aria-valuetext") == "1, always"


# --- the MQAR explorer ---------------------------------------------------------------------------


def address(**state: object) -> str:
    return "#it:" + ",".join(f"{name}={quote(str(value))}" for name, value in state.items())


def test_mqar_says_what_python_says_of_every_cell(visit: Visit, cells: list[Cell]) -> None:
    page = visit(widgets.MQARExplorer(cells, figure_id="it").html())
    shown = widgets.MQARExplorer(cells)
    for k, cell in enumerate(shown.cells):
        look = shown.lines[cell["line"]]
        state = {name: look[name] for name in ("mixer", "start", "steps")}
        state |= {"n": cell["n"], "d": cell["d"], "pairs": cell["K"], "seed": k % 4, "pair": 1}
        for name, value in state.items():
            setattr(shown, name, value)
        page.evaluate("hash => { location.hash = hash }", address(**state))
        page.wait_for_function(
            "said => document.querySelector('.dsf-finding').textContent.startsWith(said)",
            arg=f"{look['title']}, n = {cell['n']}: ",
        )
        _, _, wanted = shown.table()
        assert shown_table(page) == wanted
        assert not page.locator(".dsf-problem:visible").count()


def test_mqar_views_share_what_is_chosen(visit: Visit) -> None:
    page = visit(widgets.MQARExplorer(mixer="linear", drawn="softmax", n=4).html())
    unfold(page)
    finding, told = page.locator(".dsf-finding"), page.locator(".dsf-live .dsf-told")
    assert finding.text_content().startswith("Linear attention, n = 4: ")
    mixer = page.get_by_role("combobox", name="Architecture")
    expansion = page.get_by_role("slider", name="State expansion n")
    ring = page.locator(".dsf-live .dsf-phi .dsf-entry")
    weights = "() => [...document.querySelectorAll('.dsf-live .dsf-weight')].map(w => w.outerHTML)"
    answers = page.locator(".dsf-live .dsf-answer")
    before, shaded, answered = (
        ring.bounding_box(),
        page.evaluate(weights),
        answers.all_inner_texts(),
    )
    expansion.press("End")
    assert finding.text_content().startswith("Linear attention, n = 64: ")
    assert expansion.get_attribute("aria-valuetext") == "64"
    assert ring.bounding_box()["x"] > before["x"]
    assert ring.bounding_box()["height"] < before["height"], "its seeds lie closer"
    assert "Linear attention, n = 64, " in told.text_content()
    assert page.evaluate(weights) != shaded
    assert answers.all_text_contents() != answered

    # A click on the point of softmax attention at n = 4.
    page.locator(".dsf-live .dsf-phi").scroll_into_view_if_needed()
    expansion.press("Home")
    middle = ring.bounding_box()["x"] + ring.bounding_box()["width"] / 2
    top = page.locator(".dsf-live .dsf-grid").nth(4).bounding_box()["y"]
    page.mouse.click(middle, top)
    assert finding.text_content().startswith("Softmax attention, n = 4: ")
    assert mixer.input_value() == "softmax"
    assert page.locator(".dsf-live .dsf-series").count() == 2, "both stay"
    assert "Softmax attention, n = 4, " in told.text_content()
    mixer.select_option("rg_lru")
    assert finding.text_content().startswith("RG-LRU (Griffin), n = 1: ")
    assert expansion.is_disabled()
    assert answers.count() == 0
    page.get_by_role("combobox", name="Pairs K").select_option("16")
    assert "was not run with 16 pairs at d = 64. " in finding.text_content()


def test_mqar_joins_a_key_to_its_question(visit: Visit) -> None:
    widget = widgets.MQARExplorer(pair=2)
    task = next(task for task in widget.tasks if task["K"] == 8)
    tokens, asked = task["sequences"][0].values()
    page = visit(widget.html())
    lit = page.locator(".dsf-lit text:not(.dsf-answer)")
    shaded = page.locator(".dsf-live .dsf-value[data-pair='5'] .dsf-weight")

    def expected(pair: int) -> list[str]:
        key, value = tokens[2 * pair : 2 * pair + 2]
        return [str(key), str(value), f"{key}?"]

    assert lit.all_text_contents() == expected(2)
    assert float(shaded.get_attribute("fill-opacity")) < 0.2
    question = page.locator(".dsf-question[data-pair='5']")
    question.hover()
    assert lit.all_text_contents() == expected(5)
    assert float(shaded.get_attribute("fill-opacity")) == 0.65, "where softmax looks"
    said = page.locator(".dsf-told")
    assert said.text_content().startswith(f"Key {tokens[4]}, ")
    question.click()
    page.mouse.move(2, 2)
    assert lit.all_text_contents() == expected(5)
    assert said.text_content().startswith(
        f"Key {tokens[10]}, value {tokens[11]}, asked {asked[5][0] - 10} tokens later. "
        "The question's largest weight, "
    )
    assert f" stands on {tokens[11]}, its value. The answer is {tokens[11]}, right." in (
        said.text_content()
    )
    unfold(page)
    assert page.get_by_label("Question about pair").input_value() == "5"
    assert page.locator(".dsf-join").count() == 1


def test_mqar_draws_accuracies_and_chance_at_their_heights(visit: Visit, cells: list[Cell]) -> None:
    widget = widgets.MQARExplorer(cells, mixer="softmax", n=64, drawn="linear")
    page = visit(widget.html())
    height = """selector => { const box = document.querySelector(selector).getBoundingClientRect();
                              return (box.top + box.bottom) / 2; }"""
    grid = page.locator(".dsf-phi .dsf-grid")
    zero, one = (grid.nth(k).bounding_box()["y"] for k in (0, 4))
    drawn = {
        selector: (page.evaluate(height, selector) - zero) / (one - zero)
        for selector in (
            ".dsf-phi .dsf-chance-0",
            ".dsf-phi .dsf-chance-1",
            ".dsf-phi .dsf-entry",
        )
    }
    mean = next(c.mean for c in cells if (c.config["n"], c.config["mixer"]) == (64, "softmax"))
    hint = widget.tasks[1]["hint"]
    assert list(drawn.values()) == pytest.approx([1 / 8, hint, mean], abs=0.005)  # one pixel
    # The seeds of linear attention at n = 4, which do not agree: a dot each, and no mean.
    path = page.locator(".dsf-aside .dsf-apart").get_attribute("d")
    frame = page.locator(".dsf-phi").bounding_box()["y"]
    found = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)h0", path)]
    scores = [c.scores for c in cells if c.config["mixer"] == "linear" and c.config["n"] == 64]
    wanted = sorted(scores[1])
    assert [(y + frame - zero) / (one - zero) for y in found[-3:]] == pytest.approx(
        wanted, abs=0.005
    )


def test_mqar_without_runs_says_so(visit: Visit) -> None:
    page = visit(widgets.MQARExplorer([]).html())
    assert page.locator(".dsf-live").get_by_text("No runs are recorded").is_visible()
    assert not page.locator(".dsf-live svg:visible").count()


def test_mqar_marks_runs_that_diverged(visit: Visit, cells: list[Cell]) -> None:
    page = visit(widgets.MQARExplorer(cells, mixer="s6", n=16).html())
    assert "diverged (3 of 3)" in page.locator(".dsf-finding").text_content()
    assert page.locator(".dsf-series text", has_text="✗").count() == 2


def test_mqar_told_of_what_was_not_run_keeps_its_picture(visit: Visit, cells: list[Cell]) -> None:
    html = widgets.MQARExplorer(cells, figure_id="it").html()
    for asked in (address(start="fast"), address(mixer="mlp"), address(drawn="softmax + mlp")):
        page = visit(html, address=asked)
        assert "expected one of" in page.locator(".dsf-live .dsf-problem").text_content()
        assert page.locator(".dsf-live .dsf-phi").is_visible()


# --- the approximation of softmax ----------------------------------------------------------------


@pytest.mark.parametrize("length", [16, 90])
def test_approximation_says_what_python_computes(visit: Visit, length: int) -> None:
    state = {"map": "positive_random", "doublings": 3, "length": length, "digits": 4, "seed": 5}
    widget = widgets.SoftmaxApproximation(figure_id="it", **state)
    asked = ",".join(f"{name}={value}" for name, value in state.items())
    page = visit(widgets.SoftmaxApproximation(figure_id="it").html(), address=f"#it:{asked}")
    unfold(page)
    error = number(100 * widget.error("positive_random", 3))
    page.wait_for_function(
        "words => document.querySelector('.dsf-finding').textContent.includes(words)",
        arg=f"n = 8: no output is off by more than {error} %",
    )
    note = page.locator(".dsf-live .dsf-note", has_text=f"exact (theorem): up to {length // 2} ")
    note.wait_for()
    assert shown_table(page) == widget.table()[2]
    assert f"‖Φ‖: up to {max(widget.ranks())} " in note.text_content()


def test_approximation_marks_ranks_that_are_older_than_the_sliders(visit: Visit) -> None:
    page = visit(widgets.SoftmaxApproximation(length=48).html())
    unfold(page)
    busy = page.locator(".dsf-note", has_text="Computing")
    page.locator(".dsf-live .dsf-note", has_text="exact (theorem): up to 24 ").wait_for()
    assert not busy.is_visible()
    stale = page.evaluate(
        """async () => {
             const slider = document.querySelector('.dsf-field-length input');
             slider.value = 120;
             slider.dispatchEvent(new Event('input', { bubbles: true }));
             await null;
             await null;
             return document.querySelector('.dsf-dim').textContent;
           }"""
    )
    assert "exact (theorem): up to 24 " in stale
    assert shown_table(page) == widgets.SoftmaxApproximation(length=120).table()[2]
    page.wait_for_function("!document.querySelector('.dsf-live .dsf-dim')")
    assert not busy.is_visible()
    assert page.locator(".dsf-note", has_text="exact (theorem): up to 60 ").count() == 1


def test_approximation_shows_the_slider_of_the_chosen_map(visit: Visit) -> None:
    page = visit(widgets.SoftmaxApproximation().html())
    unfold(page)
    order, features = page.get_by_label("Order p"), page.get_by_label("Features n")
    assert order.is_visible()
    assert not features.is_visible()
    page.get_by_label("Feature map").select_option("elu_plus_one")
    page.wait_for_function("document.querySelector('.dsf-field-order').hidden")
    assert features.is_visible()
    assert not order.is_visible()


# --- the key-value memory ------------------------------------------------------------------------

HERO = "document.querySelector('.dsf-live')"
PLACE = f"() => Number({HERO}.querySelector('input').value)"


def dots(page: Any) -> int:
    return int(page.locator(".dsf-live .dsf-question[fill-opacity='1']").count())


def test_taking_n_down_never_fills_a_dot_and_the_marks_are_those_of_the_draw(visit: Visit) -> None:
    for memory in ("linear", "softmax", "decay"):
        page = visit(widgets.KeyValueMemory(memory=memory, n=32).html())
        slider = page.get_by_label("Memory n")
        counts, marks = [], []
        while True:
            counts.append(dots(page))
            marks.append(page.locator(".dsf-live svg text", has_text="✓").count())
            if slider.input_value() == "0":
                break
            place = slider.input_value()
            slider.press("ArrowLeft")
            page.wait_for_function(f"place => ({PLACE})() < Number(place)", arg=place)
        assert counts == sorted(counts, reverse=True)
        assert marks == sorted(marks, reverse=True)
        assert len(counts) == 10
        assert counts[0] > counts[-1]


def test_it_plays_once_and_ends_where_it_began(visit: Visit) -> None:
    wanted = pixels(visit(widgets.KeyValueMemory(n=16).html()))
    page = visit(
        widgets.KeyValueMemory(n=16, figure_id="it").html(), reduced_motion="no-preference"
    )
    page.wait_for_selector(".dsf-playing")
    page.wait_for_selector(".dsf-live:not(.dsf-playing)", timeout=15_000)
    assert pixels(page) == wanted
    page.evaluate("scrollTo(0, 9999)")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(400)
    assert not page.locator(".dsf-playing").count()
    assert "=" not in page.evaluate("location.hash")


def test_it_yields_to_the_reader(visit: Visit) -> None:
    for touch in (
        lambda page: page.get_by_label("Memory n").press("ArrowRight"),
        lambda page: page.get_by_role("button", name="softmax").click(),
        lambda page: page.locator(".dsf-live .dsf-picture").click(),
        lambda page: page.evaluate("location.hash = '#it:n=4'"),
    ):
        page = visit(widgets.KeyValueMemory(figure_id="it").html(), reduced_motion="no-preference")
        page.wait_for_selector(".dsf-playing")
        touch(page)
        page.wait_for_selector(".dsf-live:not(.dsf-playing)", timeout=1000)
        n = page.evaluate("document.getElementById('it').dsfState().n")
        page.wait_for_function(
            f"n => {HERO}.querySelector('output').textContent === `${{n}}`", arg=n
        )


def test_it_does_not_play_for_who_wants_no_motion(visit: Visit) -> None:
    page = visit(widgets.KeyValueMemory().html())
    page.wait_for_timeout(400)
    assert not page.locator(".dsf-playing").count()
    assert dots(page) == 5
