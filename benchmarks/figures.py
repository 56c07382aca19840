"""Slider to pixels: how long a figure takes from a movement of a slider to the new layout."""

import shutil
import tempfile
from pathlib import Path

from benchmarks.timing import row

MOVES = 100
# Class of the figure, its module, the slider, and what differs from the first state.
Case = tuple[str, str, str, dict[str, str]]
STEPS = ("write", "decay", "read", "product", "phi")
SLIDERS: tuple[Case, ...] = (
    *(("DSFExplorer", "explorer", x, {"shown": step}) for step in STEPS for x in ("n", "time")),
    ("DecayAndMemory", "decay", "pre_activation", {}),
    ("DecayAndMemory", "decay", "exponent", {}),
    ("FeatureMapGallery", "gallery", "norm", {}),
    ("FeatureMapGallery", "gallery", "direction", {}),
    ("MQARExplorer", "mqar", "n", {}),
    ("MQARExplorer", "mqar", "pair", {}),
    ("SoftmaxApproximation", "softmax", "order", {}),
    ("SoftmaxApproximation", "softmax", "scale", {}),
    ("KeyValueMemory", "hero", "n", {}),
    ("MessageAndNoise", "message", "decay", {}),
    ("PairsRecalled", "pairs", "n", {}),
    ("SignAndExponent", "exponent", "exponent", {}),
    ("DictionaryRecall", "dictionary", "capacity", {}),
    ("PoleAndResponse", "pole", "frequency", {}),
    ("PoleAndResponse", "pole", "step", {"rule": "bilinear"}),
    ("RecallReached", "reached", "n", {}),
    ("RowOfWeights", "weights", "transition", {"scores": "signed"}),
    ("ScanTree", "tree", "round", {"tokens": 16}),
    ("CareTaken", "care", "care", {}),
)
MEASURE = """async ([name, moves]) => {
  const slider = document.querySelector(`.dsf-field-${name} input`);
  const [min, max] = [Number(slider.min), Number(slider.max)];
  const times = [];
  for (let k = 0; k < moves; k++) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    slider.valueAsNumber = min + ((k % 12) / 12) * (max - min);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await null;
    await null;
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return times;
}"""


def main() -> None:
    """Print the median and the 95th percentile for some sliders of every figure."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    print("\nSlider to pixels, milliseconds (script and layout; the budget is 16 for 95 in 100)")
    if program is None:
        print("skipped: neither Chrome nor Chromium is installed")
        return
    from playwright.sync_api import sync_playwright

    from dsf import widgets
    from dsf.widgets.base import STATIC

    print(row("figure", "slider", "median", "95 in 100"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for kind, name, slider, state in SLIDERS:
            path = Path(folder) / f"{kind}.html"
            figure = getattr(widgets, kind)(**state).html()
            path.write_text(
                f'<!doctype html><meta charset="utf-8"><link rel="stylesheet" '
                f'href="{(STATIC / "widgets.css").as_uri()}">{figure}'
                f'<script src="{(STATIC / f"{name}.js").as_uri()}"></script>',
                encoding="utf-8",
            )
            page.goto(path.as_uri())
            times = sorted(page.evaluate(MEASURE, [slider, MOVES]))
            median, late = times[MOVES // 2], times[MOVES * 95 // 100]
            print(row(name, " ".join((*state.values(), slider)), f"{median:.1f}", f"{late:.1f}"))
        browser.close()


if __name__ == "__main__":
    main()
