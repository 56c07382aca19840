"""The figures in JupyterLab: a real server, a real kernel, a real browser."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest
from programs import TRAINING, running

from book import bundle
from dsf import widgets
from dsf.widgets.care import CARE

pytestmark = pytest.mark.browser
Run = Callable[..., str]

RUN = """
async ([place, code]) => {
  const { commands, shell } = jupyterapp;
  const panel = shell.currentWidget;
  await panel.sessionContext.ready;
  panel.content.activeCellIndex = place;
  const cell = panel.content.activeCell;
  cell.model.sharedModel.setSource(code);
  await commands.execute("notebook:run-cell");
  return cell.model.outputs.toJSON();
}
"""
MOVED = "([slider, place]) => slider.value !== place"
SHOW = """
import json
from dsf import widgets
w, heard = widgets.{name}(), []
w.observe(lambda change: heard.append([change.name, change.new]), list(w.state()))
w
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab with nobody's settings and a notebook of two empty cells."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    home = tmp_path_factory.mktemp("lab")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(), nbformat.v4.new_code_cell()]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), home / "it.ipynb")
    own = {f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    path = os.pathsep.join([str(bundle.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, **own, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.token=", f"--ServerApp.root_dir={home}"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]

    def address(said: str) -> str | None:
        found = re.search(r"(http://127\.0\.0\.1:\d+)/lab", said)
        return found and found[1]

    with running(command, home, address, env) as lab:
        yield lab


@pytest.fixture(scope="module")
def page(lab: str, browser: Any) -> Iterator[Any]:
    """The notebook, opened; errors, complaints about figures and requests to others are noted."""
    page = browser.new_page(
        viewport={"width": 1200, "height": 2000}
    )  # out of sight is out of JupyterLab's page
    page.set_default_timeout(30_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda m: is_about_figures(m) and page.problems.append(m.text))
    page.on(
        "request",
        lambda r: (
            r.url.startswith((f"{lab}/", "data:", "blob:"))
            or page.problems.append(f"asks for {r.url}")
        ),
    )
    page.goto(f"{lab}/doc/tree/it.ipynb")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.content?.activeCell")
    yield page
    page.close()


def is_about_figures(message: Any) -> bool:
    said = f"{message.text} {message.location}"
    late = "to activate" in message.text  # a busy machine loads a plugin slowly, which is no fault
    about = bool(re.search("anywidget|dsf|blob:", said)) and not late
    return message.type in {"error", "warning"} and about


@pytest.fixture
def run(page: Any) -> Run:
    """Run code in one of the two cells, as a reader who changes it; its outputs as text."""

    def run_cell(code: str, place: int = 1) -> str:
        outputs = page.evaluate(RUN, [place, code])
        assert not [o for o in outputs if o["output_type"] == "error"], outputs
        return "".join(str(o.get("text", "")) for o in outputs)

    return run_cell


def test_a_check_shows_target_and_result_and_a_reply_has_its_formulas(page: Any, run: Run) -> None:
    """Pictures pass JupyterLab's own cleaning of HTML, and TeX in a reply is set."""
    run(
        "import dsf\nfrom dsf import classroom\n\n"
        "def yours(q, k, v):\n    return dsf.linear_attention(q, k, v).round()\n\n"
        'classroom.exercise("la-recurrence", yours)',
        place=0,
    )
    said = page.locator(".jp-OutputArea-output").first
    said.locator("svg circle").first.wait_for()
    assert "✗ recurrent_attention" in said.text_content()
    run('classroom.answer("another-query", 1)')
    reply = page.locator(".jp-OutputArea-output").last
    reply.locator("mjx-container").first.wait_for()
    assert "two keys match" in reply.text_content()


@pytest.mark.parametrize("name", [name for name in widgets.__all__ if name != "FamilyPicture"])
def test_slider_and_trait_follow_each_other(page: Any, run: Run, name: str) -> None:
    run(SHOW.format(name=name), place=0)
    figure = page.locator(".dsf-live")
    figure.locator("svg:visible, canvas:visible").first.wait_for()
    assert figure.locator("[hidden]:visible").count() == 0
    slider = figure.locator("input[type=range]:enabled").first
    trait = slider.evaluate("node => node.closest('.dsf-field').className.split('-').pop()")
    output = figure.locator(f".dsf-field-{trait} output")

    def reading() -> float:
        said = output.text_content()
        if said in CARE:  # places that have names
            return CARE.index(said) + 1
        number = re.match(r"-?[\d.]+", said.replace("−", "-"))
        assert number, output.text_content()
        return float(number[0])

    def turned(act: Callable[[], object]) -> float:
        place = slider.input_value()
        act()
        page.wait_for_function(MOVED, arg=[slider.element_handle(), place])
        value = float(run(f"print(w.{trait})"))
        assert reading() == pytest.approx(value)
        return value

    before = float(run(f"print(w.{trait})"))  # the key-value memory shows others while it plays
    # Five figures show sizes that are not every number: 8, and below it 6, or 4; 32 and 16.
    sizes = {"KeyValueMemory": 2.0, "MQARExplorer": 4.0, "RecallReached": 4.0, "ChunkLength": 16.0}
    sizes["MQARLab"] = 4.0
    step = sizes.get(name, float(slider.get_attribute("step") or 1))
    least = 4.0 if name in ("MQARExplorer", "MQARLab") else float(slider.get_attribute("min"))
    down = before - step >= least  # some figures begin at the least
    told = turned(lambda: run(f"w.{trait} {'-' if down else '+'}= {step:g}"))
    assert told == pytest.approx(before - step if down else before + step)
    moved = turned(lambda: slider.press("ArrowRight" if down else "ArrowLeft"))
    assert moved > told if down else moved < told
    assert json.loads(run("print(json.dumps(heard))")) == [[trait, told], [trait, moved]]
    assert page.problems == []


def test_box_and_trait_follow_each_other(page: Any, run: Run) -> None:
    run(SHOW.format(name="FamilyPicture"), place=0)
    box = page.locator(".dsf-live").get_by_label("forget")
    box.wait_for()
    run("w.forget = True")
    page.wait_for_function("box => box.checked", arg=box.element_handle())
    box.press("Space")
    page.wait_for_function("box => !box.checked", arg=box.element_handle())
    assert run("print(w.forget)").strip() == "False"
    assert page.problems == []


def test_the_laboratory_trains_in_the_kernel(page: Any, run: Run) -> None:
    made = "w = widgets.MQARLab(length=16, pairs=2, d=16, n=4, steps=5000)"
    run(f"from dsf import widgets\n{made}\nw", place=0)
    figure = page.locator(".dsf-live")

    def button(name: str) -> Any:
        return figure.get_by_role("button", name=name, exact=True)

    def until(pattern: str) -> None:
        of = "of => new RegExp(of).test(document.querySelector('.dsf-live').textContent)"
        page.wait_for_function(of, arg=pattern)

    def trains(threads: int) -> bool:
        return run(TRAINING.format(threads)).strip() == str(threads)

    button("n = 8").click()  # the bet
    button("Train").click()
    until(r"trains in PyTorch; \d+ steps a second")
    until("step [1-9][0-9]* of 5000, accuracy")
    assert trains(1), "cells run meanwhile"
    button("Pause").click()
    until("Paused")
    assert trains(0)
    run("w.steps = 100")  # another set-up begins anew
    button("Train").click()
    until("step 100 of 100")
    button("Train").wait_for()
    assert trains(0)
    assert page.problems == []
    button("Train").click()
    run("w.close()")
    assert trains(0), "nothing is left behind"
