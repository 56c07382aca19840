import dataclasses
import io
import itertools
import os
import re
import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pytest
import torch
from contrast import contrast, linear_rgb

mpl.use("agg")

import matplotlib.pyplot as plt

import dsf
from dsf import ARCHITECTURES, check, looks, plots

WHITE, DARK, DARK_THEME = "#ffffff", "#121212", "#14181e"  # the last is the dark page of the theme


@pytest.fixture(autouse=True)
def book_style():
    with mpl.rc_context():
        plots.use_book_style()
        yield
    plt.close("all")


# Colour blindness as a matrix on linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.
VISION = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def oklab(rgb):
    """Linear RGB to OKLab (Ottosson 2020), in which distance is difference to the eye."""
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(to_lab) @ np.cbrt(np.array(to_lms) @ np.clip(rgb, 0, 1))


# --- colours


def test_text_is_readable_on_light_and_dark_pages():
    assert contrast("black", WHITE) == pytest.approx(21)
    assert contrast(plots.NEUTRAL, WHITE) >= 4.5
    assert contrast(plots.NEUTRAL, DARK) >= 4
    assert contrast(plots.NEUTRAL, DARK_THEME) >= 3.9


@pytest.mark.parametrize("name", plots.COLORS)
def test_lines_stand_out_on_light_and_dark_pages(name):
    for page in (WHITE, DARK, DARK_THEME):
        assert contrast(plots.COLORS[name], page) >= 3


@pytest.mark.parametrize("vision", VISION)
def test_colors_are_distinct_in_every_kind_of_color_vision(vision):
    # 0.02 is a just noticeable difference in OKLab; ask for more than three of them.
    colors = dict.fromkeys(plots.COLORS.values())
    labs = {color: oklab(VISION[vision] @ linear_rgb(color)) for color in colors}
    for one, other in itertools.combinations(labs, 2):
        assert np.linalg.norm(labs[one] - labs[other]) > 0.065, (one, other)


def test_the_paper_has_a_color_each_and_what_came_later_that_of_its_family():
    paper = {entry.name for entry in ARCHITECTURES.values() if entry.chapter <= 8}
    colors = {name: plots.COLORS[name] for name in paper}
    assert len(set(colors.values())) == len(paper)
    for name, entry in ARCHITECTURES.items():
        of_family = {
            colors[other] for other in paper if ARCHITECTURES[other].family == entry.family
        }
        assert plots.COLORS[name] in of_family


def later(count, monkeypatch):
    """The looks if `count` more architectures of every family came after the paper."""
    more = {
        f"{family}_{k}": dataclasses.replace(ARCHITECTURES["s6"], family=family, chapter=13)
        for k in range(count)
        for family in looks.FAMILY_COLORS
    }
    monkeypatch.setattr(looks, "ARCHITECTURES", {**ARCHITECTURES, **more})
    return looks._looks()


def test_there_is_room_for_what_comes_without_a_change(monkeypatch):
    found = later(5, monkeypatch)
    assert found.items() >= looks.LOOKS.items(), "what is there already keeps its look"
    assert len(set(found.values())) == len(found)
    without_color = {(symbol, dash) for _, symbol, dash in found.values()}
    assert len(without_color) == len(found)


def test_a_family_without_a_color_is_refused(monkeypatch):
    stranger = dataclasses.replace(ARCHITECTURES["s6"], family="moe", chapter=13)
    monkeypatch.setattr(looks, "ARCHITECTURES", {**ARCHITECTURES, "new": stranger})
    with pytest.raises(ValueError, match="family of new is 'moe', expected one of attention"):
        looks._looks()


def test_a_line_has_color_marker_and_dash():
    look = {"color": plots.COLORS["s6"], "marker": plots.MARKERS["s6"], "linestyle": "-"}
    assert plots.line_style("s6") == look
    assert plots.line_style("neutral")["color"] == plots.NEUTRAL
    with pytest.raises(ValueError, match="name is 's7', expected one of softmax, linear"):
        plots.line_style("s7")


# --- the style


def svg():
    file = io.BytesIO()
    plt.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue().decode()


def test_the_same_picture_is_the_same_bytes_without_a_background():
    pictures = []
    for _ in range(2):
        plt.close("all")
        plots.plot_matrices({"Φ": torch.eye(4), "Ψ": torch.ones(4, 4)})
        pictures.append(svg())
    assert pictures[0] == pictures[1]
    assert "<dc:date>" not in pictures[0]
    patches = re.findall(r'<g id="patch_[12]">\s*<path[^>]*style="([^"]*)"', pictures[0])
    assert len(patches) == 2  # the figure and the first axes
    assert all(style.startswith("fill: none") for style in patches)


def test_text_and_ticks_have_the_neutral_color():
    _, ax = plt.subplots()
    ax.set_title("title")
    ax.plot([0, 1], [0, 1])
    ax.set_xlabel("x")
    text = [ax.title, ax.xaxis.label, *ax.get_xticklabels(), *ax.spines.values()]
    for artist in text:
        color = artist.get_edgecolor() if hasattr(artist, "get_edgecolor") else artist.get_color()
        assert mpl.colors.to_hex(color) == plots.NEUTRAL
    assert mpl.colors.to_hex(ax.lines[0].get_color()) == plots.COLORS["softmax"]


def test_a_notebook_gets_svg_without_a_date(tmp_path):
    code = """
from IPython.testing.globalipapp import start_ipython
shell = start_ipython()
import dsf
from dsf import ARCHITECTURES, check, looks, plots
plots.use_book_style()
plots.plot_states([[1.0, 2.0]])
formatters = shell.display_formatter.formatters
formatters["image/svg+xml"].enabled = formatters["image/png"].enabled = True
svg = formatters["image/svg+xml"](plots.plt.gcf())
assert "<svg" in svg and "<dc:date>" not in svg
assert formatters["image/png"](plots.plt.gcf()) is None
"""
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


# --- the plots


def test_values_of_both_signs_get_zero_in_the_middle_of_a_diverging_map():
    _, ax = plt.subplots()
    image = plots.heatmap(ax, torch.tensor([[1.0, -3.0], [0.0, 2.0]]))
    assert image.get_clim() == (-3, 3)
    for value, color in ((-3, looks.MINUS), (3, looks.PLUS)):
        assert mpl.colors.to_hex(image.to_rgba(value), keep_alpha=True) == color + "ff"
    assert image.to_rgba(0)[3] == 0, "zero is the page"


def test_values_of_one_sign_start_at_zero_and_rounding_is_not_a_sign():
    _, ax = plt.subplots()
    image = plots.heatmap(ax, [[1.0, 3.0], [-1e-17, 2.0]])
    assert image.get_clim() == (0, 3)
    assert image.get_cmap() == plots.SEQUENTIAL
    assert image.to_rgba(0)[3] == 0, "zero is the page"
    assert plots.heatmap(ax, np.zeros((2, 2))).get_clim() == (0, 1)


def test_a_causal_matrix_is_drawn_without_its_upper_triangle():
    _, ax = plt.subplots()
    phi = torch.arange(1.0, 10).reshape(3, 3).requires_grad_()
    shown = plots.heatmap(ax, phi, title="Φ", causal=True).get_array()
    assert np.array_equal(shown.mask, np.triu(np.ones((3, 3), dtype=bool), 1))
    assert np.array_equal(shown.filled(0), np.tril(phi.detach().numpy()))
    assert ax.get_title() == "Φ"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_several_matrices_share_one_scale_and_one_color_bar(count):
    plots.plot_matrices({f"Φ{i}": (i + 1) * torch.eye(3) for i in range(count)})
    images = [ax for ax in plt.gcf().axes if ax.images]
    assert [ax.get_title() for ax in images] == [f"Φ{i}" for i in range(count)]
    assert {ax.images[0].get_clim() for ax in images} == {(0, count)}
    bars = [ax for ax in plt.gcf().axes if ax.get_label() == "<colorbar>"]
    assert len(bars) == 1


def test_one_negative_matrix_makes_all_maps_diverging():
    plots.plot_matrices({"a": torch.eye(2), "b": -2 * torch.eye(2)})
    images = [ax.images[0] for ax in plt.gcf().axes if ax.images]
    assert {image.get_clim() for image in images} == {(-2, 2)}


def test_states_are_drawn_with_the_channel_outside_and_the_feature_inside():
    states = torch.arange(24.0).reshape(4, 3, 2)  # L, n, d
    plots.plot_states(states, title="H")
    ax = plt.gcf().axes[0]
    rows = ax.images[0].get_array()
    assert rows.shape == (6, 4)
    for channel, feature in itertools.product(range(2), range(3)):
        expected = states[:, feature, channel].numpy()
        assert np.array_equal(rows[channel * 3 + feature], expected)
    assert [line.get_ydata()[0] for line in ax.lines] == [2.5]
    assert ax.get_title() == "H"


# --- the state strip


def strip(system, i, u=None, initial_state=None):
    """What the state strip shows: shapes in letters and arrays, by symbol; the axes' lengths."""
    plots.plot_step(system, i, u, initial_state)
    [ax] = plt.gcf().axes
    texts = [text.get_text() for text in ax.texts]
    arrays = {image.get_label(): image.get_array() for image in ax.images}
    shapes = {name: texts[texts.index(name) + 1] for name in arrays}
    lengths = dict(re.findall(r"([nd]) = (\d+)", " ".join(texts)))
    signs = "".join(text for text in texts if text[:1] in "=⊙+·" and "₀" not in text)
    return arrays, shapes, {name: int(length) for name, length in lengths.items()}, signs


def example(name, length=7, n=3, d=2):
    entry = ARCHITECTURES[name]
    u, _, arguments = entry.example(length, n, d, seed=1, dtype=torch.float64)
    return entry.system(**arguments), u


SHAPES_OF_LAMBDA = {
    "linear": "1",
    "ssd": "1",
    "s6": "n × d",
    "rg_lru": "1 × d",
    "deltanet": "n × n",
}


@pytest.mark.parametrize("name", SHAPES_OF_LAMBDA)
def test_a_step_shows_the_arrays_in_the_shapes_that_the_system_holds(name):
    system, u = example(name)
    arrays, shapes, lengths, _ = strip(system, 5, u)
    low_rank = isinstance(system, dsf.LowRankSystem)
    transition = system.dense(2).transition[:, :3, :3] if low_rank else system.transition
    wanted = {"Λ₅": transition[5], "B₅": system.input[5], "C₅": system.output[5]}
    states = system.states(u)
    wanted |= {"H₅": states[5], "H₄": states[4], "u₅": u[5:6], "y₅": system.run(u)[5:6]}
    if system.feedthrough is not None:
        wanted["D₅"] = system.feedthrough.expand(7, -1)[5:6]
    assert arrays.keys() == wanted.keys()
    for symbol, array in wanted.items():
        check.same(arrays[symbol], array, name=symbol)
    assert shapes["Λ₅"] == SHAPES_OF_LAMBDA[name]
    assert (shapes["H₅"], shapes["u₅"], shapes["y₅"]) == ("n × d", "d", "d")
    assert lengths == {"n": system.n, "d": 2}


@pytest.mark.parametrize("i", [0, 6])
def test_what_a_step_shows_is_the_step(i):
    system, u = example("s6")
    arrays, *_ = strip(system, i, u, torch.ones(3, 2, dtype=torch.float64))
    y, c, now, feedthrough, token = (arrays[f"{letter}{'₀₁₂₃₄₅₆'[i]}"] for letter in "yCHDu")
    transition, before, b = list(arrays.values())[1:4]
    check.same(now, transition * before + b * token, name="H")
    check.same(y[0], (c * now).sum(0) + feedthrough[0] * token[0], name="y")


def test_the_first_step_starts_from_zero_and_the_signs_say_what_is_done():
    arrays, _, _, signs = strip(example("linear")[0], 0, torch.ones(7, 2).double())
    assert not arrays["H₋₁"].any()
    assert signs == "=⊙+·= Σ⊙"
    _, _, _, signs = strip(example("deltanet")[0], 1, torch.ones(7, 2).double())
    assert signs == "=+·= Σ⊙", "a matrix multiplies the state"


def test_a_step_has_one_color_scale_an_array_with_zero_in_the_middle():
    system, u = example("ssd")
    plots.plot_step(system, 5, u)
    images = {image.get_label(): image for image in plt.gca().images}
    for symbol, whole in (("H₅", system.states(u)), ("H₄", system.states(u)), ("B₅", system.input)):
        size = float(whole.abs().max())
        assert images[symbol].get_clim() == pytest.approx((-size, size))
        assert images[symbol].get_cmap() == plots.DIVERGING


@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 6), (4, 1), (16, 16), (64, 4), (3, 200)])
def test_a_step_fits_a_column_and_can_be_read_on_a_phone(n, d):
    plots.plot_step(example("s6", n=n, d=d)[0], 2, torch.ones(7, d, dtype=torch.float64))
    figure = plt.gcf()
    with warnings.catch_warnings(action="error"):
        figure.savefig(io.BytesIO(), bbox_inches="tight")  # as in a notebook
    box = figure.get_tightbbox()
    assert box.width <= 5.4
    assert box.height <= 7
    shrunk = min(1, 328 / (96 * box.width))  # a phone of 360 pixels less its margins
    for text in figure.axes[0].texts:
        assert text.get_size() / 72 * 96 * shrunk >= 9


def test_complex_systems_show_their_real_part():
    system, u = example("s4d")
    assert system.transition.is_complex()
    arrays, *_ = strip(system, 3, u)
    check.same(arrays["Λ₃"], system.transition[3].real, name="Λ")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.plot_matrices({}), "matrices is {}, expected at least one"),
        (lambda: plots.plot_matrices({"Φ": torch.ones(3)}), r"matrices\['Φ'\] has shape \(3,\)"),
        (lambda: plots.plot_states(torch.ones(3)), r"states has shape \(3,\).*2 or 3 axes"),
        (lambda: plots.plot_states(torch.ones(0, 2)), r"states has shape \(0, 2\)"),
        (lambda: plots.plot_states(torch.ones(3, 2) * 1j), "states has .*complex64"),
        (lambda: plots.plot_matrices([torch.ones(2, 2)]), "matrices is .*, expected at least one"),
        (
            lambda: plots.plot_matrices({"Φ": torch.ones(2, 2)}, causal=1),
            "causal is 1, expected True",
        ),
        (lambda: plots.plot_step(example("ssd")[0], 7), "i is 7, expected an integer from 0 to 6"),
        (lambda: plots.plot_step(example("ssd")[0], -1), "i is -1, expected an integer"),
        (lambda: plots.plot_step(example("ssd")[0], True), "i is True, expected an integer"),
        (lambda: plots.plot_step(None, 0), "system is None, expected an LTVSystem or a LowRank"),
        (lambda: plots.plot_step(example("linear")[0], 0), r"u is None, expected inputs \(L, d\)"),
        (lambda: plots.plot_step(example("ssd")[0], 0, torch.ones(3, 2).double()), "u has shape"),
        (
            lambda: plots.plot_step(example("ssd")[0], 0, torch.ones(4, 7, 2).double()),
            r"the leading axes \(4,\), expected one sequence",
        ),
        (lambda: plots.heatmap(plt.gca(), [["a"]]), "matrix is 'a', expected numbers"),
        (lambda: plots.heatmap(plt.gca(), [[1], [1, 2]]), "matrix is .*, expected a rectangular"),
        (lambda: plots.heatmap(plt.gca(), [[1]], causal=None), "causal is None, expected True"),
        (lambda: plots.heatmap(plt.gca(), [[1]], limits=1), "limits is 1, expected a pair"),
        (lambda: plots.heatmap(plt.gca(), [[1]], limits=(1, 1)), r"limits\[1\] is 1, .* > 1"),
        (lambda: plots.heatmap(plt.gca(), [[1]], limits=(None, 1)), r"limits\[0\] is None"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_importing_the_package_does_not_import_matplotlib():
    code = "import sys, dsf; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
