"""Random calls of every public function: valid ones run, others are refused by name.

Each call starts from valid arguments (`EXAMPLES`) and damages one or two of them. Whether it is
still valid is decided here, from the shapes that the docstrings promise, and not by asking the
package. A call then falls into one of these:

* valid, and its results are finite;
* not valid, and refused by a `ValueError` that begins with the name of a damaged argument, or of
  another one that it no longer fits;
* anything else, which is a fault.
"""

import inspect
import math
import os
import random
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_origin

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import dsf
from dsf import (
    ARCHITECTURES,
    DenseSystem,
    LowRankSystem,
    LTVSystem,
    check,
    feature_maps,
    mixers,
    model,
    models,
    theory,
)
from dsf.feature_maps import PositiveRandom
from dsf.model import SequenceModel, build_model
from dsf.train import TrainConfig

CALLS = 60  # of each function
MODULES = {"check": check, "feature_maps": feature_maps, "mqar": dsf.mqar, "theory": theory}
TRAINED = {"mixers": mixers, "model": model}

# What remains: the function, a part of the line about the call, and the reason.
KNOWN: dict[tuple[str, str], str] = {}

# --- what is public


def public() -> dict[str, Callable[..., Any]]:
    """Every public function, class and method by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in dsf.__all__:
        thing = getattr(dsf, name)
        if inspect.ismodule(thing):
            assert thing is MODULES[name]
        elif callable(thing):
            add(found, name, thing)
    for prefix, module in (MODULES | TRAINED).items():
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", None) == module.__name__
            here = name in getattr(module, "__all__", [name] * own)
            alias = get_origin(thing) is not None  # of a type, such as FeatureMap
            if here and callable(thing) and not alias and not name.startswith("_"):
                add(found, f"{prefix}.{name}", thing)
    add(found, "TrainConfig", TrainConfig)
    return found


def add(found: dict[str, Callable[..., Any]], name: str, thing: Callable[..., Any]) -> None:
    if not inspect.isclass(thing):
        found[name] = thing
        return
    record = issubclass(thing, tuple) or thing is dsf.Architecture
    if inspect.isabstract(thing) or getattr(thing, "_is_protocol", False):
        return  # no one can call it
    if not record:  # a record holds what functions of the package have put in
        found[name] = thing
    methods = {"__call__", "__getitem__"}
    for method, function in inspect.getmembers(thing, inspect.isfunction):
        if not function.__module__.startswith("dsf"):
            continue
        if method in methods or not method.startswith("_"):
            found[f"{name}.{method}"] = function


# --- arguments


@dataclass
class Arg:
    """One argument: a valid value, which values are valid, and what to put in its place."""

    value: Any
    valid: Callable[[Any], bool]
    bad: list[Any]

    def damages(self, pick: random.Random) -> tuple[str, Any]:
        value = pick.choice(self.bad)
        return ("nothing" if self.valid(value) else f"value {describe(value)}"), value


def describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"tensor {tuple(value.shape)} {value.dtype} {value.device}"
    text = repr(value)
    return text if len(text) < 30 else type(value).__name__


NO_TENSOR = [None, "text", 3, True, [1.0, 2.0], np.ones(3), 2j, {}]


@dataclass
class Array:
    """An array of the shape that its docstring has, letters parted by spaces.

    Where a shape begins with ? the array may lack axes on the left.
    """

    value: Tensor
    shape: str
    complex_too: bool = False
    integer: bool = False
    bad: list[Any] = field(default_factory=lambda: list(NO_TENSOR))

    def damages(self, pick: random.Random) -> tuple[str, Any]:
        x = self.value
        axis = pick.randrange(x.ndim) if x.ndim else 0
        ways = ["type", "list", "numpy", "rank", "rank", "dtype", "dtype", "meta", "batch"]
        ways += ["transposed", "longer", "shorter", "empty", "scalar"] if x.ndim else []
        way = pick.choice(ways)
        if way == "type":
            value: Any = pick.choice(self.bad)
            return f"type {describe(value)}", value
        if way == "list":
            return "type list", x.tolist() if x.ndim else [1.0]
        if way == "numpy":
            return "type numpy", x.numpy()
        if way == "dtype":
            now = {torch.float32: torch.float64, torch.float64: torch.float32}
            others = [torch.int64, torch.int32, torch.bool, torch.bfloat16, torch.float16]
            others += [torch.complex64, torch.complex128, now.get(x.dtype, torch.float32)]
            dtype = pick.choice([d for d in others if d != x.dtype])
            return f"dtype {dtype}", x.to(dtype)
        if way == "meta":
            return "device meta", x.to("meta")
        if way == "batch":
            return "batch of 7", x.expand(7, *x.shape)
        if way == "rank":
            ranks = [x.unsqueeze(0), x.unsqueeze(-1), x.flatten()] + ([x[0]] if x.ndim else [])
            value = pick.choice(ranks)
        elif way == "transposed":
            value = x.transpose(-1, -2 if x.ndim > 1 else -1)
        elif way == "longer":
            value = torch.cat([x, x.narrow(axis, 0, 1)], axis)
        elif way == "shorter":
            value = x.narrow(axis, 0, x.shape[axis] - 1)
        elif way == "empty":
            value = x.narrow(axis, 0, 0)
        else:
            value = x.flatten()[0]
        return f"{way} to {tuple(value.shape)}", value


def is_real(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


class Maker:
    """Random sizes, and arguments of these sizes."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = self.pick.choice([torch.float32, torch.float64])
        self.batch = self.pick.choice([(), (2,), (3, 2)])
        self.sizes = {letter: self.pick.randint(1, 4) for letter in "nmdpN"}
        self.sizes["L"] = self.pick.randint(2, 5)

    def size(self, letter: str) -> int:
        if letter == "1":
            return 1
        times, name = re.fullmatch(r"(\d*)(\w)", letter).groups()
        return int(times or 1) * self.sizes[name]

    def tensor(self, shape: str, complex: bool = False) -> Tensor:
        letters = shape.removeprefix("?").split()
        if shape.startswith("?"):
            letters = letters[self.pick.randint(0, len(letters)) :]
        batch: tuple[int, ...] = ()
        if letters[:1] == ["..."]:
            letters = letters[1:]
            batch = self.batch[self.pick.randint(0, len(self.batch)) :]
            batch = tuple(self.pick.choice([1, size]) for size in batch)
        axes = [
            self.pick.choice([1, self.size(x[:-2])]) if x.endswith("|1") else self.size(x)
            for x in letters
        ]
        x = torch.randn((*batch, *axes), generator=self.generator, dtype=torch.float64)
        x = torch.tanh(x)  # no argument is so large that a valid call overflows
        return x.to(self.dtype.to_complex() if complex else self.dtype)

    def array(self, shape: str, complex_too: bool = False) -> Array:
        x = self.tensor(shape, complex=complex_too and self.pick.random() < 0.3)
        return Array(x, shape, complex_too=complex_too)

    def positive(self, shape: str) -> Array:
        return Array(self.tensor(shape).abs() + 0.1, shape)

    def negative(self, shape: str) -> Array:
        return Array(-self.tensor(shape).abs() - 0.1, shape)

    def growing(self, shape: str) -> Array:
        return Array((self.tensor(shape).abs() + 0.1).cumsum(-1), shape)

    def integers(self, shape: str, high: int = 5) -> Array:
        x = self.tensor(shape)
        x = torch.randint(high, x.shape, generator=self.generator)
        return Array(x, shape, integer=True)

    def maybe(self, arg: Arg | Array) -> Arg | Array:
        """An argument that may be None."""
        given, bad = self.pick.random() < 0.5, [bad for bad in arg.bad if bad is not None]
        if not isinstance(arg, Array):
            valid = arg.valid
            return Arg(arg.value if given else None, lambda x: x is None or valid(x), arg.bad)
        if not given:
            return Arg(None, lambda x: x is None, bad)
        arg.bad = bad
        return arg

    def integer(self, low: int, high: int | None = None) -> Arg:
        value = self.pick.randint(low, min(low + 3, low + 3 if high is None else high))
        bad = [low - 1, -7, value + 0.5, float(value), math.nan, True, None, str(value), 1j]
        bad += [torch.tensor(value), [value], np.int64(value), np.ones(2)]
        bad += [] if high is None else [high + 1, 10**400]

        def valid(x: Any) -> bool:
            return is_integer(x) and low <= x and (high is None or x <= high)

        return Arg(value, valid, bad)

    def number(self, value: float, valid: Callable[[float], bool] = lambda x: True) -> Arg:
        bad = [math.nan, math.inf, -math.inf, 0.0, -1.0, 0.5, 2, True, None, str(value), 1j]
        bad += [torch.tensor(value), [value], np.float32(value), np.ones(2), 10**400]

        def fits(x: Any) -> bool:
            return is_real(x) and abs(x) <= 1e300 and bool(valid(x))

        return Arg(value, fits, bad)

    def number_or(self, number: Arg, array: Array) -> Arg:
        """A number or a tensor, and neither is damage of the other."""
        number.bad = [bad for bad in number.bad if not isinstance(bad, Tensor)]
        array.bad = [bad for bad in array.bad if not number.valid(bad)]
        return array if self.pick.random() < 0.5 else number

    def flag(self) -> Arg:
        bad = [0, 1, None, "yes", 0.5, torch.tensor(True), [True], np.bool_(True)]
        return Arg(self.pick.random() < 0.5, lambda x: isinstance(x, bool), bad)

    def choice(self, *choices: str) -> Arg:
        bad = ["nonsense", "", None, 3, True, [choices[0]], choices[0].upper(), 1j]
        return Arg(self.pick.choice(choices), lambda x: isinstance(x, str) and x in choices, bad)

    def only(self, value: Any, *bad: Any) -> Arg:
        """An argument whose replacements are all wrong."""
        return Arg(value, lambda x: x is value, list(bad or NO_TENSOR))


# --- the valid examples: arguments by name, and for a method what it belongs to


@dataclass
class Example:
    """A valid call.

    Attributes:
        args: by name.
        owner: of a method.
        context: arrays that are not passed but have to fit, and their shapes.
        related: other names that a refusal may begin with.
        needs_values: whether it cannot do with the device "meta".
        half: whether half precision will do.
        infinite: whether results may be infinite.
        fits: takes the values of the arguments, for what the shapes of arrays alone don't say.
    """

    args: dict[str, Arg | Array]
    owner: Any = None
    context: dict[str, Array] = field(default_factory=dict)
    related: tuple[str, ...] = ()
    needs_values: bool = False
    half: bool = True
    infinite: bool = False
    fits: Callable[[dict[str, Any]], bool] = lambda values: True


def qkv(m: Maker, *names: str) -> dict[str, Arg | Array]:
    shapes = {"q": "... L m", "k": "... L m", "v": "... L d"}
    return {name: m.array(shapes[name]) for name in names}


def scale(m: Maker) -> Arg:
    return m.maybe(m.number(0.7, lambda x: x > 0))


def map_of(m: Maker) -> Arg:
    maps = [feature_maps.elu_plus_one, feature_maps.exponential, PositiveRandom(3, 1)]
    return m.only(m.pick.choice(maps), None, "elu_plus_one", 3, True, torch.ones(3))


def before(m: Maker) -> Arg:
    return m.only(None, 3, "text", True, [1.0], torch.ones(3))


def s4d(m: Maker) -> dict[str, Arg | Array]:
    poles = m.tensor("d n")
    a = torch.complex(-poles.abs() - 0.1, m.tensor("d n"))
    read = {"b": m.array("d n", complex_too=True), "c": m.array("d n", complex_too=True)}
    return {"a": Array(a, "d n", complex_too=True), **read, "step": m.positive("d")}


def spring(m: Maker) -> dict[str, Arg | Array]:
    return {
        "mass": m.number(1.5, lambda x: x > 0),
        "damping": m.number(0.3, lambda x: x >= 0),
        "stiffness": m.number(2.0, lambda x: x > 0),
    }


def s6(m: Maker) -> dict[str, Arg | Array]:
    bc = {"b": m.array("... L n"), "c": m.array("... L n")}
    return {"step": m.positive("... L d"), "a": m.negative("d n"), **bc, "skip": skip(m)}


def ssd(m: Maker) -> dict[str, Arg | Array]:
    bc = {"b": m.array("... L n"), "c": m.array("... L n")}
    return {"step": m.positive("... L"), "a": rate(m), **bc, "skip": skip(m)}


def rate(m: Maker) -> Arg:
    return m.number_or(m.number(-1.0, lambda x: x < 0), m.negative("?... L|1"))


def skip(m: Maker) -> Arg:
    return m.maybe(m.number_or(m.number(1.0), m.array("?d|1")))


def gates(m: Maker, *names: str) -> dict[str, Arg | Array]:
    return {name: m.array("... L d") for name in names}


def qlstm(m: Maker) -> dict[str, Arg | Array]:
    exponent = m.number_or(m.number(0.5, lambda x: x >= 0), m.positive("?... L|1 d|1"))
    named = gates(m, "forget_gate", "input_gate", "output_gate")
    return {**named, "reversed_sigmoid": m.flag(), "exponent": exponent}


def expanded(m: Maker, *names: str) -> dict[str, Arg | Array]:
    named = gates(m, *names, "forget_gate", "input_gate", "output_gate")
    return {"q": m.array("... L n"), "k": m.array("... L n"), **named}


def weights(m: Maker, times: str) -> dict[str, Arg | Array]:
    return {
        "x": m.array("... L m"),
        "w_in": m.array(f"{times}d m"),
        "w_rec": m.array(f"{times}d d"),
    }


def pieces(m: Maker, state: str | None = None, complex_too: bool = False) -> dict[str, Arg | Array]:
    """What a function that takes a sequence in pieces takes beside it."""
    first = before(m) if state is None else m.maybe(m.array(state, complex_too))
    return {"state": first, "return_state": m.flag()}


def continued(example: Example, state: str) -> Example:
    """The same, with a state that is complex only where something else is."""

    def fits(values: dict[str, Any]) -> bool:
        others = [value for name, value in values.items() if name != state]
        others += [array.value for array in example.context.values()]
        tensors = [x for x in others if isinstance(x, Tensor)]
        first = values[state]
        real = not (isinstance(first, Tensor) and first.is_complex())
        return real or any(x.is_complex() for x in tensors)

    if not fits({name: arg.value for name, arg in example.args.items()}):
        example.args[state].value = example.args[state].value.real.contiguous()
    example.fits = fits
    return example


SYSTEM = {
    "transition": "... L n|1 d|1",
    "input": "... L n d|1",
    "output": "... L n d|1",
    "feedthrough": "... L|1 d|1",
}
DENSE = {
    "transition": "... L N N",
    "input": "... L N m",
    "output": "... L p N",
    "feedthrough": "... L p m",
}


def arrays_of(m: Maker, shapes: dict[str, str]) -> dict[str, Array]:
    return {name: m.array(shape, complex_too=True) for name, shape in shapes.items()}


def system(m: Maker, **args: Arg) -> Example:
    arrays = arrays_of(m, SYSTEM)
    owner = LTVSystem(**{name: array.value for name, array in arrays.items()})
    return Example(args, owner, arrays)


def dense(m: Maker, **args: Arg) -> Example:
    arrays = arrays_of(m, DENSE)
    owner = DenseSystem(**{name: array.value for name, array in arrays.items()})
    return Example(args, owner, arrays)


LOW_RANK = {
    "transition": "... L n|1",
    "left": "... L n N",
    "right": "... L n N",
    "input": "... L n d|1",
    "output": "... L n d|1",
    "feedthrough": "... L|1 d|1",
}


def low_rank(m: Maker, **args: Arg) -> Example:
    arrays = arrays_of(m, LOW_RANK)
    owner = LowRankSystem(**{name: array.value for name, array in arrays.items()})
    return Example(args, owner, arrays)


def piece_of(m: Maker, kind: Callable[..., Example]) -> Example:
    wrong = [0, None, "0:1", True, 1.0, slice(0, 2, 2), slice(1, 1), slice(9, None), (0, 1)]
    wrong += [slice(0.5, 2), slice("a", None), torch.tensor(0)]
    example = kind(m, span=m.only(slice(0, 1), *wrong))
    example.related = ("index",)  # what stands in brackets has no name for its user
    return example


def dense_width(m: Maker, kind: Callable[..., Example]) -> Example:
    example = kind(m)
    d = example.owner.d
    arg = m.integer(d or 1, d)
    return Example({"d": arg if d is None else m.maybe(arg)}, example.owner)


def hankel(m: Maker, **args: Arg) -> Example:
    return Example({"phi": m.array("... L L", True), **args}, needs_values=True, half=False)


def smallest(m: Maker) -> Example:
    m.batch = m.batch[:1]
    phi = m.array("... L L", True)

    def fits(values: dict[str, Any]) -> bool:
        phi, d = values["phi"], values["d"]
        return phi.ndim == 2 or (phi.ndim == 3 and d in (None, phi.shape[0]))

    own = phi.value.shape[0] if phi.value.ndim == 3 else None
    d = m.maybe(m.integer(1 if own is None else own))
    args = {"phi": phi, "d": d, "tol": tolerance(m)}
    return Example(args, related=("phi",), needs_values=True, half=False, fits=fits)


def tolerance(m: Maker) -> Arg:
    return m.maybe(m.number(1e-9, lambda x: 0 <= x < 1))


def change(m: Maker) -> Example:
    kind = m.pick.choice([system, dense])
    example = kind(m)
    if kind is system:
        t = Array(m.tensor("... L n|1 d|1").abs() + 0.1, "... L n|1 d|1", complex_too=True)
    else:
        t = m.tensor("... L N N") / 8 + torch.eye(m.sizes["N"]).to(m.dtype)
        t = Array(t, "... L N N", complex_too=True)
    args = {"system": m.only(example.owner), "t": t}
    half = kind is system
    return Example(args, None, example.context, needs_values=True, half=half)


def recalls(m: Maker) -> dict[str, Arg | Array]:
    """A possible task; that its numbers fit each other is checked by tests of their own."""
    return {
        "seq_len": m.only(16, 0, -2, 15, 16.0, True, None, "16", math.nan, [16], 10**400),
        "num_kv_pairs": m.only(2, 0, -1, 5, 2.0, True, None, "2", 1j),
        "vocab_size": m.only(32, 0, -32, 16, 32.0, True, None, "32", torch.tensor(32)),
        "power_a": m.number(0.01, lambda x: -10 <= x <= 10),
        "random_non_queries": m.flag(),
        "queries_per_key": m.only(1, 0, -1, 4, 1.0, True, None, "1"),
    }


def task(m: Maker) -> Example:
    goal = m.maybe(m.number(0.9, lambda x: 0 <= x <= 1))
    return Example({**recalls(m), "stop_accuracy": goal}, related=("seq_len", "vocab_size"))


def draws(m: Maker, owner: Any) -> Example:
    split = m.choice("train", "validation", "test")
    args = {"num_examples": m.integer(1), "seed": m.integer(0), "split": split}
    return Example(args, owner)


def generate(m: Maker) -> Example:
    args = {"num_examples": m.integer(1), **recalls(m), "seed": m.integer(0)}
    return Example(args, related=("seq_len", "vocab_size"))


def rows(m: Maker, **args: Arg) -> Example:
    stream = m.only(np.random.default_rng(0), None, 3, "text", [1.0])
    wrong = [0, -1, 2, 4.0, True, None, "4", 1j]
    size = Arg(5, lambda x: is_integer(x) and x >= 3, wrong)
    count = Arg(3, lambda x: is_integer(x) and 1 <= x <= 5, [6, *wrong])
    count.bad.remove(2)
    more = {"num_rows": m.integer(1), "count": count, "size": size}
    return Example({"stream": stream, **more, **args}, related=("count",))


def asked(m: Maker) -> Example:
    inputs = torch.randint(1, 9, (m.sizes["n"], m.sizes["L"]), generator=m.generator)
    places = torch.zeros(m.sizes["n"], m.sizes["p"], dtype=torch.int64)  # the first token, a key
    args = {
        "inputs": Array(inputs, "n L", integer=True),
        "positions": Array(places, "n p", integer=True),
        "num_kv_pairs": m.only(1, 0, -1, 2.0, None, "1"),
    }
    return Example(args, needs_values=True)


def described(m: Maker) -> Example:
    labels = torch.full((m.sizes["L"],), -100)
    labels[m.pick.randrange(len(labels))] = 3
    args = {"inputs": m.integers("L"), "labels": Array(labels, "L", integer=True)}
    # Where a key is asked there is room for it and its value.
    return Example(args, needs_values=True, fits=lambda values: len(values["labels"]) > 1)


def documented(function: Callable[..., Any], m: Maker) -> dict[str, Arg | Array]:
    """Arguments by a docstring: the first bracket of each is its shape, or it is a number."""
    arguments = inspect.getdoc(function).partition("Args:")[2].partition("\n\n")[0]
    entries = re.split(r"\n +(\w+): ", arguments)
    return {
        name: read(name, text, m) for name, text in zip(entries[1::2], entries[2::2], strict=True)
    }


def read(name: str, text: str, m: Maker) -> Arg | Array:
    """A valid argument, by the entry of a docstring."""
    if name == "return_state":
        return m.flag()
    shape = re.search(r"\(((?:\.\.\.|[\w|]+)(?:, [\w|]+)*),?\)", text)
    number = re.search(r"number from (\S+) to ([\d.]+)", text)
    array = m.array(shape[1].replace(",", "")) if shape else None
    if number is None:
        return m.maybe(array) if name == "state" else array
    low, high = map(float, number.groups())
    one = m.number((low + high) / 2, lambda x: low <= x <= high)
    return one if array is None else m.number_or(one, array)


def mixer_class(name: str) -> type[mixers.Mixer]:
    return getattr(mixers, name)


def made(m: Maker, name: str) -> mixers.Mixer:
    make = mixer_class(name)
    m.sizes["d"], m.dtype = 4, torch.float32
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(4, 1 if make.expansion == "one" else 2)


def with_model(**args: Arg | Array) -> Example:
    owner = SequenceModel(6, 4, lambda: mixers.LinearAttention(4, 2), num_layers=2)
    return Example(args, owner, {"the weights": Array(torch.zeros(4), "d")})


def mixer_arguments(m: Maker, name: str) -> Example:
    expansion = mixer_class(name).expansion
    n = m.integer(1, 1) if expansion == "one" else m.integer(1)
    if expansion == "even":
        even = [2.0, 1, 3, 0, -2, True, None, "2", 1j, torch.tensor(2)]
        n = Arg(2, lambda x: is_integer(x) and x > 0 and x % 2 == 0, even)
    bounds = [None, 3, (1e-3,), (0.0, 0.1), (0.2, 0.1), (1e-3, math.inf), (math.nan, 0.1), "ab"]
    bounds += [(True, 2), ("1", "2"), (1j, 2), [0.1, None]]
    more = {
        "normalize": m.flag(),
        "eta": m.choice("exp", "softplus", "sigmoid"),
        "step_range": m.only((1e-3, 0.1), *bounds),
        "decay_range": m.only((0.5, 0.6), *bounds),
        "slowest": m.number(0.01, lambda x: x > 0),
        "poles": m.choice("lin", "inv", "legs"),
        "reversed_sigmoid": m.flag(),
        "learn_exponent": m.flag(),
        "forget_bias": m.number(1.0, lambda x: abs(x) <= 1e30),
    }
    known = inspect.signature(mixer_class(name)).parameters
    args = {"d_model": m.integer(1), "n": n}
    args |= {key: arg for key, arg in more.items() if key in known}
    if mixer_class(name).__module__ in ("dsf.mixers.gated", "dsf.mixers.delta"):
        return Example({**documented(mixer_class(name), m), **args})
    return Example(args)


def tokens_of(m: Maker, owner: Any, **args: Arg) -> Example:
    m.batch = m.batch[:1]
    weights = Array(torch.zeros(m.sizes["d"]), "d")
    return Example({"x": m.array("... L d"), **args}, owner, {"the weights": weights})


def positions(m: Maker) -> Array:
    m.batch = ()
    return Array(torch.zeros(m.size("m"), dtype=torch.int64), "... m", integer=True)


def train_config(m: Maker) -> Example:
    args = {
        **task(m).args,
        "task": m.choice("mqar"),
        "mixer": m.choice("softmax", "linear", "s6", "ssd"),
        "n": m.integer(1),
        "d_model": m.integer(1),
        "num_layers": m.integer(1),
        "conv_kernel": m.integer(0),
        "mlp_ratio": m.integer(0),
        "position_embedding": m.flag(),
        "init_std": m.number(0.1, lambda x: 0 < x <= 10),
        "steps": m.integer(1),
        "batch_size": m.integer(1),
        "learning_rate": m.number(0.1, lambda x: 0 < x <= 1),
        "warmup": m.number(0.1, lambda x: 0 <= x <= 1),
        "weight_decay": m.number(0.1, lambda x: 0 <= x <= 10),
        "report_every": m.integer(1),
        "num_validation": m.integer(1),
        "num_test": m.integer(1),
        "seed": m.integer(0, 2**63 - 1),
        "device": m.only("cpu", "abacus", "", None, True, 1j, [1], "cpu:x"),
        "compile": m.flag(),
        "start": m.choice(""),
        "forget_bias": m.only(0.0, math.nan, math.inf, 1.0, None, "0", 1j),
    }
    return Example(args, related=("seq_len", "vocab_size"))


def tokens(m: Maker) -> Array:
    return Array(torch.randint(6, (2, m.size("L"))), "N L", integer=True)


def places(m: Maker) -> Arg | Array:
    zeros = torch.zeros(2, m.size("m"), dtype=torch.int64)
    return m.maybe(Array(zeros, "N m", integer=True))


def convolution_forward(m: Maker) -> Example:
    m.dtype = torch.float32
    before = m.maybe(m.array("... 1 d"))
    return tokens_of(m, model.ShortConvolution(m.sizes["d"], 2), before=before)


def block_forward(m: Maker) -> Example:
    m.sizes["d"], m.sizes["N"], m.dtype = 4, 2, torch.float32
    example = tokens_of(m, model.Block(mixers.LinearAttention(4, 2)), **pieces(m))
    example.args |= {"x": m.array("N L d"), "positions": places(m)}
    return example


def x_only(m: Maker) -> Example:
    return Example({"x": m.array("... m")})


def comparable(m: Maker) -> Example:
    x = m.tensor("L n")
    same = [x, x.numpy(), x.tolist(), x.requires_grad_().clone()]
    wrong = [None, "text", [[1], [1, 2]], x.detach().to("meta"), {}, [None]]

    def valid(value: Any) -> bool:
        return any(value is one for one in same)

    def arg() -> Arg:
        return Arg(m.pick.choice(same), valid, same + wrong)

    text = Arg(None, lambda x: x is None or isinstance(x, str), ["name", None, 3, 1.0, True, []])
    tolerance = m.number(1e-3, lambda x: x >= 0)
    return Example({"actual": arg(), "expected": arg(), "tolerance": tolerance, "name": text})


def architecture(m: Maker) -> Example:
    batch = m.only((2,), None, 3, "22", (0,), (-1,), (2.0,), (True,), ("2",), torch.ones(1))
    dtype = m.only(torch.float32, torch.int64, torch.float16, None, "float32", 32, float)
    sizes = {"length": m.integer(1), "n": m.integer(1), "d": m.integer(1)}
    owner = ARCHITECTURES[m.pick.choice(sorted(ARCHITECTURES))]
    seed = m.integer(0, 2**63 - 1)
    return Example({**sizes, "batch": batch, "seed": seed, "dtype": dtype}, owner)


def methods_of(
    name: str, kind: Callable[..., Example], methods: tuple[str, ...]
) -> dict[str, Callable[[Maker], Example]]:
    """Examples of the methods of a system whose state is a matrix."""
    return {
        f"{name}.run": lambda m: continued(
            kind(
                m,
                u=m.array("... L d", True),
                method=m.choice(*methods),
                initial_state=m.maybe(m.array("... n d", True)),
                return_state=m.flag(),
            ),
            "initial_state",
        ),
        f"{name}.states": lambda m: continued(
            kind(m, u=m.array("... L d", True), initial_state=m.maybe(m.array("... n d", True))),
            "initial_state",
        ),
        f"{name}.step": lambda m: continued(
            kind(
                m,
                state=m.maybe(m.array("... n d", True)),
                u_i=m.array("... d", True),
                i=m.integer(0, m.sizes["L"] - 1),
            ),
            "state",
        ),
        f"{name}.matrix": kind,
        f"{name}.dense": lambda m: dense_width(m, kind),
        f"{name}.__getitem__": lambda m: piece_of(m, kind),
    }


EXAMPLES: dict[str, Callable[[Maker], Example]] = {
    # attention
    "kv_cache_system": lambda m: Example({**qkv(m, "q", "k"), "scale": scale(m)}),
    "linear_attention": lambda m: Example(
        {**qkv(m, "q", "k", "v"), "feature_map": map_of(m), "normalize": m.flag(), **pieces(m)}
    ),
    "linear_attention_system": lambda m: Example(
        {**qkv(m, "q", "k"), "feature_map": map_of(m), "normalize": m.flag(), "before": before(m)}
    ),
    "linear_attention_matrix": lambda m: Example(
        {**qkv(m, "q", "k"), "feature_map": map_of(m), "normalize": m.flag()}
    ),
    "normalized_attention": lambda m: Example(
        {**qkv(m, "q", "k", "v"), "eta": m.positive("... L"), **pieces(m)}
    ),
    "normalized_attention_system": lambda m: Example(
        {**qkv(m, "q", "k"), "eta": m.positive("... L"), "before": before(m)}
    ),
    "normalized_attention_matrix": lambda m: Example(
        {**qkv(m, "q", "k"), "eta": m.positive("... L")}
    ),
    "separable_attention_system": lambda m: Example(
        {
            "phi": m.array("... L n"),
            "psi": m.array("... L n"),
            "eta": m.maybe(m.positive("... L")),
            "before": before(m),
        }
    ),
    "softmax_attention": lambda m: Example(
        {**qkv(m, "q", "k", "v"), "scale": scale(m), **pieces(m)}
    ),
    "softmax_attention_system": lambda m: Example(
        {**qkv(m, "q", "k"), "order": m.integer(0), "scale": scale(m), "before": before(m)}
    ),
    "softmax_matrix": lambda m: Example({**qkv(m, "q", "k"), "scale": scale(m)}),
    # recurrences and recurrent networks
    "linear_recurrence": lambda m: continued(
        Example(
            {
                "transition": m.array("... L|1 d|1", True),
                "x": m.array("... L d", True),
                "initial_state": m.maybe(m.array("... d", True)),
            }
        ),
        "initial_state",
    ),
    "segment_products": lambda m: Example({"transition": m.array("... L", True)}),
    "elman": lambda m: Example(weights(m, "")),
    "elman_trajectory": lambda m: Example(weights(m, "")),
    "lstm": lambda m: Example(weights(m, "4")),
    "lstm_trajectory": lambda m: Example(weights(m, "4")),
    "qlstm": lambda m: Example({"u": m.array("... L d"), **qlstm(m), **pieces(m, "... 1 d")}),
    "qlstm_system": lambda m: Example(qlstm(m)),
    "qlstm_expanded": lambda m: Example({**expanded(m, "u"), **pieces(m, "... n d")}),
    "qlstm_expanded_system": lambda m: Example(expanded(m)),
    "rg_lru": lambda m: Example(
        {
            **gates(m, "u", "recurrence_gate", "input_gate"),
            "decay": m.array("d"),
            **pieces(m, "... 1 d"),
        }
    ),
    "rg_lru_system": lambda m: Example(
        {**gates(m, "recurrence_gate", "input_gate"), "decay": m.array("d")}
    ),
    "min_gru": lambda m: Example({**gates(m, "u", "update_gate"), **pieces(m, "... 1 d")}),
    "min_gru_system": lambda m: Example(gates(m, "update_gate")),
    # state space models
    "discretize": lambda m: Example(
        {
            "a": m.array("...", True),
            "b": m.array("...", True),
            "step": m.positive("..."),
            "rule": m.choice("zoh", "bilinear"),
        }
    ),
    "discretize_dense": lambda m: Example(
        {
            "a": m.array("... N N", True),
            "b": m.array("... N m", True),
            "step": m.number_or(m.number(0.7, lambda x: x > 0), m.positive("...")),
            "rule": m.choice("zoh", "bilinear"),
        },
        half=False,
    ),
    "spring": lambda m: Example(spring(m)),
    "spring_poles": lambda m: Example(spring(m)),
    "spring_response": lambda m: Example(
        {**spring(m), "time": m.array("..."), "kind": m.choice("impulse", "step")}
    ),
    "hippo_condition": lambda m: Example({"n": m.integer(1, 256)}),
    "hippo_legs": lambda m: Example({"n": m.integer(1)}),
    "hippo_legs_system": lambda m: Example({"length": m.integer(1), "n": m.integer(1)}),
    "hippo_normal": lambda m: Example({"n": m.integer(1)}),
    "hippo_reconstruct": lambda m: Example(
        {"coefficients": m.array("... n"), "places": m.array("p")}
    ),
    "s4d_poles": lambda m: Example({"kind": m.choice("lin", "inv", "legs"), "n": m.integer(1)}),
    "s4d": lambda m: continued(
        Example(
            {
                "u": m.array("... L d"),
                **s4d(m),
                "rule": m.choice("zoh", "bilinear"),
                **pieces(m, "... n d", True),
            }
        ),
        "state",
    ),
    "s4d_kernel": lambda m: Example(
        {**s4d(m), "length": m.integer(1), "rule": m.choice("zoh", "bilinear")}
    ),
    "s4d_matrix": lambda m: Example(
        {**s4d(m), "length": m.integer(1), "rule": m.choice("zoh", "bilinear")}
    ),
    "s4d_system": lambda m: Example(
        {**s4d(m), "length": m.integer(1), "rule": m.choice("zoh", "bilinear")}
    ),
    "s6": lambda m: Example({"u": m.array("... L d"), **s6(m), **pieces(m, "... n d")}),
    "s6_system": lambda m: Example(s6(m)),
    "ssd": lambda m: Example({"u": m.array("... L d"), **ssd(m), **pieces(m, "... n d")}),
    "ssd_matrix": lambda m: Example({name: x for name, x in ssd(m).items() if name != "skip"}),
    "ssd_system": lambda m: Example(ssd(m)),
    # the systems and the registry
    "LTVSystem": lambda m: Example({**arrays_of(m, SYSTEM), "normalizer": m.only(None, 3, "a")}),
    "LowRankSystem": lambda m: Example(arrays_of(m, LOW_RANK)),
    **methods_of("LTVSystem", system, LTVSystem.methods),
    **methods_of("LowRankSystem", low_rank, LowRankSystem.methods),
    "DenseSystem": lambda m: Example(arrays_of(m, DENSE)),
    "DenseSystem.run": lambda m: continued(
        dense(
            m,
            u=m.array("... L m", True),
            method=m.choice(*DenseSystem.methods),
            initial_state=m.maybe(m.array("... N", True)),
            return_state=m.flag(),
        ),
        "initial_state",
    ),
    "DenseSystem.states": lambda m: continued(
        dense(m, u=m.array("... L m", True), initial_state=m.maybe(m.array("... N", True))),
        "initial_state",
    ),
    "DenseSystem.step": lambda m: continued(
        dense(
            m,
            state=m.maybe(m.array("... N", True)),
            u_i=m.array("... m", True),
            i=m.integer(0, m.sizes["L"] - 1),
        ),
        "state",
    ),
    "DenseSystem.matrix": lambda m: dense(m),
    "DenseSystem.dense": lambda m: dense_width(m, dense),
    "Architecture.example": architecture,
    # checks and feature maps
    "check.same": comparable,
    "feature_maps.elu_plus_one": x_only,
    "feature_maps.exponential": x_only,
    "feature_maps.relu": x_only,
    "feature_maps.identity": x_only,
    "feature_maps.taylor_features": lambda m: Example(
        {"x": m.array("... m"), "order": m.integer(0)}
    ),
    "feature_maps.taylor": lambda m: Example({"order": m.integer(0)}),
    "feature_maps.taylor_size": lambda m: Example({"m": m.integer(1), "order": m.integer(0)}),
    "feature_maps.positive_random_features": lambda m: Example(
        {"x": m.array("... m"), "n": m.integer(1), "seed": m.integer(0, 2**63 - 1)}
    ),
    "feature_maps.positive_random": lambda m: Example(
        {"n": m.integer(1), "seed": m.integer(0, 2**63 - 1)}
    ),
    "feature_maps.PositiveRandom": lambda m: Example(
        {"n": m.integer(1), "seed": m.integer(0, 2**63 - 1)}
    ),
    "feature_maps.PositiveRandom.__call__": lambda m: Example(
        {"x": m.array("... m")}, PositiveRandom(3)
    ),
    "feature_maps.PositiveRandom.scaled": lambda m: Example(
        {"x": m.array("... m")}, PositiveRandom(3)
    ),
    # multi-query associative recall
    "mqar.generate": generate,
    "mqar.MQAR": task,
    "mqar.MQAR.check": lambda m: Example({}, dsf.mqar.MQAR()),
    "mqar.MQAR.draw": lambda m: draws(m, dsf.mqar.MQAR()),
    "mqar.MQAR.chance_levels": lambda m: Example({}, dsf.mqar.MQAR()),
    "mqar.check_task": lambda m: Example(recalls(m), related=("seq_len", "vocab_size")),
    "mqar.distinct": rows,
    "mqar.plackett_luce": lambda m: rows(m, power_a=m.number(0.5, lambda x: -10 <= x <= 10)),
    "mqar.chance_levels": lambda m: Example(
        {"num_kv_pairs": m.integer(1), "vocab_size": m.integer(2)}
    ),
    "mqar.asked_positions": lambda m: Example({"labels": m.integers("n L")}, needs_values=True),
    "mqar.accuracy": lambda m: Example(
        {"predictions": m.integers("n L"), "labels": m.integers("n L")}, needs_values=True
    ),
    "mqar.asked_pairs": asked,
    "mqar.position_level": lambda m: Example(
        {k: v for k, v in recalls(m).items() if k not in ("vocab_size", "random_non_queries")},
        related=("seq_len",),
    ),
    "mqar.describe": described,
    # theorems
    "theory.hankel_block": lambda m: Example(
        {"phi": m.array("... L L", True), "t": m.integer(1, m.sizes["L"] - 1)}
    ),
    "theory.hankel_ranks": lambda m: hankel(m, tol=tolerance(m)),
    "theory.minimal_state_size": smallest,
    "theory.taylor_kernel_bound": lambda m: Example(
        {"radius": m.number(2.0, lambda x: x >= 0), "order": m.integer(0)}
    ),
    "theory.attention_output_bound": lambda m: Example(
        {
            "epsilon": Arg(
                0.1, lambda x: is_real(x) and (0 <= x < 1e300 or x == math.inf), m.number(0.1).bad
            ),
            "v_max": m.number(2.0, lambda x: x >= 0),
        },
        infinite=True,
    ),
    "theory.truncation_error": lambda m: Example(
        {**qkv(m, "q", "k", "v"), "order": m.integer(0), "scale": scale(m)},
        needs_values=True,
        infinite=True,  # a bound where the kernel is far off
    ),
    "theory.is_nondecreasing": lambda m: Example({"eta": m.array("... L")}, needs_values=True),
    "theory.ssd_to_attention": lambda m: Example(
        {name: arg for name, arg in ssd(m).items() if name != "skip"}, needs_values=True
    ),
    "theory.attention_to_ssd": lambda m: Example(
        {
            "query_features": m.array("... L n"),
            "key_features": m.array("... L n"),
            "eta": m.growing("... L"),
            "a": m.number(-1.0, lambda x: x < 0),
        },
        needs_values=True,
        fits=lambda values: bool((values["eta"].diff() > 0).all()),
    ),
    "theory.change_realization": change,
    # what is trained
    "mixers.mixer_class": lambda m: Example({"name": m.choice(*mixers.MIXERS)}),
    "mixers.take": lambda m: Example({"x": m.array("... L d"), "positions": positions(m)}),
    "model.num_parameters": lambda m: Example({"model": m.only(nn.Linear(2, 2))}),
    "model.build_model": lambda m: Example(
        {"config": m.only(TrainConfig(d_model=4, n=2), None, 3, "softmax", {})}
    ),
    "model.save": lambda m: Example(
        {
            "model": m.only(build_model(TrainConfig(d_model=4, n=2)), None, 3, nn.Linear(2, 2)),
            "config": m.only(TrainConfig(d_model=4, n=2), None, 3, "softmax", {}),
            "path": m.only(os.devnull, None, 3, "", [os.devnull]),
        }
    ),
    "model.load": lambda m: Example(
        {"path": m.only(models.FOLDER / "softmax-4.safetensors", None, 3, "", [os.devnull])}
    ),
    "model.ShortConvolution": lambda m: Example({"d_model": m.integer(1), "kernel": m.integer(1)}),
    "model.ShortConvolution.forward": convolution_forward,
    "model.Block.forward": block_forward,
    "model.SequenceModel.forward": lambda m: with_model(
        tokens=tokens(m), positions=places(m), **pieces(m)
    ),
    "model.SequenceModel.step": lambda m: with_model(
        tokens=Array(torch.randint(6, (2,)), "N", integer=True), state=before(m)
    ),
    "model.SequenceModel.generate": lambda m: with_model(
        tokens=tokens(m),
        num_tokens=m.integer(0),
        temperature=m.number(0.5, lambda x: x >= 0),
        generator=m.only(None, 3, "text", True),
    ),
    "model.Block": lambda m: Example(
        {
            "mixer": m.only(mixers.LinearAttention(4, 2)),
            "conv_kernel": m.integer(0),
            "mlp_ratio": m.integer(0),
        }
    ),
    "model.SequenceModel": lambda m: Example(
        {
            "vocab_size": m.integer(1),
            "d_model": m.only(4, 0, -1, 4.0, True, None, "4", 1j),
            "mixer": m.only(lambda: mixers.LinearAttention(4, 2)),
            "num_layers": m.integer(1),
            "conv_kernel": m.integer(0),
            "mlp_ratio": m.integer(0),
            "max_length": m.integer(0),
            "init_std": m.number(0.1, lambda x: 0 < x < 1e30),
            "num_classes": m.maybe(m.integer(1)),
        }
    ),
    "TrainConfig": train_config,
    "TrainConfig.check": lambda m: Example({}, TrainConfig()),
    "TrainConfig.draw": lambda m: draws(m, TrainConfig()),
    "TrainConfig.chance_levels": lambda m: Example({}, TrainConfig()),
}


def example_of(name: str, m: Maker) -> Example:
    if name in EXAMPLES:
        return EXAMPLES[name](m)
    if name in (*dsf.gated.__all__, *dsf.delta.__all__):
        return Example(documented(getattr(dsf, name), m))
    prefix, _, rest = name.partition(".")
    kind, _, method = rest.partition(".")
    if prefix == "mixers" and inspect.isclass(getattr(mixers, kind)):
        if not method:
            return mixer_arguments(m, kind)
        owner = made(m, kind)
        if method == "at":
            return tokens_of(m, owner, positions=positions(m))
        if method == "forward":
            return tokens_of(m, owner, **pieces(m))
        parameters = [*inspect.signature(getattr(owner, method)).parameters]
        if parameters == ["x"]:
            return tokens_of(m, owner)
        if not parameters:
            return Example({}, owner)
    raise KeyError(f"no example for {name}: add one to EXAMPLES")


# --- is a call valid?


def fits_together(example: Example, values: dict[str, Any]) -> bool:
    """Whether the arrays have the shapes, precision and device that are promised."""
    arrays = {n: (values[n], a) for n, a in example.args.items() if isinstance(a, Array)}
    arrays |= {n: (a.value, a) for n, a in example.context.items()}
    known: dict[str, int] = {}
    batches, precisions, devices = [], set(), set()
    for x, arg in arrays.values():
        if not isinstance(x, Tensor) or x.numel() == 0:
            return False
        if arg.integer:
            if x.dtype != torch.int64:
                return False
        elif not (x.is_floating_point() or (x.is_complex() and arg.complex_too)):
            return False
        else:
            precisions.add(x.dtype.to_real())
        devices.add(x.device)
        letters = arg.shape.removeprefix("?").split()
        free = letters[:1] == ["..."]
        letters = letters[free:]
        if arg.shape.startswith("?"):
            letters = letters[max(0, len(letters) - x.ndim) :]
        lead = x.ndim - len(letters)
        if lead < 0 or (lead and not free):
            return False
        batches.append(x.shape[:lead])
        for letter, size in zip(letters, x.shape[lead:], strict=True):
            if letter == "1" and size != 1:
                return False
            if letter == "1" or (letter.endswith("|1") and size == 1):
                continue
            times, name = re.fullmatch(r"(\d*)(\w)(?:\|1)?", letter).groups()
            if size % int(times or 1) or known.setdefault(name, size // int(times or 1)) != (
                size // int(times or 1)
            ):
                return False
    try:
        np.broadcast_shapes(*batches)
    except ValueError:
        return False
    if len(precisions) > 1 or len(devices) > 1:
        return False
    if example.needs_values and devices == {torch.device("meta")}:
        return False
    return example.half or not any(p.itemsize < 4 for p in precisions)


def finite(result: Any) -> bool:
    """Whether all numbers in a result are finite."""
    if isinstance(result, Tensor):
        return result.is_meta or bool(torch.isfinite(result).all())
    if isinstance(result, float):
        return math.isfinite(result)
    if isinstance(result, tuple | list):
        return all(map(finite, result))
    if isinstance(result, LTVSystem):
        return finite([result.transition, result.input, result.output])
    return True


# --- the calls


def call(name: str, function: Callable[..., Any], seed: int) -> tuple[str, str]:
    """One call: its class, and a line about it."""
    m = Maker(seed)
    example = example_of(name, m)
    values = {key: arg.value for key, arg in example.args.items()}
    damaged = {}
    number = m.pick.choice([0, 1, 1, 1, 2])
    for key in m.pick.sample(sorted(values), min(number, len(values))):
        damaged[key], values[key] = example.args[key].damages(m.pick)
    others = {k: a for k, a in example.args.items() if not isinstance(a, Array)}
    valid = all(a.valid(values[k]) for k, a in others.items())
    valid = valid and fits_together(example, values) and example.fits(values)
    arrays = {k for k, a in example.args.items() if isinstance(a, Array)} | set(example.context)
    names = {key for key, how in damaged.items() if how != "nothing"} | set(example.related)
    if any(
        isinstance(example.args[k], Array) and not damaged[k].startswith("type") for k in damaged
    ):
        names |= arrays  # a shape may be laid at the door of the other one
    line = f"{name}: " + (", ".join(f"{k}: {how}" for k, how in damaged.items()) or "undamaged")
    bound = function if example.owner is None else bind(example.owner, name)
    try:
        result = bound(**values)
    except ValueError as error:
        message = str(error)
        if valid:
            return "valid, refused", f"{line}: {message}"
        named = any(re.match(rf"{re.escape(key)}\b", message) for key in names)
        kind = "refused by name" if named else "refused without name"
        return kind, f"{line}: {message}"
    except Exception as error:
        if isinstance(error, AssertionError) and name == "check.same":
            return "valid", line
        return "another exception", f"{line}: {type(error).__name__}: {str(error)[:100]}"
    if not valid:
        return "excluded, accepted", f"{line}: {describe(result)}"
    return ("valid" if example.infinite or finite(result) else "valid, not finite"), line


def bind(owner: Any, name: str) -> Callable[..., Any]:
    method = name.rpartition(".")[2]
    return getattr(owner, method)


PUBLIC = public()
FAULTS = ("valid, refused", "valid, not finite", "refused without name", "another exception")
FAULTS += ("excluded, accepted",)


def test_every_public_function_has_an_example_with_all_its_arguments():
    for name, function in PUBLIC.items():
        example = example_of(name, Maker(0))
        taken = set(inspect.signature(function).parameters) - {"self"}
        assert set(example.args) == taken, name
    assert not set(EXAMPLES) - set(PUBLIC), "examples of what is no longer there"


@pytest.mark.parametrize("name", PUBLIC)
def test_a_call_runs_or_is_refused_by_name(name):
    counts, faults = Counter(), []
    for seed in range(zlib.crc32(name.encode()), zlib.crc32(name.encode()) + CALLS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NaN among the damages makes NumPy and PyTorch talk
            kind, line = call(name, PUBLIC[name], seed)
        counts[kind] += 1
        if kind in FAULTS and not any(name == f and d in line for f, d in KNOWN):
            faults.append(f"{kind}: {line} (seed {seed})")
    assert not faults, "\n".join(faults)
    assert counts["valid"] > 0
    assert counts["refused by name"] > 0 or not example_of(name, Maker(0)).args
