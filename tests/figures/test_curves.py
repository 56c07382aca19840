"""Names on curves, the MQAR explorer, softmax and its stand-ins: what they say is true."""

import itertools
import json
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from contrast import contrast
from test_widgets_browser import unfold, visit  # noqa: F401

from book import bundle
from book.stills import with_stills
from dsf import results, widgets
from dsf.widgets.runs import Plain

Visit = Callable[..., Any]
GOAL = 0.01

# --- names on lines ------------------------------------------------------------------------------

PLACES = """
import { namePlaces } from "./dsf/widgets/js/names.js";
let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(([lines, frame]) => namePlaces(lines, frame))));
"""


def places(*charts: tuple[list[dict[str, Any]], dict[str, float]]) -> list[list[Plain | None]]:
    found: list[list[Plain | None]] = json.loads(
        bundle.run_node("--input-type=module", "--eval", PLACES, text=json.dumps(charts))
    )
    return found


def curves(count: int, width: float, chance: random.Random) -> list[dict[str, Any]]:
    """Lines that rise or fall over the whole width."""
    lines = []
    for k in range(count):
        heights = sorted((chance.uniform(0, 200) for _ in range(5)), reverse=chance.random() < 0.5)
        points = [[width * at / 4, y] for at, y in enumerate(heights)]
        lines.append({"title": "name of a line"[: 5 + k % 9], "points": points})
    return lines


@pytest.mark.parametrize("room", [0, 150])
def test_no_name_covers_another_and_none_leaves_the_chart(room: float) -> None:
    chance = random.Random(0)
    frame = {"left": 0, "top": 0, "bottom": 200, "right": 290, "room": room}
    charts = [(curves(count, 290, chance), frame) for count in range(1, 9) for _ in range(10)]
    for (lines, _), found in zip(charts, places(*charts), strict=True):
        boxes = []
        for line, spot in zip(lines, found, strict=True):
            if spot is None:
                continue
            wide = 6 * len(line["title"])
            assert spot["x"] >= 0
            assert spot["x"] + wide <= 290 + room
            assert -7 <= spot["y"] <= 214
            boxes.append((spot["x"], spot["x"] + wide, spot["y"]))
        for (a, b, y), (c, d, z) in itertools.combinations(boxes, 2):
            assert b <= c or d <= a or abs(y - z) >= 12
        if len(lines) <= 4:
            assert len(boxes) == len(lines), "four lines have their names, also on a phone"


def test_a_name_stands_beside_the_end_of_its_line_where_that_is_free() -> None:
    frame = {"left": 0, "top": 0, "bottom": 200, "right": 290, "room": 150}
    lines = [{"title": f"line {y}", "points": [[0, 100], [290, y]]} for y in (20, 90, 160)]
    [found] = places((lines, frame))
    assert [spot and (spot["x"] > 290, spot["y"]) for spot in found] == [
        (True, 20),
        (True, 90),
        (True, 160),
    ]


# --- the MQAR explorer ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded() -> widgets.MQARExplorer:
    return widgets.MQARExplorer()


def means(shown: widgets.MQARExplorer, mixer: str, d: int = 64) -> dict[int, float]:
    own = [c for c in shown.cells if (c["task"], c["mixer"], c["d"]) == (shown.task, mixer, d)]
    return {c["n"]: sum(c["accuracy"]) / len(c["accuracy"]) for c in own}


def test_what_to_try_holds_at_every_place_of_the_slider(recorded: widgets.MQARExplorer) -> None:
    assert "take n from its lowest to its highest value" in recorded.caption()
    linear, softmax = means(recorded, recorded.mixer), means(recorded, "softmax")
    assert recorded.mixer == "linear"
    assert list(linear) == sorted(linear)
    assert list(linear.values()) == sorted(linear.values()), "nearer with every step, never back"
    assert linear[min(linear)] < softmax[min(linear)] - 0.4
    assert linear[max(linear)] > softmax[max(linear)] - 0.02


def test_the_finding_says_from_which_n_on_a_mixer_is_as_good_as_softmax(
    recorded: widgets.MQARExplorer,
) -> None:
    mixers = ("linear", "normalized", "ssd", "s6", "s4d", "rg_lru")
    shown = [widgets.MQARExplorer(mixer=mixer, n=4) for mixer in mixers]
    softmax = means(recorded, "softmax")
    for widget, page in zip(shown, with_stills([w.html() for w in shown]), strict=True):
        own = means(recorded, widget.mixer)
        rival = {n: softmax[max((m for m in softmax if m <= n), default=min(softmax))] for n in own}
        good = [n for n in own if all(own[m] > rival[m] - 0.02 for m in own if m >= n)]
        wanted = (
            f"From n = {min(good)} on it is within 0.02 of softmax attention."
            if good
            else "At no recorded n is it within 0.02 of softmax attention."
        )
        assert wanted in page


def test_it_begins_with_two_lines_and_what_guessing_scores(recorded: widgets.MQARExplorer) -> None:
    [page] = with_stills([recorded.html()])
    assert page.count('class="dsf-line"') == 2
    task = recorded.tasks[recorded.task]
    for name in ("Softmax attention", "Linear attention", "value shown 0.125", "any value 0.016"):
        assert f">{name}</text>" in page
    assert f">by position {task['position']:.3f}</text>" in page
    assert task["K"] == 8


def test_titles_are_words(recorded: widgets.MQARExplorer) -> None:
    assert recorded.task == "8 pairs, 64 tokens, vocabulary 128"
    words = " ".join([*recorded.tasks, *(look["title"] for look in recorded.mixers.values())])
    assert "_" not in words
    assert (
        "4 pairs, 64 tokens, vocabulary 128, 2 layers, no convolution, learned positions" in words
    )


def test_a_mixer_is_refused_that_was_not_run(cells: list[results.Cell]) -> None:
    with pytest.raises(Exception, match="drawn is 'softmax \\+ s4d', expected one of"):
        widgets.MQARExplorer(cells, drawn="softmax + s4d")


def lines(page: Any) -> list[str]:
    """The colours of the lines that are drawn."""
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('.dsf-live .dsf-series')].map(g => g.style.color)"
    )
    return sorted(found)


@pytest.mark.browser
def test_a_reader_adds_lines_and_takes_them_away(visit: Visit) -> None:  # noqa: F811
    page = visit(widgets.MQARExplorer().html())
    assert len(lines(page)) == 2
    for count, name in enumerate(("ssd", "s6"), 3):
        page.get_by_role("combobox", name="Architecture").select_option(name)
        assert len(lines(page)) == count, "what was drawn stays"
    unfold(page)
    box = page.get_by_label("SSD (Mamba-2)", exact=True)
    assert box.is_checked()
    box.press("Space")
    assert box.evaluate("node => node === document.activeElement"), "the keyboard stays where it is"
    assert len(lines(page)) == 3
    for name in ("Softmax attention", "Linear attention"):
        page.get_by_label(name, exact=True).press("Space")
    last = page.get_by_label("S6 (Mamba)", exact=True)
    assert len(lines(page)) == 1
    assert last.is_disabled(), "one line is always drawn"
    page.get_by_role("button", name="Reset").press("Enter")
    assert len(lines(page)) == 2
    assert not last.is_checked()


# --- softmax and its stand-ins -------------------------------------------------------------------


@pytest.fixture(scope="module")
def needed() -> dict[tuple[int, float], int]:
    """The order from which on the error stays below 1 %, by seed and scale of the logits."""
    found = {}
    for seed in (0, 1, 2):
        for scale in (0.5, 1.0, 2.0):
            widget = widgets.SoftmaxApproximation(scale=scale, seed=seed)
            errors = [widget.error("taylor", p) for p in range(13)]
            good = [p for p in range(13) if all(error < GOAL for error in errors[p:])]
            found[seed, scale] = min(good, default=13)
    return found


def test_more_orders_are_enough_and_a_larger_scale_needs_more(
    needed: dict[tuple[int, float], int],
) -> None:
    assert "until the error stays below 1 %" in widgets.SoftmaxApproximation().caption()
    for seed in (0, 1, 2):
        small, first, large = (needed[seed, scale] for scale in (0.5, 1.0, 2.0))
        assert small < first < large
        assert first <= 12, "it can be reached from the first state"
        assert first > 4, "and is not there yet"


def test_the_finding_says_how_many_features_are_enough(
    needed: dict[tuple[int, float], int],
) -> None:
    shown = [widgets.SoftmaxApproximation(seed=seed, scale=scale) for seed, scale in needed]
    for widget, page in zip(shown, with_stills([w.html() for w in shown]), strict=True):
        p = needed[widget.seed, widget.scale]
        n = (p + 1) * (p + 2) // 2
        wanted = f"below 1 % from n = {n} on, order {p}." if p < 13 else "At no n up to 91"
        assert wanted in page
        bounded = widget.bound(12) < math.inf
        assert ("the theorem bounds no order up to 12" in page) != bounded


@pytest.mark.browser
def test_ranks_are_drawn_when_they_are_looked_at(visit: Visit) -> None:  # noqa: F811
    page = visit(widgets.SoftmaxApproximation(figure_id="it").html())
    ranks = page.locator(".dsf-live .dsf-note", has_text="exact (theorem)")
    assert "up to 16 " in ranks.text_content()
    page.evaluate("location.hash = '#it:length=20'")
    page.wait_for_function("document.querySelector('.dsf-field-length input').value === '20'")
    assert "up to 16 " in ranks.text_content(), "nobody looks"
    page.locator(".dsf-live .dsf-fold summary", has_text="ranks").press("Enter")
    page.locator(".dsf-live .dsf-note", has_text="exact (theorem): up to 10 ").wait_for()
    assert ranks.is_visible()
    page.get_by_label("Tolerance ε").press("ArrowRight")
    page.locator(".dsf-live .dsf-note", has_text="above 10⁻³").wait_for()


# --- both ----------------------------------------------------------------------------------------

BOTH = (widgets.MQARExplorer, widgets.SoftmaxApproximation)


@pytest.mark.browser
@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("size", [(1366, 768), (360, 740)])
def test_controls_picture_and_finding_fit_a_screen(
    visit: Visit,  # noqa: F811
    kind: type[Any],
    size: tuple[int, int],
) -> None:
    width, height = size
    page = visit(kind().html(), viewport={"width": width, "height": height}, has_touch=width < 400)
    assert page.locator(".dsf-live :is(input, select):visible").count() <= 3
    tops = page.locator(".dsf-live .dsf-controls").first.bounding_box()
    finding = page.locator(".dsf-live .dsf-finding").bounding_box()
    names = page.locator(".dsf-live .dsf-name:visible").count()
    assert names == {"mqar": 5, "softmax": 2}[kind.name], "every line has its name"
    bar = 56  # px of the bar above a page
    assert finding["y"] + finding["height"] - tops["y"] <= height - bar


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_that_are_not_chosen_can_be_seen(visit: Visit, scheme: str) -> None:  # noqa: F811
    names = " + ".join(name for name in widgets.MQARExplorer().mixers if "," not in name)
    page = visit(widgets.MQARExplorer(drawn=names).html(), color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    found = page.evaluate(
        """() => [...document.querySelectorAll('.dsf-live .dsf-series .dsf-line')].map(line => {
             let opacity = 1;
             for (let node = line; node; node = node.parentElement)
               opacity *= Number(getComputedStyle(node).opacity);
             return [getComputedStyle(line).stroke, opacity];
           })"""
    )
    assert len(found) > 10
    for stroke, opacity in found:
        assert opacity == 1
        assert contrast(stroke, paper) >= 3
    ink = page.evaluate("getComputedStyle(document.querySelector('.dsf-live .dsf-name text')).fill")
    assert contrast(ink, paper) >= 4.5
