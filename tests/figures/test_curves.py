"""Names on curves, the MQAR explorer, softmax and its stand-ins: what they say is true."""

import itertools
import json
import math
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from contrast import contrast
from test_widgets_browser import unfold, visit  # noqa: F401

from book import bundle
from book.stills import with_stills
from dsf import ARCHITECTURES, models, results, widgets
from dsf.looks import VARIANTS
from dsf.mixers import TITLES
from dsf.widgets.base import number
from dsf.widgets.runs import SEQUENCES, Plain

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


@pytest.mark.parametrize("room", [0, 150])
def test_a_name_may_belong_at_the_end_of_a_line_wherever_that_is(room: float) -> None:
    frame = {"left": 0, "top": 0, "bottom": 200, "right": 290, "room": room}
    ends = ((90, 40), (120, 150), (280, 100), (285, 104), (285, 108), (288, 111))
    lines = [{"title": "n = 32", "end": True, "points": [[0, 190], [*at]]} for at in ends]
    [found] = places(([*lines, {"title": "level", "points": [[0, 100], [290, 100]]}], frame))
    for (x, y), spot in zip(ends, found, strict=False):
        assert spot is not None
        assert abs(spot["y"] - y) <= 56, "five names of 14 pixels end there"
        assert spot["x"] > x if x < 200 or room else spot["x"] > 200
    boxes = [(spot["x"], spot["y"]) for spot in found if spot]
    for (x, y), (u, v) in itertools.combinations(boxes, 2):
        assert abs(x - u) >= 45 or abs(y - v) >= 12


# --- the MQAR explorer ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded() -> widgets.MQARExplorer:
    return widgets.MQARExplorer()


def curve(shown: widgets.MQARExplorer, line: str, d: int = 64, pairs: int = 8) -> dict[int, Plain]:
    own = [c for c in shown.cells if (c["line"], c["d"], c["K"]) == (line, d, pairs)]
    return {c["n"]: c for c in own}


def agree(cell: Plain) -> bool:
    return max(cell["accuracy"]) - min(cell["accuracy"]) < 0.1


def mean(cell: Plain) -> float:
    return sum(cell["accuracy"]) / len(cell["accuracy"])


def test_what_to_try_holds_at_every_place_of_the_slider(recorded: widgets.MQARExplorer) -> None:
    assert "choose linear attention and take n from its lowest to" in recorded.caption()
    linear, softmax = (curve(recorded, name) for name in ("linear", "softmax"))
    assert list(linear) == sorted(linear)
    best = [max(cell["accuracy"]) for cell in linear.values()]
    worst = [min(cell["accuracy"]) for cell in linear.values()]
    assert best == sorted(best), "nearer with every step, never back"
    assert worst == sorted(worst)
    close = [mean(linear[n]) > mean(softmax[n]) - 0.02 for n in linear]
    assert close == sorted(close), "once it is as good it stays so"
    assert (close[0], close[-1]) == (False, True)
    assert best[0] < mean(softmax[4]) - 0.4


def test_the_finding_says_from_which_n_on_a_line_is_as_good_as_softmax(
    recorded: widgets.MQARExplorer,
) -> None:
    lines = [("linear", "own"), ("normalized", "own"), ("ssd", "own"), ("s6", "slow")]
    lines += [("ssd", "slow"), ("s4d", "own"), ("rg_lru", "own")]
    shown = [widgets.MQARExplorer(mixer=mixer, start=start, n=4) for mixer, start in lines]
    softmax = curve(recorded, "softmax")
    for widget, page in zip(shown, with_stills([w.html() for w in shown]), strict=True):
        own = curve(recorded, widget.chosen()["line"])
        assert widget.lines[widget.chosen()["line"]]["start"] == widget.start

        def is_good(n: int, own: dict[int, Plain] = own) -> bool:
            rival = softmax[max((m for m in softmax if m <= n), default=min(softmax))]
            return agree(own[n]) and mean(own[n]) > mean(rival) - 0.02

        good = [n for n in own if all(is_good(m) for m in own if m >= n)]
        within = "within 0.02 of softmax attention."
        if not good:
            wanted = f"At no recorded n is it {within}"
        elif good == [max(own)]:
            wanted = f"At n = {max(own)}, its largest, it is {within}"
        else:
            wanted = f"From n = {min(good)} on it is {within}"
        assert wanted in page


def test_it_begins_with_softmax_and_what_guessing_scores(recorded: widgets.MQARExplorer) -> None:
    [page] = with_stills([recorded.html()])
    names = re.findall(r'class="dsf-name"[^>]*><text[^>]*>([^<]*)</text>', page)
    (task,) = (task for task in recorded.tasks if task["K"] == 8)
    hint = f"hint of the position {task['hint']:.3f}"
    assert names == ["Softmax attention", "chance 0.125", hint]
    assert recorded.drawn == ""
    assert (recorded.d, recorded.chosen()["K"], recorded.chosen()["n"]) == (64, 8, 4)


def test_titles_are_words(recorded: widgets.MQARExplorer) -> None:
    assert recorded.lines["ssd from slow"]["title"] == "SSD (Mamba-2), slow start"
    assert recorded.lines["s6 for 4000 steps"]["title"] == "S6 (Mamba), four times the steps"
    assert recorded.lines["s6"]["from"] == "Mamba's poles and steps"
    names = ("title", "name", "from", "for")
    words = " ".join(look[name] for look in recorded.lines.values() for name in names)
    assert "_" not in words
    assert "slow poles, long steps" not in words, "a link cannot ask for a comma"


def test_all_records_of_the_teaching_task_are_drawn(recorded: widgets.MQARExplorer) -> None:
    wanted = [
        cell
        for cell in results.cells(
            run
            for name in ("mqar", "starts", "rates", "sizes", "maps")
            if name in results.names()
            for run in results.recorded(name)
        )
        if results.alike(cell.config, free=["d_model", "num_kv_pairs", "start", "steps"])
    ]
    assert len(recorded.cells) == len(wanted)
    assert {cell.config["start"] for cell in wanted} > {"", "slow", "slow poles, long steps"}


def test_what_is_carried_is_what_the_model_hands_on(recorded: widgets.MQARExplorer) -> None:
    window = 3 * 64  # of a convolution over four tokens
    carried = {name: curve(recorded, name)[4]["carried"] for name in ("linear", "normalized")}
    assert carried == {"linear": 4 * 64 + 4 + window, "normalized": 4 * 64 + window}
    assert curve(recorded, "softmax")[4]["carried"] == 64 * (4 + 64) + window
    assert curve(recorded, "rg_lru")[1]["carried"] == 64 + window


def test_the_course_of_a_run_ends_where_its_record_does(recorded: widgets.MQARExplorer) -> None:
    cell = curve(recorded, "linear for 4000 steps")[4]
    assert cell["every"] == 50
    runs_of = [
        run
        for run in results.recorded("mqar")
        if results.alike(run.config, steps=4000, mixer="linear", n=4)
        and run.config["learning_rate"] == cell["rate"]
    ]
    assert len(runs_of) == len(cell["history"]) == 3
    for run, history in zip(
        sorted(runs_of, key=lambda run: run.seed), cell["history"], strict=True
    ):
        assert len(history) == len(run.result["history"])
        assert history[-1] == round(1000 * run.result["validation_accuracy"])


def test_seeds_that_do_not_agree_have_no_mean(recorded: widgets.MQARExplorer) -> None:
    apart = curve(recorded, "s6")[16]
    assert not agree(apart)
    widget = widgets.MQARExplorer(mixer="s6", n=16)
    [page] = with_stills([widget.html()])
    (task,) = (task for task in widget.tasks if task["K"] == 8)
    learnt = sum(x > task["hint"] + 0.05 for x in apart["accuracy"])
    assert learnt < 3
    said = re.search(r'<p class="dsf-finding">([^<]*)', page)[1]  # type: ignore[index]
    assert f"{learnt} of 3 learnt to bind" in said
    assert number(mean(apart)) not in said
    lone = [agree(cell) for _, cell in sorted(curve(recorded, "linear").items())]
    assert set(lone) == {False, True}
    [page] = with_stills([widgets.MQARExplorer(mixer="linear").html()])
    pieces = sum(map(all, itertools.pairwise(lone)))
    assert page.count('class="dsf-line"') == pieces, "between neighbours that both have a mean"
    assert page.count('class="dsf-mark"') == sum(lone) + 1, "the means, and the key of the name"


@pytest.mark.parametrize("line", ["linear", "s6 from slow", "softmax"])
def test_the_finding_says_when_runs_begin_to_bind(
    recorded: widgets.MQARExplorer, line: str
) -> None:
    look = recorded.lines[line]
    widget = widgets.MQARExplorer(mixer=look["mixer"], start=look["start"], n=16, axis="step")
    cell, hint = widget.chosen(), next(t["hint"] for t in widget.tasks if t["K"] == 8)
    assert cell["line"] == line
    first = [next(k for k, x in enumerate(h) if x / 1000 > hint + 0.05) for h in cell["history"]]
    steps = sorted({50 * (k + 1) for k in first})
    words = " and ".join(filter(None, [", ".join(map(str, steps[:-1])), str(steps[-1])]))
    [page] = with_stills([widget.html()])
    assert f"its seeds begin to bind by step {words}." in page


def test_a_line_is_refused_that_was_not_run(cells: list[results.Cell]) -> None:
    with pytest.raises(Exception, match="drawn is 'softmax \\+ s4d', expected one of"):
        widgets.MQARExplorer(cells, drawn="softmax + s4d")
    with pytest.raises(Exception, match="start is 'fast', expected one of 'own', 'slow'"):
        widgets.MQARExplorer(cells, start="fast")


def test_at_most_four_lines_are_drawn_the_last_ones_added(recorded: widgets.MQARExplorer) -> None:
    drawn = "softmax + linear + normalized + s4d + s6"
    [page] = with_stills([widgets.MQARExplorer(mixer="ssd", drawn=drawn).html()])
    assert page.count("dsf-series") == 4
    said = re.search(r'aria-label="Test accuracy, along[^"]*"', page)[0]  # type: ignore[index]
    assert "SSD (Mamba-2), S6 (Mamba), S4D, Normalised attention." in said


# --- what the model does


def test_weights_and_answers_are_those_of_the_model(recorded: widgets.MQARExplorer) -> None:
    task = next(task for task in recorded.tasks if task["K"] == 8)
    inputs = torch.tensor([one["tokens"] for one in task["sequences"]])
    assert [(m["line"], m["n"]) for m in recorded.models] == [
        *(("linear", n) for n in (4, 16, 64)),
        *(("normalized", 4), ("softmax", 4), ("ssd from slow", 4)),
    ]
    for name, shown in zip(sorted(models.names(), key=place), recorded.models, strict=True):
        model, config = models.trained(name)
        assert (config.mixer, config.n) == (shown["line"].split()[0], shown["n"])
        block = model.blocks[0]
        with torch.no_grad():
            answers = model(inputs).argmax(-1)
            z = block.conv(block.norm(model.embedding(inputs)))
            skip = getattr(block.mixer, "skip", torch.zeros(64))
            # Φ read off the mixer itself: what an impulse in channel 0 of token j gives at i.
            u = block.mixer.u(z)
            system = block.mixer.system(z)
            for k, one in enumerate(task["sequences"]):
                places = sorted(at for found in one["asked"] for at in found)
                assert shown["reads"][k]["answers"] == answers[k, places].tolist()
                for at, row in zip(places, shown["reads"][k]["rows"], strict=True):
                    assert len(row["shares"]) == at + 1
                    assert max(map(abs, row["shares"])) == 100
                    weights = torch.tensor(row["shares"]) * row["most"] / 100
                    y = system.run(u)[k, at] - skip * u[k, at]
                    off = (weights @ u[k, : at + 1] - y).abs().max()
                    assert off <= 0.006 * row["most"] * u[k, : at + 1].abs().sum(0).max()


def place(name: str) -> tuple[str, int]:
    line, n = name.rsplit("-", 1)
    return line, int(n)


def test_the_model_of_the_chosen_line_and_n_is_shown_and_named() -> None:
    def page_of(**state: Any) -> str:
        [page] = with_stills([widgets.MQARExplorer(**state).html()])
        return re.search(r'<p class="dsf-told">([^<]*)', page)[1]  # type: ignore[index]

    assert "The model: Softmax attention, n = 4, 0.997 on" in page_of()
    assert "n = 4, 0.527 on" in page_of(mixer="linear") or "n = 4, 0.526 on" in page_of(
        mixer="linear"
    )
    assert "Linear attention, n = 64, 0.993 on" in page_of(mixer="linear", n=64)
    assert "n = 16, the nearest that comes with the figure" in page_of(mixer="linear", n=32)
    assert "SSD (Mamba-2), slow start, n = 4" in page_of(mixer="ssd", start="slow")
    assert "No trained model" in page_of(mixer="ssd")
    assert "No trained model" in page_of(mixer="softmax", pairs=4)
    assert "No trained model" in page_of(mixer="softmax", d=32)


def test_the_answers_that_are_marked_right_are_right(recorded: widgets.MQARExplorer) -> None:
    shown = [widgets.MQARExplorer(mixer="linear", seed=seed) for seed in range(SEQUENCES)]
    for widget, page in zip(shown, with_stills([w.html() for w in shown]), strict=True):
        task = next(task for task in widget.tasks if task["K"] == 8)
        one = task["sequences"][widget.seed]
        model = next(m for m in widget.models if (m["line"], m["n"]) == ("linear", 4))
        places = sorted(at for found in one["asked"] for at in found)
        given = dict(zip(places, model["reads"][widget.seed]["answers"], strict=True))
        wanted = []
        for at in places:
            pair = next(j for j, found in enumerate(one["asked"]) if at in found)
            right = given[at] == one["tokens"][2 * pair + 1]
            wanted.append(f"{given[at]} {'✓' if right else '✗'}")
        assert re.findall(r'class="dsf-answer"[^>]*>([^<]*)<', page) == wanted
        count = sum("✓" in text for text in wanted)
        assert f"Of 8 questions {count} are right." in page


def test_the_largest_weight_is_said_to_be_on_what_stands_there() -> None:
    shown = [
        widgets.MQARExplorer(mixer=mixer, pair=pair, seed=seed)
        for mixer in ("linear", "softmax")
        for pair in range(8)
        for seed in range(2)
    ]
    kinds = set()
    for widget, page in zip(shown, with_stills([w.html() for w in shown]), strict=True):
        task = next(task for task in widget.tasks if task["K"] == 8)
        tokens, asked = task["sequences"][widget.seed].values()
        model = next(m for m in widget.models if (m["line"], m["n"]) == (widget.mixer, 4))
        places = sorted(at for found in asked for at in found)
        row = model["reads"][widget.seed]["rows"][places.index(asked[widget.pair][0])]["shares"]
        at = max(range(len(row)), key=lambda j: abs(row[j]))
        j, odd = divmod(at - 1, 2)
        if at in (0, 2 * widget.pair) or at > 16:
            continue
        own = j == widget.pair
        value = "its value" if own else f"the value of {tokens[2 * j]}"
        behind = "" if odd == 0 else "right behind "
        kinds.add((own, bool(behind)))
        said = re.search(r'<p class="dsf-told">([^<]*)', page)[1]  # type: ignore[index]
        assert f" stands on {tokens[at]}, {behind}{value}" in said
        assert ("which the convolution holds there too." in said) == bool(behind)
    assert len(kinds) >= 3


# --- by hand


def lines(page: Any) -> list[str]:
    """The names of the lines that are drawn, without what guessing scores."""
    found: list[str] = page.locator(".dsf-live .dsf-name text").all_text_contents()
    names = [name.removesuffix("×") for name in found]
    return sorted(name for name in names if not name.startswith(("chance", "hint")))


@pytest.mark.browser
def test_a_reader_adds_lines_and_takes_them_away(visit: Visit) -> None:  # noqa: F811
    page = visit(widgets.MQARExplorer().html())
    chosen = page.get_by_role("combobox", name="Architecture")
    assert lines(page) == ["Softmax attention"]
    for count, name in enumerate(("linear", "ssd", "s6"), 2):
        chosen.select_option(name)
        assert len(lines(page)) == count, "what was drawn stays"
    chosen.select_option("s4d")
    assert lines(page) == ["Linear attention", "S4D", "S6 (Mamba)", "SSD (Mamba-2)"]
    unfold(page)
    page.get_by_role("button", name="Take away: Linear attention").press("Enter")
    assert lines(page) == ["S4D", "S6 (Mamba)", "SSD (Mamba-2)"]
    chosen.select_option("s6")
    page.get_by_role("combobox", name="Start").select_option("slow")
    assert lines(page) == ["S4D", "S6 (Mamba)", "S6 (Mamba), slow start", "SSD (Mamba-2)"]
    page.locator(".dsf-live .dsf-name", has_text="S4D").click()
    assert lines(page) == ["S6 (Mamba)", "S6 (Mamba), slow start", "SSD (Mamba-2)"]
    page.locator(".dsf-live .dsf-name", has_text="slow start").click()
    assert "S6 (Mamba), slow start" in lines(page), "the chosen line stays"
    page.get_by_role("button", name="Reset").press("Enter")
    assert lines(page) == ["Softmax attention"]
    assert chosen.input_value() == "softmax"


@pytest.mark.browser
@pytest.mark.parametrize("kind", [widgets.MQARExplorer, widgets.MQARLab], ids=["mqar", "lab"])
def test_a_trait_has_one_control_of_its_name(visit: Visit, kind: Any) -> None:  # noqa: F811
    """So that a link that sets it lights that one."""
    page = visit(kind().html())
    controls = page.locator(".dsf-live [class*=dsf-field-]")
    classes = controls.evaluate_all("all => all.flatMap((of) => [...of.classList])")
    named = [name for name in classes if name.startswith("dsf-field-")]
    assert "dsf-field-mixer" in named
    assert len(named) == len({*named})


@pytest.mark.browser
def test_variants_stand_beside_the_architecture_that_they_are_of(visit: Visit) -> None:  # noqa: F811
    page = visit(widgets.MQARExplorer().html())
    chosen = page.get_by_role("combobox", name="Architecture")
    run = {cell["line"] for cell in widgets.MQARExplorer().cells}
    titles = [known.title for name, known in ARCHITECTURES.items() if name in run]
    assert chosen.locator("option").all_text_contents() == titles
    unfold(page)
    variant = page.get_by_role("combobox", name="Variant")
    assert variant.is_disabled(), "softmax attention has none"
    chosen.select_option("normalized")
    variants = [name for name, of in VARIANTS.items() if of == "normalized" and name in run]
    wanted = {TITLES[name] for name in ("normalized", *variants)}
    assert {*variant.locator("option").all_text_contents()} == wanted
    variant.select_option("unnormalized")
    assert chosen.input_value() == "normalized"
    assert "Unnormalised attention" in lines(page)
    variant.select_option("normalized")
    finding = page.locator(".dsf-live .dsf-finding").text_content()
    assert finding.startswith("Normalised attention, n = 4: ")


@pytest.mark.browser
def test_another_architecture_begins_at_its_own_start(visit: Visit) -> None:  # noqa: F811
    page = visit(widgets.MQARExplorer(mixer="s6", start="slow").html())
    finding = page.locator(".dsf-live .dsf-finding")
    assert finding.text_content().startswith("S6 (Mamba), slow start, n = 4: ")
    page.get_by_role("combobox", name="Architecture").select_option("ssd")
    assert finding.text_content().startswith("SSD (Mamba-2), n = 4: ")


@pytest.mark.browser
def test_every_axis_can_be_chosen(visit: Visit) -> None:  # noqa: F811
    page = visit(widgets.MQARExplorer(mixer="linear", drawn="softmax").html())
    axis, finding = page.get_by_role("combobox", name="Along"), page.locator(".dsf-finding").first
    texts = page.locator(".dsf-live .dsf-phi text")
    axis.select_option("carried")
    assert "numbers carried" in texts.all_text_contents()
    assert "it carries 452 numbers; softmax attention, n = 4, 4 544" in finding.text_content()
    axis.select_option("step")
    assert "training step" in texts.all_text_contents()
    assert page.locator(".dsf-live .dsf-series polyline.dsf-line").count() == 6, "every seed"
    assert "begin to bind" in finding.text_content()
    assert page.locator(".dsf-live .dsf-entry:visible").count() == 0
    axis.select_option("n")
    assert page.locator(".dsf-live .dsf-entry:visible").count() == 1
    assert lines(page) == ["Linear attention", "Softmax attention"]


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
    assert names == {"mqar": 3, "softmax": 2}[kind.name], "every line has its name"
    bar = 56  # px of the bar above a page
    assert finding["y"] + finding["height"] - tops["y"] <= height - bar


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("line", ["linear + s4d + s6 from slow", "ssd + normalized + rg_lru"])
def test_lines_that_are_not_chosen_can_be_seen(
    visit: Visit,  # noqa: F811
    scheme: str,
    line: str,
) -> None:
    html = widgets.MQARExplorer(drawn=line, axis="step", n=16).html()
    page = visit(html, color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    found = page.evaluate(
        """() => [...document.querySelectorAll('.dsf-live .dsf-series .dsf-line')].map(line => {
             let opacity = 1;
             for (let node = line; node; node = node.parentElement)
               opacity *= Number(getComputedStyle(node).opacity);
             return [getComputedStyle(line).stroke, opacity];
           })"""
    )
    assert len(found) == 4 * 3
    for stroke, opacity in found:
        assert opacity == 1
        assert contrast(stroke, paper) >= 3
    ink = page.evaluate("getComputedStyle(document.querySelector('.dsf-live .dsf-name text')).fill")
    assert contrast(ink, paper) >= 4.5
