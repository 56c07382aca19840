"""Training in the page beside PyTorch: steps a second, one thread each, and how soon it pauses."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing import row
from dsf.mixers import mixer_class
from dsf.optimize import Optimizer
from dsf.train import TrainConfig, asked_loss, build_model, fresh_batches

MIXERS = ("softmax", "linear", "normalized", "retnet", "s4d", "ssd", "s6", "qlstm")
STEPS, WARM = 40, 10
GOAL = 0.99
OPEN = """async () => {
  globalThis.heard = [];
  globalThis.engine = open(await fetchEngine("train.js"), (message) => heard.push(message));
}"""
START = """async (config) => {
  heard.length = 0;
  return (await engine.ask("start", { config })).config;
}"""
# The rate of the last steps, and the longest of some waits for a pause.
SPEED = """async (steps) => {
  const reports = () => heard.filter(({ say }) => say === "report");
  const until = async (ready) => { while (!ready()) await new Promise((go) => setTimeout(go, 5)); };
  await until(() => reports().some(({ step }) => step >= steps));
  const { rate } = reports().at(-1);
  const waits = [];
  for (let k = 0; k < 5; k++) {
    await new Promise((go) => setTimeout(go, 100 + 37 * k));
    const start = performance.now();
    await engine.ask("pause");
    waits.push(performance.now() - start);
    await engine.ask("resume");
  }
  await engine.ask("pause");
  return [rate, Math.max(...waits)];
}"""
LEARN = """async (goal) => {
  const start = performance.now();
  const reached = () => heard.find((one) => one.say === "done" || one.accuracy >= goal);
  while (!reached()) await new Promise((go) => setTimeout(go, 20));
  return [reached().step, reached().accuracy ?? 0, (performance.now() - start) / 1000];
}"""


def main() -> None:
    """Print the rates for every architecture, and how soon softmax attention has learnt."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    print("\nTraining in the page, default set-up, steps a second (pause: milliseconds, goal 100)")
    if program is None:
        print("skipped: neither Chrome nor Chromium is installed")
        return
    from playwright.sync_api import sync_playwright

    torch.set_num_threads(1)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(write_page(Path(folder)).as_uri())
        page.evaluate(OPEN)
        print(row("mixer", "n", "page", "PyTorch", "page/PyTorch", "pause"))
        for name in MIXERS:
            print(compared(page, name), flush=True)
        page.evaluate(START, {"mixer": "softmax"})
        step, accuracy, seconds = page.evaluate(LEARN, GOAL)
        print(f"softmax: accuracy {accuracy:.3f} after {step} steps, {seconds:.1f} s (goal 60 s)")
        browser.close()


def write_page(folder: Path) -> Path:
    """A page with the engine and nothing else."""
    widgets = Path(__file__).resolve().parent.parent / "dsf" / "widgets"
    sources = [widgets / "js" / "train" / name for name in ("asking.js", "engine.js")]
    engine = "".join(source.read_text(encoding="utf-8") for source in sources)
    engine = engine.replace("export ", "").replace("import {", "//")  # one script, from a file
    script = f"<script type='module'>{engine}\nObject.assign(globalThis, {{fetchEngine, open}});"
    page = folder / "page.html"
    page.write_text(f"<!doctype html><title>Training</title>{script}</script>", encoding="utf-8")
    shutil.copyfile(widgets / "static" / "train.js", folder / "train.js")
    return page


def compared(page: Any, name: str) -> str:
    """A line of the table."""
    given = {"mixer": name, "report_every": WARM}
    given |= {"n": 1} if mixer_class(name).expansion == "one" else {}
    config = TrainConfig(**page.evaluate(START, given))
    rate, wait = page.evaluate(SPEED, STEPS)
    theirs = pytorch(config)
    ratio = f"{rate / theirs:.2f} x"
    return row(name, config.n, f"{rate:.1f}", f"{theirs:.1f}", ratio, f"{wait:.0f} ms")


def pytorch(config: TrainConfig) -> float:
    """Steps a second of the package, data included as in the page."""
    model = build_model(config)
    optimizer = Optimizer([(config, model)])
    start = 0.0
    for step, batch in enumerate(fresh_batches(config, 0, torch.device("cpu"))):
        if step == WARM:
            start = time.perf_counter()
        if step == WARM + STEPS:
            break
        optimizer.step(asked_loss(model, batch), step)
    return STEPS / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
