"""Numbers by which the tests hold the JavaScript of the widgets against the package.

`python tests/figures/golden.py` writes them anew; a test fails when that would change them.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from dsf import ARCHITECTURES, feature_maps, mqar, widgets
from dsf.system import LTVSystem
from dsf.widgets import hero, pole
from dsf.widgets.explorer import IN_PAGE
from dsf.widgets.random import normal, uniform

PATH = Path(__file__).with_name("golden.json")
RECALLED = Path(hero.__file__).with_name("js") / "recalled.js"
SEED = 3


def plain(value: Any) -> Any:
    """Tensors as nested lists, complex ones as {"re": ..., "im": ...}."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, Tensor):
        if value.is_complex():
            return {"re": value.real.tolist(), "im": value.imag.tolist()}
        return value.tolist()
    return value


def matrices(system: LTVSystem, d: int) -> Tensor:
    """Φ of every channel, (d, L, L)."""
    phi = system.matrix()
    return phi if phi.ndim == 3 else phi.expand(d, -1, -1)


def architectures() -> list[dict[str, Any]]:
    """Every architecture of the page on random arguments, one of them with strong decay."""
    cases = []
    for name in IN_PAGE:
        entry = ARCHITECTURES[name]
        for length, n, d in ((1, 1, 1), (6, 3, 2)):
            u, _, arguments = entry.example(length, n, d, seed=SEED, dtype=torch.float64)
            system = entry.system(**arguments)
            cases.append(
                {
                    "name": name,
                    "arguments": plain(arguments),
                    "u": plain(u),
                    "states": plain(system.states(u)),
                    "outputs": plain(system.run(u, method="recurrent")),
                    "matrices": plain(matrices(system, d)),
                }
            )
    return cases


def gates() -> list[dict[str, Any]]:
    """Λ and B of the gates at several settings."""
    xs = torch.tensor([-6.0, -1.3, 0.0, 2.7, 6.0], dtype=torch.float64)
    cases = []
    other = {"exponent": 0.4, "rate": 2.1, "feature": 7, "decay": -1.5, "input_gate": 2.0}
    for setting in ({}, other):
        widget = widgets.DecayAndMemory(**setting)
        found = {name: plain(gate._asdict()) for name, gate in widget.gates(xs).items()}
        cases.append({"state": widget.state(), "x": plain(xs), "gates": found})
    return cases


def kernels() -> list[dict[str, Any]]:
    """The kernels of the feature maps at several settings."""
    angles = torch.tensor([0.0, 45.0, 90.0, 180.0], dtype=torch.float64)
    cases = []
    for setting in ({}, {"norm": 2.5, "direction": 200, "order": 5, "features": 3, "seed": 9}):
        widget = widgets.FeatureMapGallery(**setting)
        found = plain(widget.kernels(angles))
        cases.append({"state": widget.state(), "angles": plain(angles), "kernels": found})
    return cases


def recall(task: Mapping[str, Any], seed: int) -> tuple[list[int], list[list[int]]]:
    """A sequence by the rules of `dsf.mqar.generate`: tokens, and where each key is asked."""
    length, pairs, vocabulary, a, asks = (task[letter] for letter in "LKVaR")
    half = vocabulary // 2
    keys, values, slots = (Draws(seed, stream) for stream in (31, 32, 33))
    tokens = np.full(length, mqar.FILLER)
    tokens[0 : 2 * pairs : 2] = 1 + mqar.distinct(keys.generator, 1, pairs, half - 1)[0]
    shown = half + mqar.distinct(values.generator, 1, pairs, vocabulary - half)[0]
    tokens[1 : 2 * pairs : 2] = shown
    places = (length - 2 * pairs) // 2
    drawn = 2 * pairs + 2 * mqar.plackett_luce(slots.generator, 1, pairs * asks, places, a)[0]
    tokens[drawn] = np.tile(tokens[0 : 2 * pairs : 2], asks)
    return tokens.tolist(), [sorted(drawn[j::pairs].tolist()) for j in range(pairs)]


class Draws:
    """Random numbers of the widgets, as much of a generator of NumPy as `dsf.mqar` asks for."""

    def __init__(self, seed: int, stream: int) -> None:
        self.seed, self.stream = seed, stream
        self.generator = cast("np.random.Generator", self)

    def random(self, size: tuple[int, int]) -> Any:
        places = range(math.prod(size))
        return np.reshape([uniform(self.seed, self.stream, i) for i in places], size)

    def integers(self, low: int, high: Any, size: tuple[int, int]) -> Any:
        return low + np.floor(self.random(size) * (high - low)).astype(np.int64)

    def standard_exponential(self, size: tuple[int, int]) -> Any:
        return -np.log(self.random(size))


def recalls() -> list[dict[str, Any]]:
    """Sequences of several tasks."""
    cases = []
    for sizes in ((64, 8, 128, 0.01, 1), (12, 2, 33, 1.0, 1), (512, 64, 8192, -0.5, 2)):
        task = dict(zip("LKVaR", sizes, strict=True))
        tokens, asked = recall(task, SEED)
        cases.append({"task": task, "tokens": tokens, "asked": asked})
    return cases


def approximations() -> list[dict[str, Any]]:
    """Softmax and its stand-ins at several settings."""
    cases = []
    other = {"map": "exponential", "doublings": 3, "scale": 1.3, "length": 21, "seed": 9}
    third = {"map": "positive_random", "order": 7, "length": 70, "digits": 5}
    for setting in ({}, other, third):
        widget = widgets.SoftmaxApproximation(**setting)
        step = widget.order if widget.map == "taylor" else widget.doublings
        cases.append(
            {
                "state": widget.state(),
                "radius": widget.radius(),
                "exact": plain(widget.exact()[-1]),
                "weights": plain(widget.stand_in(widget.map, step).matrix()[-1]),
                "errors": widget.errors(),
                "bounds": [bound for p in range(13) if (bound := widget.bound(p)) < math.inf],
                "ranks": widget.ranks(),
            }
        )
    return cases


def poles() -> list[dict[str, Any]]:
    """A step of a pair of poles by both rules, and the samples, at several settings."""
    cases = []
    others = (
        {"decay": -0.2, "frequency": 7.3, "step": 1.5, "rule": "bilinear"},
        {"decay": 0.0, "frequency": 7.3, "step": 1.0},
        {"decay": 2.0, "frequency": 0.0, "step": 1.4, "rule": "bilinear"},
    )
    for setting in ({}, *others):
        widget = widgets.PoleAndResponse(**setting)
        steps = {}
        for rule in pole.RULES:
            factor, modulus, turns, half = widget.one_step(rule)
            steps[rule] = [factor.real, factor.imag, modulus, turns]
            steps[rule] += [half] if math.isfinite(half) else []
        cases.append({"state": widget.state(), "steps": steps, "samples": plain(widget.samples(9))})
    return cases


def weights() -> list[dict[str, Any]]:
    """One row of weights under row sum, η and decay, at several settings."""
    settings = ({}, {"transition": 0.55}, {"transition": 1.1, "scores": "signed"})
    shown = [widgets.RowOfWeights(**setting) for setting in settings]
    return [
        {"state": w.state(), "rows": [plain(row) for row in w.weights().values()]} for w in shown
    ]


def compute() -> dict[str, Any]:
    """All golden numbers."""
    x = torch.tensor([0.7, -1.2, 0.4], dtype=torch.float64)
    return {
        "seed": SEED,
        "uniform": [uniform(s, t, i) for s in (0, 7) for t in (1, 14) for i in (0, 9999)],
        "normal": [normal(s, t, i) for s in (0, 7) for t in (1, 14) for i in (0, 9999)],
        "taylor": {"x": plain(x), "features": plain(feature_maps.taylor_features(x, 4))},
        "architectures": architectures(),
        "gates": gates(),
        "kernels": kernels(),
        "recalls": recalls(),
        "approximations": approximations(),
        "poles": poles(),
        "weights": weights(),
    }


def recalled() -> str:
    """The module `recalled.js`: what takes too long to be computed in the page."""
    lines = [
        "/** Made by tests/figures/golden.py, do not edit. */",
        "",
        "/**",
        " * In how many of 200 draws each value comes back, see `dsf/widgets/hero.py`.",
        " * @type {Record<string, Record<number, number[]>>}",
        " */",
        "export const RECALLED = {",
    ]
    for name in hero.TITLES:
        lines += [f"  {name}: {{"]
        lines += [f"    {n}: {hero.recalled(name, n)}," for n in hero.SIZES]
        lines += ["  },"]
    return "\n".join([*lines, "};"]) + "\n"


if __name__ == "__main__":
    RECALLED.write_text(recalled(), encoding="utf-8")
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in compute().items()]
    PATH.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
