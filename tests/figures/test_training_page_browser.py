"""The engine that trains in the page, in a browser: a page from a file, under the book's policy."""

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from book import bundle
from dsf.train import TrainConfig, build_model

pytestmark = pytest.mark.browser
sphinx_pages = pytest.importorskip("book.sphinx.pages", reason="Sphinx is not installed")

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Training</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<script type="module">{engine}
globalThis.train = {{ fetchEngine, open }};</script></head><body></body></html>"""
TASK = {"seq_len": 16, "vocab_size": 20, "num_kv_pairs": 2, "d_model": 16, "n": 8}
TINY = {**TASK, "batch_size": 8, "steps": 60, "report_every": 5, "learning_rate": 0.01}
# Lets a test see how much memory the engine has.
SPY = """
const memories = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(...given) { super(...given); memories.push(this); }
};
self.bytes = () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
"""
OPEN = """async ({before}) => {
  globalThis.heard = [];
  const source = await train.fetchEngine("train.js");
  globalThis.engine = train.open(before + source, (message) => heard.push(message));
}"""
ASK = """async ([what, more]) => {
  const plain = (x) => {
    if (Array.isArray(x) || ArrayBuffer.isView(x)) return Array.from(x, plain);
    if (!x || typeof x !== "object") return x;
    return Object.fromEntries(Object.entries(x).map(([name, y]) => [name, plain(y)]));
  };
  try { return plain(await engine.ask(what, more)); } catch (problem) { return problem.message; }
}"""
Start = Callable[..., Any]


class Page:
    """A page with an engine."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def ask(self, what: str, **more: Any) -> Any:
        """What the engine answers, or the reason why it cannot."""
        return self.page.evaluate(ASK, [what, more])

    def heard(self, say: str) -> list[dict[str, Any]]:
        """What the engine has said unasked."""
        found: list[dict[str, Any]] = self.page.evaluate("heard")
        return [message for message in found if message["say"] == say]

    def until(self, say: str) -> dict[str, Any]:
        """Wait for a word of the engine."""
        self.page.wait_for_function("say => heard.some(one => one.say === say)", arg=say)
        return self.heard(say)[0]


@pytest.fixture
def start(browser: Any, tmp_path: Path) -> Iterator[Start]:
    """Open a page from a file, and an engine in it; any problem in the page fails the test."""
    context = browser.new_context()
    context.set_default_timeout(60_000)
    problems: list[str] = []

    def open_page(before: str = "", policy: str = sphinx_pages.POLICY) -> Page:
        sources = [bundle.SOURCES / "train" / name for name in ("asking.js", "engine.js")]
        engine = "".join(source.read_text(encoding="utf-8") for source in sources)
        engine = engine.replace("export function", "function").replace("import {", "//")
        text = PAGE.format(policy=policy, engine=engine)
        if policy == sphinx_pages.POLICY:
            text = sphinx_pages.with_policy(lambda: text)
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        shutil.copyfile(bundle.STATIC / "train.js", tmp_path / "train.js")
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "page.html").as_uri())
        assert [url.rsplit("/", 1)[-1] for url in requests] == ["page.html"], (
            "not before it is asked"
        )
        page.evaluate(OPEN, {"before": before})
        asked = [url for url in requests if not url.startswith("blob:")]
        assert [Path(url).name for url in asked] == ["page.html", "train.js"]
        return Page(page)

    yield open_page
    context.close()
    assert problems == []


def test_it_trains_pauses_goes_on_and_ends(start: Start) -> None:
    it = start()
    ready = it.ask("start", config=TINY)
    assert (ready["say"], ready["step"], ready["steps"]) == ("ready", 0, 60)
    assert {**ready["config"], **TINY} == ready["config"]
    assert ready["config"]["mixer"] == "softmax"
    it.until("report")
    paused = it.ask("pause")
    assert paused["say"] == "paused"
    it.page.wait_for_timeout(200)
    assert it.ask("pause")["step"] == paused["step"] < 60
    assert it.ask("resume")["say"] == "resumed"
    assert it.until("done")["step"] == 60
    reports = it.heard("report")
    assert [report["step"] for report in reports] == list(range(5, 65, 5))
    for report in reports:
        assert report["backend"] == ready["backend"] == "wasm"
        assert 0 <= report["accuracy"] <= 1
        assert report["rate"] > 0
    losses = [report["loss"] for report in reports]
    assert abs(losses[0] - math.log(20)) < 0.5, "it begins with a guess"
    assert losses[-1] < losses[0]
    assert it.ask("resume")["step"] == 60, "no step more"


def test_it_takes_steps_begins_again_and_gives_and_takes_weights(start: Start) -> None:
    it = start()
    it.ask("start", config=TINY, paused=True)
    begun = it.ask("weights")["weights"]
    it.ask("step", count=3)
    assert it.until("paused")["step"] == 3
    assert [report["step"] for report in it.heard("report")] == [3]
    after = it.ask("weights")["weights"]
    assert after.keys() == begun.keys()
    assert after != begun
    assert it.ask("reset")["step"] == 0
    assert it.ask("weights")["weights"] == begun
    model = build_model(TrainConfig(**TASK))
    given = {
        name: {"shape": list(x.shape), "values": x.flatten().tolist()}
        for name, x in model.state_dict().items()
    }
    assert it.ask("load", weights=given)["say"] == "loaded"
    assert it.ask("weights")["weights"] == given, "as they came, in float32"
    tokens = list(range(1, 17))
    shown = it.ask("probe", tokens=tokens)
    answers = torch.tensor(list(shown["probabilities"])).view(16, 20)
    wanted = model(torch.tensor([tokens]))[0].softmax(-1).detach()
    assert float((answers - wanted).abs().max()) < 1e-4
    assert [len(phi) for phi in shown["phi"]] == [16 * 16 * 16]
    assert it.ask("load", weights={}) == (
        f'weights lacks "embedding.weight", expected {", ".join(given)}'
    )
    assert "tokens has 99, expected integers from 0 to 19" in it.ask("probe", tokens=[99] * 16)


def test_its_memory_does_not_grow_and_closing_frees_it(start: Start) -> None:
    it = start(SPY)
    it.ask("start", config={**TINY, "steps": 200})
    (worker,) = it.page.workers
    it.page.wait_for_function("() => heard.some(one => one.step >= 30)")
    early = worker.evaluate("bytes()")
    it.until("done")
    assert 0 < worker.evaluate("bytes()") == early
    sizes = []
    for mixer in ("s6", "softmax", "s6", "softmax", "s6"):  # each takes the place of the last
        it.page.evaluate("heard.length = 0")
        it.ask("start", config={**TINY, "mixer": mixer}, paused=True)
        it.ask("step", count=2)
        it.until("paused")
        sizes.append(worker.evaluate("bytes()"))
    assert sizes[-1] == sizes[2]
    it.page.evaluate("engine.close()")
    it.page.wait_for_timeout(100)
    assert it.page.workers == []
    assert it.ask("pause") == "the engine is closed"


def test_what_it_cannot_do_it_says_with_the_reason(start: Start) -> None:
    it = start()
    assert it.ask("pause") == "nothing is in training: start comes first"
    assert it.ask("dance").startswith("do is dance, expected one of start, pause")
    assert it.ask("start", config={"mixer": "gpt"}).startswith('mixer is "gpt", expected one of')
    it.ask("start", config=TINY, paused=True)
    assert it.ask("step", count=0) == "count is 0, expected an integer from 1"
    assert it.ask("close")["say"] == "closed"


def test_without_webassembly_it_says_so(start: Start) -> None:
    it = start("delete self.WebAssembly;")
    reason = "there is no WebAssembly, which training needs"
    assert it.ask("start", config=TINY) == reason


def test_where_a_policy_forbids_webassembly_it_says_so(start: Start) -> None:
    policy = "default-src 'self'; script-src 'self' 'unsafe-inline'; worker-src blob:"
    it = start(policy=policy)
    it.ask("start", config=TINY, paused=True)
    it.ask("step")
    assert "WebAssembly" in it.until("failed")["reason"]


@pytest.mark.parametrize("fallback", [True, False])
def test_a_graphics_card_that_is_none_or_does_not_start_is_not_used(
    start: Start, fallback: bool
) -> None:
    adapter = f"{{ info: {{ isFallbackAdapter: {json.dumps(fallback)} }}, features: new Set(),"
    adapter += " limits: {}, requestDevice: async () => { throw new Error('no device'); } }"
    gpu = f"{{ value: {{ requestAdapter: async () => ({adapter}) }} }}"
    it = start(f"Object.defineProperty(navigator, 'gpu', {gpu});")
    assert it.ask("start", config=TINY, paused=True)["backend"] == "wasm"
    it.ask("step")
    assert it.until("paused")["step"] == 1
