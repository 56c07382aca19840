"""Figures to explore: what a page and a notebook get, and how a page behaves."""

import html
import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pages
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from bs4 import BeautifulSoup

from book import bundle
from dsf.interactive import Interactive, _apart, trace_style
from dsf.looks import VARIANTS
from dsf.mixers import MIXERS

STATIC = bundle.ROOT / "book" / "static"
LIBRARY = next((STATIC / "plotly").glob("*.min.js"))
HEAD = ["mixer", "accuracy"]


def sample(chance: str = "chance", **more: Any) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=[4, 16, 64],
        y=[0.5, math.nan, 0.9],
        error_y={"array": [0.1, math.nan, 0.02], "arrayminus": [0.2, math.nan, 0.01]},
        name="Linear </script> attention",
        mode="lines+markers",
        hovertext=["first", "second", "third"],
        hoverinfo="text",
        **trace_style("linear"),
        **more,
    )
    figure.add_scatter(
        x=[4, 16, 64],
        y=[0.3, 0.4, 0.5],
        name="Hollow",
        mode="lines+markers",
        visible="legendonly",
        **trace_style("normalized_sigmoid"),
    )
    line = {"color": "#767676", "dash": "dot"}
    figure.add_scatter(x=[4, 64], y=[0.125] * 2, name=chance, mode="lines", line=line)
    figure.update_xaxes(type="log", title="n", tickvals=[4, 16, 64], range=[0.5, 1.9])
    figure.update_yaxes(title="accuracy", range=[0, 1])
    return figure


def sample_html(**more: Any) -> str:
    alt = "Accuracy against state expansion, one line."
    return Interactive(sample(**more), alt, "Some runs.", (HEAD, [["linear", "0.500"]])).html()


# --- what it is made of --------------------------------------------------------------------------


def test_page_holds_picture_table_and_the_figure_itself() -> None:
    page = BeautifulSoup(sample_html(), "html.parser")
    assert page.img
    assert page.img["alt"] == "Accuracy against state expansion, one line."
    assert str(page.img["src"]).startswith("data:image/svg+xml")
    assert [cell.text for cell in page.select("th, td")] == [*HEAD, "linear", "0.500"]
    assert page.figcaption
    assert page.figcaption.text == "Some runs."
    (script,) = page.select("script")
    figure = json.loads(script.text)  # JSON: no NaN
    assert figure["data"][0]["name"] == "Linear </script> attention"
    assert figure["data"][0]["y"] == [0.5, None, 0.9]
    assert [trace["meta"] for trace in figure["data"]] == ["■", "♦", "●"]
    assert "template" not in figure["layout"]


def test_picture_shows_what_is_visible_at_first() -> None:
    svg = Interactive(sample(), "alt", "caption", (HEAD, [])).picture()
    # Matplotlib writes each text, drawn as paths, into a comment.
    texts = set(re.findall(r"<!-- (.*?) -->", svg))
    assert {"chance", "accuracy", "n", "4", "16", "64"} <= texts
    assert "Hollow" not in texts


@pytest.mark.parametrize(
    ("renderer", "own"), [("plotly_mimetype", True), ("colab", False), ("browser", True)]
)
def test_notebooks_show_what_plotly_shows(
    monkeypatch: pytest.MonkeyPatch, renderer: str, own: bool
) -> None:
    monkeypatch.setattr(pio.renderers, "_default_name", renderer)
    monkeypatch.setattr(pio.renderers, "_default_renderers", [pio.renderers[renderer]])
    figure = sample()
    data = Interactive(figure, "alt", "caption", (HEAD, []))._repr_mimebundle_()
    assert ("dsf-plotly" in data["text/html"]) == own
    if renderer == "plotly_mimetype":
        assert data["application/vnd.plotly.v1+json"]["data"][0]["x"] == [4, 16, 64]


def test_what_looks_like_mark_up_in_a_name_is_part_of_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pio.renderers, "_default_renderers", [pio.renderers["plotly_mimetype"]])
    name = '<b>a</b> & <a href="https://example.org">$\\frac$</a>'
    table = ([name, "n"], [[name, name]])
    figure = sample()
    figure.data[0].name = name
    shown = Interactive(figure, alt=name, caption=name, table=table)
    page = BeautifulSoup(shown.html(), "html.parser")
    assert page.img
    assert page.img["alt"] == page.figcaption.text == name
    assert [cell.text for cell in page.select("th, td")] == [name, "n", name, name]
    assert page.select("b, a") == []
    (script,) = page.select("script")
    assert json.loads(script.text)["data"][0]["name"] == name
    assert "$\\frac$" in shown.picture()  # as a formula it would be an error
    live = shown._repr_mimebundle_()["application/vnd.plotly.v1+json"]["data"][0]["name"]
    assert "<" not in live
    assert html.unescape(live) == name
    assert figure.data[0].name == name


@pytest.mark.parametrize(
    "trace",
    [
        go.Bar(x=[1], y=[1], name="bar"),
        go.Scatter(x=[1], y=[1], mode="lines", line_color="red"),
        go.Scatter(x=[1], y=[1], name="a", line_color="red"),
        go.Scatter(x=[1], y=[1], name="a", mode="lines"),
        go.Scatter(x=[1], y=[1], name="a", mode="lines", line={"color": "red", "dash": "1px"}),
        go.Scatter(x=[1], y=[1], name="a", mode="markers", line_color="red", marker_symbol="y-up"),
    ],
)
def test_a_trace_that_pages_cannot_draw_is_refused(trace: Any) -> None:
    with pytest.raises(ValueError, match=r"figure\.data\[1\] is .*expected a scatter trace"):
        Interactive(go.Figure([sample().data[0], trace]), "alt", "caption", (HEAD, []))


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"table\[1\]\[1\] has 1 cells, expected 2"):
        Interactive(sample(), "alt", "caption", (HEAD, [["a", "1"], ["b"]]))


def test_mixers_differ_without_color_and_variants_keep_their_color() -> None:
    styles = {mixer: trace_style(mixer) for mixer in MIXERS}
    symbols = [style["marker"]["symbol"] for style in styles.values()]
    assert len(set(symbols)) == len(symbols)
    for variant, own in VARIANTS.items():
        assert trace_style(variant)["line"]["color"] == trace_style(own)["line"]["color"]
    with pytest.raises(ValueError, match="nothing"):
        trace_style("nothing")


def test_the_library_is_the_published_one() -> None:
    assert LIBRARY.name in (STATIC / "interactive.js").read_text(encoding="utf-8")
    try:
        package = bundle.npm_package("plotly.js-basic-dist-min")
    except bundle.PackageMissingError as error:
        pytest.skip(f"not compared: {error}")
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    assert LIBRARY.name == f"plotly-basic-{version}.min.js"
    assert LIBRARY.read_bytes() == (package / "plotly-basic.min.js").read_bytes()


# --- in a browser, from a file -------------------------------------------------------------------

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Figure</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style><script defer src="{script}"></script></head>
<body><main><h1>Figure</h1><div style="height: {above}px"></div>{figure}
<div style="height: 900px"></div></main></body></html>"""
Visit = Callable[..., Any]


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Visit]:
    """Open a page with the figure; any problem fails the test. `page.requests` has its requests."""
    problems: list[str] = []
    contexts = []

    def open_page(
        above: int = 0, drawn: bool = True, chance: str = "chance", **options: Any
    ) -> Any:
        text = PAGE.format(
            style=(STATIC / "book.css").read_text(encoding="utf-8"),
            script=(STATIC / "interactive.js").as_uri(),
            above=above,
            figure=sample_html(chance=chance),
        )
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.requests = []
        page.on("console", lambda m: m.type == "error" and problems.append(m.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda r: r.url.startswith("data:") or page.requests.append(r.url))
        page.goto(path.as_uri())
        if drawn:
            page.locator(".dsf-chart .main-svg").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


browsing = pytest.mark.browser


def lines(page: Any) -> int:
    return int(page.locator(".dsf-chart .scatterlayer .trace").count())


@browsing
def test_the_library_is_fetched_once_the_reader_comes_near(visit: Visit) -> None:
    page = visit(above=4000, drawn=False)
    page.wait_for_timeout(300)
    assert LIBRARY.as_uri() not in page.requests
    assert page.locator(".dsf-still").is_visible()
    page.locator("figure").scroll_into_view_if_needed()
    page.locator(".dsf-chart .main-svg").first.wait_for()
    assert not page.locator(".dsf-still").is_visible()
    assert page.requests[-1] == LIBRARY.as_uri()
    assert all(address.startswith("file:") for address in page.requests)


@browsing
def test_a_mark_under_the_pointer_tells_its_numbers(visit: Visit) -> None:
    page = visit()
    mark = page.locator(".scatterlayer .point").first.bounding_box()
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    page.locator(".hoverlayer .hovertext", has_text="first").wait_for()


@browsing
def test_a_name_that_looks_like_mark_up_is_shown_as_it_is(visit: Visit) -> None:
    name = "<i>chance</i> &amp; more than fifteen letters"
    page = visit(chance=name)
    assert page.get_by_label(name).is_checked()
    mark = page.locator(".scatterlayer .trace").last.bounding_box()
    page.mouse.move(mark["x"] + 1, mark["y"] + mark["height"] / 2)
    page.locator(".hovertext .name", has_text=name).wait_for()


@browsing
def test_the_keyboard_chooses_lines_and_resets_them(visit: Visit) -> None:
    page = visit()
    assert lines(page) == 2
    boxes = page.locator("input[type=checkbox]")
    assert [boxes.nth(i).is_checked() for i in range(3)] == [True, True, False]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelectorAll('.scatterlayer .trace').length === 1")
    for key in ("Tab", "Tab", "Tab", "Space", "Tab", "Space"):  # past Reset, into what is folded
        page.keyboard.press(key)
    page.wait_for_function("document.querySelectorAll('.scatterlayer .trace').length === 2")
    page.get_by_role("button", name="Reset").press("Enter")
    page.wait_for_function("!document.querySelectorAll('input')[2].checked")
    assert boxes.nth(0).is_checked()
    assert lines(page) == 2


@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_few_lines_have_their_names_beside_them(visit: Visit, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    names = page.locator(".annotation-text")
    assert names.all_text_contents() == ["■ Linear </script> attention", "– chance"]
    tops = [names.nth(k).bounding_box()["y"] for k in range(2)]
    assert tops[0] < tops[1] - 14, "in the order of the ends, none over another"
    page.get_by_text("More lines").click()
    page.get_by_label("Hollow").check()
    page.locator(".annotation-text", has_text="Hollow").wait_for()
    page.get_by_label("chance").uncheck()
    page.wait_for_function("document.querySelectorAll('.annotation-text').length === 2")


@browsing
def test_on_a_phone_the_boxes_name_the_lines(visit: Visit) -> None:
    page = visit(viewport={"width": 360, "height": 740})
    assert page.locator(".annotation-text").count() == 0
    box, chart = page.locator("fieldset").bounding_box(), page.locator(".dsf-chart").bounding_box()
    assert box["height"] < chart["height"]


@pytest.mark.parametrize("count", [6, 7])
def test_a_still_names_few_lines_where_they_end_and_many_in_a_legend(count: int) -> None:
    figure = go.Figure()
    for k in range(count):
        line = {"color": "#767676"}
        figure.add_scatter(x=[1, 2], y=[0, k], name=f"line {k}", mode="lines", line=line)
    shown = Interactive(figure, "alt", "caption", (HEAD, []))
    assert ('id="legend_1"' in shown.picture()) == (count > 6)
    assert {f"line {k}" for k in range(count)} <= set(
        re.findall(r"<!-- (.*?) -->", shown.picture())
    )


def test_names_that_would_cover_each_other_are_moved_apart_in_their_order() -> None:
    heights = _apart([0.98, 0.1, 1.0, 0.99, 0.12])
    assert [heights.index(height) for height in sorted(heights)] == [1, 4, 0, 3, 2]
    ordered = sorted(heights)
    assert all(b - a > 0.05 for a, b in pairwise(ordered))
    assert ordered[-1] <= 1


@browsing
def test_reset_takes_an_enlargement_back(visit: Visit) -> None:
    page = visit()
    ticks = page.locator(".xaxislayer-above text")
    before = ticks.all_text_contents()
    box = page.locator(".dsf-chart .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelectorAll('.xaxislayer-above text').length === 1")
    page.get_by_label("chance").uncheck()
    assert ticks.all_text_contents() != before, "choosing lines must not undo the enlargement"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelectorAll('.xaxislayer-above text').length === 3")
    assert ticks.all_text_contents() == before


@browsing
def test_without_script_picture_and_table_are_there(visit: Visit) -> None:
    page = visit(java_script_enabled=False, drawn=False)
    assert page.locator(".dsf-still").is_visible()
    page.locator("summary").click()
    assert page.locator("td", has_text="0.500").is_visible()


@browsing
def test_without_the_library_the_picture_stays(browser: Any, tmp_path: Path) -> None:
    script = tmp_path / "interactive.js"  # beside which no library lies
    script.write_bytes((STATIC / "interactive.js").read_bytes())
    text = PAGE.format(style="", script=script.as_uri(), above=0, figure=sample_html())
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with page.expect_event("requestfailed"):
        page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_timeout(200)
    assert page.locator(".dsf-still").is_visible()
    assert not page.locator("fieldset").count()
    assert errors == []
    page.close()


@browsing
def test_a_figure_that_cannot_be_read_is_reported_and_leaves_its_neighbor_alone(
    browser: Any, tmp_path: Path
) -> None:
    good = sample_html()
    state = re.search(r'<script type="application/json">(.*?)</script>', good, re.S)
    assert state
    figures = good.replace(state[1], "{") + good
    script = (STATIC / "interactive.js").as_uri()
    text = PAGE.format(style="", script=script, above=0, figure=figures)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    page.locator("figure.dsf-plotly").nth(1).locator(".main-svg").first.wait_for()
    assert page.locator("figure.dsf-plotly").nth(0).locator(".dsf-still").is_visible()
    assert len(errors) == 1
    assert "JSON" in errors[0]
    page.close()


@browsing
def test_paper_shows_the_picture(visit: Visit) -> None:
    page = visit()
    page.emulate_media(media="print")
    assert page.locator(".dsf-still").is_visible()
    assert not page.locator(".dsf-chart").is_visible()
    assert not page.locator("fieldset").is_visible()


def wait_for_ink(page: Any) -> None:
    """Until the chart has the ink of the text."""
    ink = "getComputedStyle(document.querySelector('.xtick text')).fill"
    page.wait_for_function(f"{ink} === getComputedStyle(document.body).color")


@browsing
def test_the_chart_follows_the_colors_of_the_page(visit: Visit) -> None:
    page = visit(color_scheme="light")

    def fits(scheme: str) -> None:
        wait_for_ink(page)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", paper))) > 3 * 128) == (scheme == "light")

    fits("light")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    fits("dark")
    page.evaluate("delete document.documentElement.dataset.theme")
    fits("light")
    page.emulate_media(color_scheme="dark")
    fits("dark")


@browsing
def test_a_finger_scrolls_the_page_and_not_the_chart(visit: Visit) -> None:
    size = {"width": 360, "height": 740}
    still = {"reduced_motion": "reduce"}  # no smooth scrolling of the page by itself
    page = visit(above=500, viewport=size, has_touch=True, is_mobile=True, **still)
    page.locator(".dsf-data").evaluate("node => { node.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate("document.querySelector('.dsf-chart').scrollIntoView({block: 'end'})")
    before = page.evaluate("scrollY")
    ticks = page.locator(".yaxislayer-above text").all_text_contents()
    session = page.context.new_cdp_session(page)
    box = page.locator(".dsf-chart .nsewdrag").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 20
    for k in range(12):  # a finger that moves up
        kind = "touchStart" if k == 0 else "touchMove"
        points = [{"x": x, "y": y - 20 * k}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > before + 100
    assert page.locator(".yaxislayer-above text").all_text_contents() == ticks


@browsing
def test_axe_finds_nothing(visit: Visit, axe: str) -> None:
    for width in (1000, 360):
        page = visit(viewport={"width": width, "height": 800})
        page.locator(".dsf-data").evaluate("node => { node.open = true; }")
        page.evaluate(axe)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wait_for_ink(page)
            violations = page.evaluate(pages.AXE.format("'figure'"))
            assert [violation["id"] for violation in violations] == [], (width, scheme)
