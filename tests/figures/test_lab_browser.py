"""The laboratory of chapter 10 in a browser: a page from a file, under the book's policy."""

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from book import bundle
from book.stills import with_stills
from dsf import model, models, widgets
from dsf.architectures import ARCHITECTURES
from dsf.widgets.probe import probe

pytestmark = pytest.mark.browser
sphinx_pages = pytest.importorskip("book.sphinx.pages", reason="Sphinx is not installed")

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Laboratory</title>
<style>{style}</style><script defer src="lab.js"></script></head><body>{figure}</body></html>"""
TINY = {"length": 16, "pairs": 2, "d": 16, "steps": 100, "n": 4}
Visit = Callable[..., "Lab"]


class Lab:
    """A page with the figure."""

    def __init__(self, page: Any, asked: list[str]) -> None:
        self.page, self.asked = page, asked
        self.live = page.locator(".dsf-live")
        self.rows = page.locator(".dsf-runs tbody tr")

    def button(self, name: str) -> Any:
        return self.live.get_by_role("button", name=name, exact=True)

    def said(self, pattern: str) -> str:
        """What the figure finds, once it is like that."""
        self.page.wait_for_function(
            "of => new RegExp(of).test(document.querySelector('.dsf-finding').textContent)",
            arg=pattern,
        )
        return str(self.live.locator(".dsf-finding").text_content())

    def bet(self, option: str = "n = 8") -> None:
        self.button(option).click()

    def train(self) -> None:
        """Train to the end."""
        self.button("Train").click()
        self.said("step 100 of 100")
        self.button("Train").wait_for()  # it can begin again

    def trains_on(self) -> None:
        """Begin a run that does not end by itself, however slow the page is meanwhile."""
        if not self.page.locator(".dsf-more[open]").count():
            self.unfold()
        self.live.get_by_label("Steps", exact=True).select_option("5000")
        self.button("Train").click()
        self.said(r"step [1-9]\d* of 5000")

    def unfold(self) -> None:
        self.page.locator(".dsf-more summary").click()

    def frees(self) -> None:
        """Wait until no worker is left."""
        for _ in range(100):
            if self.page.workers:
                self.page.wait_for_timeout(100)
        assert self.page.workers == []

    def names(self) -> list[str]:
        fields = self.rows.get_by_role("textbox")
        return [fields.nth(k).input_value() for k in range(fields.count())]

    def column(self, place: int) -> list[float]:
        """Numbers of the table: accuracy, n, handed on, steps and loss are columns 1 to 5."""
        cells = self.rows.locator(f"td:nth-of-type({place})")
        return [float(text) for text in cells.all_text_contents()]


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Visit]:
    """Open the figure; any problem in the page fails the test."""
    contexts: list[Any] = []
    problems: list[str] = []

    def open_page(
        before: str = "", address: str = "", context: Any = None, trainer: bool = True, **state: Any
    ) -> Lab:
        figure = widgets.MQARLab(figure_id="it", **{**TINY, **state})
        [html] = with_stills([figure.html()])
        style = (bundle.STATIC / "widgets.css").read_text(encoding="utf-8")
        text = sphinx_pages.with_policy(lambda: PAGE.format(style=style, figure=html))
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        shutil.copyfile(bundle.STATIC / "lab.js", tmp_path / "lab.js")
        if trainer:
            shutil.copyfile(bundle.STATIC / "train.js", tmp_path / "train.js")
        if context is None:
            context = browser.new_context(viewport={"width": 800, "height": 900})
            context.set_default_timeout(60_000)
            contexts.append(context)
        if before:
            context.add_init_script(before)
        page = context.new_page()
        if trainer:
            page.on("console", lambda m: m.type == "error" and problems.append(m.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[-1]))
        page.goto((tmp_path / "page.html").as_uri() + address)
        return Lab(page, asked)

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def test_nothing_is_loaded_before_the_reader_has_bet_and_asked(visit: Visit) -> None:
    it = visit()
    assert it.button("Train").is_disabled()
    it.unfold()
    assert it.button("One step").is_disabled()
    assert not it.live.get_by_text("Your bet: n = 8.").count()
    it.bet()
    assert it.live.get_by_text("Your bet: n = 8.").is_visible()
    assert it.asked == ["page.html", "lab.js"]
    assert it.page.workers == []
    it.train()
    loaded = [name for name in it.asked if "." in name]
    assert loaded == ["page.html", "lab.js", "train.js"]
    it.page.reload()
    assert it.button("Train").is_enabled(), "a reader bets once"
    assert it.live.get_by_text("Your bet: n = 8.").is_visible()


def test_it_trains_pauses_goes_on_and_keeps_the_run(visit: Visit) -> None:
    it = visit(steps=1600)
    it.bet()
    it.button("Train").click()
    it.said(r"step [1-9]\d* of 1600, accuracy 0")
    it.button("Pause").click()
    assert "Paused." in it.said("Paused")
    it.page.wait_for_timeout(300)  # a step that was running has ended
    at = it.said("Paused")
    it.page.wait_for_timeout(500)
    assert it.said("Paused") == at
    assert it.rows.count() == 0
    it.unfold()
    step = int(re.search(r"step (\d+)", at)[1])  # type: ignore[index]
    it.button("One step").click()
    it.said(f"step {step + 1} of 1600.*Paused")
    it.button("Go on").click()
    last = it.said("step 1600 of 1600")
    assert it.names() == ["linear, n = 4, d = 16, K = 2, L = 16, 1600 steps"]
    accuracy = it.column(1)[0]
    assert f"accuracy {accuracy:.2f}" in last
    assert accuracy > 0.6, "above the half that guessing scores"
    told = it.live.locator(".dsf-told")
    it.page.wait_for_function(
        "() => document.querySelector('.dsf-told').textContent.includes('after 1600 steps')"
    )
    answers = it.live.locator(".dsf-answer").all_text_contents()
    right = sum("✓" in text for text in answers)
    assert told.text_content().startswith(f"{right} of {len(answers)} questions are right")
    assert it.live.locator(".dsf-lab-phi .dsf-heat rect").count() == 16 * 17 / 2
    assert it.live.locator(".dsf-lab-stored .dsf-heat rect").count() == 4 * 2
    note = it.live.locator(".dsf-note").first.text_content()
    assert "WebAssembly" in note
    assert "steps a second" in note


def test_another_set_up_ends_a_run_and_what_it_learnt_stays(visit: Visit) -> None:
    it = visit()
    it.bet()
    it.train()
    it.button("Train").click()
    assert it.said("step 100 of 100")
    it.page.wait_for_function("document.querySelectorAll('.dsf-runs tbody tr').length === 2")
    first, second = it.names()
    assert second == f"{first}, seed 1", "again is with another seed"
    it.trains_on()
    it.live.get_by_role("slider", name="State expansion n").press("ArrowRight")
    it.said("n = 8, untrained")
    assert re.search(r"n = 4, .*, 5000 steps, .*stopped at \d+", it.names()[2])
    it.live.get_by_label("Steps", exact=True).select_option("100")
    it.train()
    assert it.rows.count() == 4


def test_reloading_and_a_copied_address_bring_back_the_session(visit: Visit, browser: Any) -> None:
    it = visit()
    it.bet("none of these")
    it.unfold()
    it.live.get_by_label("Learning rate").select_option("0.03")
    it.train()
    it.page.wait_for_function("location.hash.includes('runs=')")
    shown, curve = it.rows.all_inner_texts(), it.live.locator(".dsf-line.dsf-linear").first
    points, names = curve.get_attribute("points"), it.names()
    address = it.page.evaluate("location.hash")
    for lab in (it, visit(address=address)):
        if lab is it:
            it.page.goto(it.page.url.split("#")[0] + "?again")
        assert lab.rows.all_inner_texts() == shown
        lab.said("a new model. The run in the table is kept as a curve, its weights are not")
        assert lab.names() == names
        assert lab.page.evaluate("document.getElementById('it').dsfState().rate") == 0.03
        again = lab.live.locator(".dsf-line.dsf-linear").first.get_attribute("points")
        wanted, found = (re.findall(r"[\d.]+", text) for text in (points, again))
        assert [float(x) for x in found] == pytest.approx([float(x) for x in wanted], abs=0.2)
        assert lab.live.get_by_text("Your bet first").count() == (lab is not it)


def test_a_link_that_sets_the_figure_wins_over_what_was_remembered(visit: Visit) -> None:
    it = visit()
    it.bet()
    it.live.get_by_label("Architecture").select_option("softmax")
    it.train()
    other = visit(address="#it:mixer=ssd", context=it.page.context)
    assert other.page.evaluate("document.getElementById('it').dsfState().mixer") == "ssd"
    assert other.page.evaluate("document.getElementById('it').dsfState().n") == 4
    assert other.rows.count() == 1, "the runs stay for comparison"
    same = visit(context=it.page.context)
    assert same.live.get_by_label("Architecture").input_value() in ("softmax", "ssd")


def test_one_click_trains_four_sizes_and_the_bet_is_answered(visit: Visit) -> None:
    it = visit()
    it.bet("n = 16")
    it.unfold()
    it.button("Train all four with these settings").click()
    assert it.button("Train all four with these settings").is_disabled()
    assert it.button("Train n = 4, 8, 16, 32").is_disabled()
    it.page.wait_for_function("document.querySelectorAll('.dsf-runs tbody tr').length === 4")
    assert it.column(2) == [4, 8, 16, 32]
    assert it.live.get_by_role("slider", name="State expansion n").input_value() == "5"
    assert it.live.get_by_text("Your bet: n = 16.").is_visible(), "these runs do not decide it"
    decided = visit(address=f"#it:runs={SERIES}", context=it.page.context)
    status = decided.live.locator(".dsf-bet")
    assert status.text_content().startswith(
        "✗ You bet that n = 16 is enough for 90 %. In your runs no n is: 52, 55, 57 and 58 % with "
        "n = 4, 8, 16 and 32. More features help, but not enough."
    )
    assert "In the record, 5 seeds each, it is none of the four" in status.text_content()
    assert not status.get_by_role("button").count()
    half = visit(address=f"#it:runs={SERIES.split('~')[0]}", context=it.page.context)
    status = half.live.locator(".dsf-bet")
    assert "Your runs leave it open: n = 8, n = 16 and n = 32" in status.text_content()
    record = status.get_by_text("In the record, 5 seeds each")
    assert not record.is_visible(), "before the reader asks for it"
    status.get_by_text("What the record says").click()
    assert record.is_visible()


SERIES = "~".join(
    f"linear_{n}_0_32_4_32_0.01_400_0_400_0__" + f"{letter}MDP" * 40
    for n, letter in ((4, "h"), (8, "j"), (16, "k"), (32, "l"))
)


@pytest.mark.parametrize("width", [360, 800])
def test_every_curve_has_its_name_at_its_end_and_none_covers_another(
    visit: Visit, browser: Any, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    it = visit(address=f"#it:runs={SERIES}", context=context, length=32, pairs=4, d=32, steps=400)
    it.bet()
    chart = it.live.locator(".dsf-lab-accuracy")
    names = chart.locator(".dsf-name")
    titles = names.all_text_contents()
    assert {*titles} >= {"n = 4", "n = 8", "n = 16", "n = 32"}
    assert len(titles) == 4 + 1 + 3, "the runs, the record and three levels"
    boxes = [names.nth(k).bounding_box() for k in range(len(titles))]
    for k, one in enumerate(boxes):
        assert one["x"] + one["width"] <= width
        for other in boxes[k + 1 :]:
            assert abs(one["y"] - other["y"]) >= 12 or one["x"] + one["width"] <= other["x"]
    lines = chart.locator("polyline.dsf-linear:not(.dsf-recorded)")
    ends = "all => all.map((of) => { const { right, top } = of.getBoundingClientRect();"
    drawn = lines.evaluate_all(ends + " return [right, top, getComputedStyle(of).stroke]; })")
    assert len({stroke for *_, stroke in drawn}) == 4, "a shade for each n"
    for (right, top, _), n in zip(drawn, (4, 8, 16, 32), strict=True):
        name = boxes[titles.index(f"n = {n}")]
        assert 0 <= name["x"] - right < 40
        assert abs(name["y"] + name["height"] / 2 - top) < 45
    context.close()


def test_a_name_wraps_on_a_phone_and_curves_of_another_task_fade(
    visit: Visit, browser: Any
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 900})
    usual = {"length": 32, "pairs": 4, "d": 32, "steps": 400}
    stopped = "linear_64_0_32_4_32_0.01_400_7_120_0__" + "aMDP" * 12
    it = visit(address=f"#it:runs={SERIES}~{stopped}", context=context, **usual)
    assert it.names()[4] == "linear, n = 64, seed 7, stopped at 120"
    cut = """all => all.map((of) => [of.scrollWidth > of.clientWidth,
      of.scrollHeight > of.clientHeight])"""
    assert it.rows.get_by_role("textbox").evaluate_all(cut) == [[False, False]] * 5
    table = it.live.locator(".dsf-runs").bounding_box()
    cell = it.rows.first.locator("td").first.bounding_box()
    assert cell["x"] + cell["width"] <= table["x"] + table["width"], "the accuracy is in sight"
    other = it.live.locator(".dsf-lab-accuracy polyline.dsf-other")
    assert other.count() == 0
    it.unfold()
    it.live.get_by_role("slider", name="Pairs K").press("ArrowRight")
    other.first.wait_for(state="attached")
    assert other.count() == 5
    context.close()


def test_runs_are_hidden_named_sorted_and_removed(visit: Visit) -> None:
    it = visit()
    it.bet()
    it.train()
    it.live.get_by_label("Architecture").select_option("softmax")
    it.train()
    curves = it.live.locator(".dsf-lab-accuracy .dsf-line.dsf-softmax")
    assert curves.count() == 2, "the curve, and the key of its name"
    it.rows.nth(1).get_by_role("checkbox").uncheck()
    it.page.wait_for_function("!document.querySelector('.dsf-lab-accuracy .dsf-line.dsf-softmax')")
    it.rows.nth(1).get_by_role("checkbox").check()
    name = it.rows.first.get_by_role("textbox")
    before = name.input_value()
    pencil = it.rows.first.get_by_role("button", name="Change the name of linear, n = 4")
    assert pencil.locator("svg").is_visible()
    pencil.press("Enter")
    it.page.keyboard.type("nothing")
    it.page.keyboard.press("Escape")
    assert name.input_value() == before, "what was there comes back"
    pencil.focus()
    it.page.keyboard.press("Space")
    it.page.keyboard.type("my own ~ run")
    it.page.keyboard.press("Enter")
    assert it.names()[0] == "my own   run"
    assert name.evaluate("field => field === document.activeElement"), "it can be gone on from"
    it.live.locator(".dsf-lab-accuracy text", has_text="my own   run").wait_for()
    for place, head in ((1, "accuracy"), (3, "handed on")):
        it.button(head).click()
        down = it.column(place)
        assert down == sorted(down, reverse=True)
        it.button(head).click()
        assert it.column(place) == sorted(down)
    it.rows.first.get_by_role("button", name="Remove").press("Enter")
    assert it.rows.count() == 1
    it.page.wait_for_timeout(500)  # the address follows
    it.page.reload()
    assert it.rows.count() == 1


def test_curves_and_weights_leave_as_files_and_come_back(visit: Visit, tmp_path: Path) -> None:
    it = visit(mixer="softmax")
    it.unfold()
    assert it.button("Curves (CSV)").is_disabled()
    assert it.button("Weights (safetensors)").is_disabled()
    it.bet()
    it.train()
    with it.page.expect_download() as download:
        it.button("Curves (CSV)").click()
    download.value.save_as(tmp_path / "runs.csv")
    rows = [*csv.DictReader((tmp_path / "runs.csv").open(encoding="utf-8"))]
    assert [int(row["step"]) for row in rows][-1] == 100
    assert round(float(rows[-1]["accuracy"]), 3) == it.column(1)[0]
    with it.page.expect_download() as download:
        it.button("Weights (safetensors)").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name.startswith("softmax-n-4-d-16")
    _, config = model.load(path)
    assert (config.mixer, config.n, config.steps) == ("softmax", 4, 100)
    told = it.live.locator(".dsf-told").text_content()

    other = visit()
    other.page.locator("input[type=file]").set_input_files(path)
    other.said("Softmax attention, n = 4, from a file")
    right = told.split(" after")[0]
    other.live.locator(".dsf-told", has_text=right).wait_for()
    assert other.button("Go on").is_disabled(), "first the bet"
    shipped = models.FOLDER / "linear-64.safetensors"
    other.page.locator("input[type=file]").set_input_files(shipped)
    other.said("Linear attention, n = 64, from a file")
    other.live.locator(".dsf-told", has_text="24 of 24 questions are right").wait_for()
    path.write_bytes(b"no such file")
    other.page.locator("input[type=file]").set_input_files(path)
    trouble = other.live.get_by_role("alert")
    assert "cannot be opened: it is no file in the safetensors format" in trouble.text_content()


def test_a_trained_model_of_the_record_is_loaded_when_it_is_chosen(
    visit: Visit, tmp_path: Path
) -> None:
    bundle.write_models(tmp_path)
    it = visit()
    it.unfold()
    choice = it.live.get_by_label("Trained models of the record")
    assert choice.input_value() == ""
    assert [*it.asked] == ["page.html", "lab.js"]
    told = it.live.locator(".dsf-lab-told")
    chart = it.live.locator(".dsf-lab-accuracy")
    for name in ("linear-4", "normalized-4", "softmax-4"):
        choice.select_option(name)
        trained, config = models.trained(name)
        title = ARCHITECTURES[config.mixer].title
        words = it.said(f"{title}, n = 4, a trained model of the record: 8 pairs in 64 tokens")
        changes = words.split(" Now ")[1:]
        if name == "linear-4":  # the first
            assert changes[0].startswith("d = 64, K = 8, L = 64, ")
            assert changes[0].endswith(", as in the chapter.")
        else:
            assert changes == []
        it.live.locator(".dsf-told", has_text="24 questions are right.").wait_for()
        assert choice.input_value() == name
        if name == "softmax-4":
            assert "has no features" in told.text_content()
            assert not it.live.locator(".dsf-lab-stored").is_visible()
            continue
        keys = it.live.locator(".dsf-token.dsf-key").all_text_contents()
        values = it.live.locator(".dsf-token.dsf-value text:first-of-type").all_text_contents()
        pairs = [int(x) for both in zip(keys, values, strict=True) for x in both]
        stored = probe(trained, torch.tensor(pairs + [0] * 48), 8)["stored"]
        shares = 100 * stored / stored.sum(0)
        it.live.locator(".dsf-token.dsf-key").nth(3).click()
        said = re.match(r"Key (\d+): (\d+) % in feature (\d)\..* has (\d+) %", told.text_content())
        assert said is not None
        assert [int(x) for x in said.groups()] == [
            *(int(keys[3]), round(float(shares[:, 3].max())), int(shares[:, 3].argmax())),
            round(float(shares.amax(0).mean())),
        ]
        assert it.live.locator(".dsf-lab-stored .dsf-heat rect").count() == 4 * 8
    it.bet()
    it.button("Go on").click()
    it.said("step [1-9]")
    it.button("Pause").click()
    assert chart.get_by_text("softmax, n = 4, record").is_visible(), "of no seed of the reader's"
    asked = [name for name in it.asked if name.endswith(".js")]
    wanted = [
        "lab.js",
        "model-linear-4.js",
        "train.js",
        "model-normalized-4.js",
        "model-softmax-4.js",
    ]
    assert asked == wanted
    it.live.get_by_role("slider", name="State expansion n").press("ArrowRight")
    it.said("n = 8, untrained")
    assert choice.input_value() == "", "it speaks of that model no more"


def test_a_model_that_does_not_come_is_told(visit: Visit) -> None:
    it = visit(trainer=False)
    it.unfold()
    it.live.get_by_label("Trained models of the record").select_option("ssd-slow-4")
    alert = it.live.get_by_role("alert")
    alert.wait_for()
    assert alert.text_content().startswith("SSD, slow, n = 4 cannot be opened: ")
    assert "model-ssd-slow-4.js cannot be loaded" in alert.text_content()
    choice = it.live.get_by_label("Trained models of the record")
    assert choice.input_value() == "", "it can be chosen again"


def test_a_hidden_page_pauses_and_a_closed_one_frees_all(visit: Visit) -> None:
    it = visit(steps=5000)
    it.bet()
    it.button("Train").click()
    it.said(r"step [1-9]\d* of 5000")
    hide = """hidden => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    it.page.evaluate(hide, True)
    it.said("Paused")
    it.page.wait_for_timeout(300)
    at = it.said("Paused")
    it.page.wait_for_timeout(300)
    assert it.said("Paused") == at
    it.page.evaluate(hide, False)
    it.button("Pause").wait_for()
    assert len(it.page.workers) == 1
    it.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    it.frees()
    assert "stopped at" in it.names()[0], "what it had learnt is kept"
    it.page.evaluate("document.body.replaceChildren()")


def test_the_page_holds_no_more_after_many_reports(visit: Visit) -> None:
    it = visit(steps=800)
    it.bet()
    it.button("Train").click()
    count = "document.querySelectorAll('*').length"
    it.said(r"step [34]\d\d of 800")
    early = it.page.evaluate(count)
    it.said("step 7[5-9]\\d of 800|step 800")
    assert it.page.evaluate(count) < early + 20
    assert len(it.page.workers) == 1


def test_the_record_waits_for_the_first_point_of_the_reader(visit: Visit) -> None:
    it = visit(length=32, pairs=4, d=32, steps=5000, n=8)
    it.unfold()
    recorded = it.live.locator(".dsf-lab-accuracy .dsf-recorded")
    table = it.live.locator(".dsf-data")
    steps = it.live.get_by_label("Steps", exact=True)
    for prepare in (lambda: None, it.bet, lambda: steps.select_option("400")):
        prepare()
        it.page.wait_for_timeout(50)
        assert recorded.count() == 0
        assert not table.is_visible()
    it.button("Train").click()
    it.said(r"step [1-9]\d* of 400, accuracy 0")
    assert table.is_visible()
    note = it.live.get_by_text(re.compile(r"steps a second, about \d+ s to go\."))
    note.wait_for()
    it.said(r"step ([4-9]\d|[1-3]\d\d) of 400")
    it.button("Pause").click()
    it.said("Paused")
    assert not note.count()
    it.page.wait_for_timeout(300)  # a step that was running has ended
    assert recorded.count() == 5 + 1, "five seeds, and the key of their name"
    ends = it.live.locator(".dsf-lab-accuracy").evaluate(
        """chart => [".dsf-recorded", ".dsf-linear:not(.dsf-recorded)", ".dsf-chance"]
             .map((of) => chart.querySelector("polyline" + of).getBoundingClientRect().right)"""
    )
    assert ends[0] <= ends[1] + 1 < ends[2], "not beyond what the reader has seen"
    chart = it.live.locator(".dsf-lab-accuracy")
    assert chart.get_by_text("PyTorch: linear, n = 8, five seeds").is_visible()
    it.live.get_by_role("slider", name="State expansion n").press("ArrowRight")
    it.said("n = 16, untrained")
    assert recorded.count() == 0, "of another n nothing was trained"


@pytest.mark.parametrize("missing", ["Worker", "WebAssembly"])
def test_where_nothing_can_be_trained_it_says_so_and_shows_the_record(
    visit: Visit, missing: str
) -> None:
    it = visit(f"delete window.{missing};", length=32, pairs=4, d=32, steps=400)
    alert = it.live.get_by_role("alert")
    assert alert.text_content() == (
        f"Nothing can be trained here: this browser has no {missing}. The curves are recorded runs."
    )
    assert it.button("Train").is_disabled()
    recorded = it.live.locator(".dsf-lab-accuracy .dsf-recorded")
    assert recorded.count() == 4 * 5 + 4, "five seeds of four sizes, and the keys of their names"
    assert not it.live.locator(".dsf-bet").is_visible()


def test_an_engine_that_does_not_come_is_told_and_asked_for_again(
    visit: Visit, tmp_path: Path
) -> None:
    it = visit(trainer=False)
    it.bet()
    it.button("Train").click()
    alert = it.live.get_by_role("alert")
    it.said("stopped after 0 steps")
    assert "train.js cannot be loaded" in alert.text_content()
    shutil.copyfile(bundle.STATIC / "train.js", tmp_path / "train.js")
    it.train()
    assert not alert.is_visible()


def test_a_worker_that_dies_ends_the_run_and_the_next_one_has_a_new_one(visit: Visit) -> None:
    breaks = """
      const { postMessage } = Worker.prototype;
      globalThis.breaking = true;
      Worker.prototype.postMessage = function (message, ...rest) {
        postMessage.call(this, message, ...rest);
        if (breaking && message.do === "resume")
          setTimeout(() => this.onerror({ preventDefault() {}, message: "out of memory" }), 50);
      };"""
    it = visit(breaks)
    it.bet()
    it.button("Train").click()
    it.said("stopped after")
    assert "Training stopped: out of memory." in it.live.get_by_role("alert").text_content()
    it.frees()
    it.page.evaluate("globalThis.breaking = false")
    it.train()


def test_reset_gives_up_the_model_and_keeps_the_runs(visit: Visit) -> None:
    it = visit()
    it.bet()
    it.unfold()
    it.live.get_by_label("Architecture").select_option("softmax")
    it.train()
    it.trains_on()
    it.button("Reset").click()
    it.said("Linear attention, n = 4, untrained")
    assert it.rows.count() == 1
