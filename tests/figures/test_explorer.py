"""The five steps of the explorer: each shows its part, with the numbers of the package."""

import re
from typing import Any

import pytest
import torch
from bs4 import Tag
from layers import Layer, layers
from test_stills import stills

from dsf import attention, widgets
from dsf.widgets.base import fixed, number
from dsf.widgets.explorer import IN_PAGE

STEPS = ("write", "decay", "read", "product", "phi")
SIZES = range(1, 17)
DRAWS = 100  # of the mean


def answered(layer: Layer) -> list[tuple[int, int, bool]]:
    """The tokens that ask, where their row of Φ has its largest entry, whether that is right."""
    phi = layer.matrix()[0].abs()
    found = []
    for i, wanted in enumerate(layer.matches):
        if wanted:
            row = phi[i, : i + 1]
            best = int((row > row.max() * (1 - 1e-9)).nonzero()[0])  # the first of equal ones
            found.append((i, best, best in wanted))
    return found


def hits(layer: Layer) -> int:
    return sum(right for _, _, right in answered(layer))


def recalled(page: Tag) -> str:
    return str(page.select_one(".dsf-number strong").text)


def table(page: Tag) -> list[list[str]]:
    rows = page.select(".dsf-data tbody tr")
    return [[cell.text for cell in row.select("th, td")] for row in rows]


@pytest.mark.parametrize("name", IN_PAGE)
def test_what_is_recalled_is_what_the_package_computes(name: str) -> None:
    sizes = (1, 4, 8, 16)
    shown = stills(*(widgets.DSFExplorer(architecture=name, n=n) for n in sizes))
    found = layers([{"name": name, "kind": "mqar", "n": n} for n in sizes])
    for page, layer in zip(shown, found, strict=True):
        given = answered(layer)
        assert len(given) == 4
        assert recalled(page) == f"{hits(layer)} of 4"
        assert f"recalls {hits(layer)} of 4 pairs" in page.select_one(".dsf-finding").text
        assert [row[2].split(",")[0] for row in table(page)] == [str(best) for _, best, _ in given]
        marks = [text.text for text in page.select(".dsf-phi text") if text.text in "✓✗"]
        assert marks == ["✓" if right else "✗" for *_, right in given]


@pytest.mark.parametrize(("name", "n"), [("linear", 4), ("s6", 16), ("softmax", 15)])
def test_the_mean_is_that_of_the_package(name: str, n: int) -> None:
    [page] = stills(widgets.DSFExplorer(architecture=name, n=n))
    asked = [{"name": name, "kind": "mqar", "n": n, "seed": seed} for seed in range(DRAWS)]
    mean = sum(map(hits, layers(asked))) / DRAWS
    said = page.select_one(".dsf-recalled .dsf-note").text
    assert said == f"in the mean of {DRAWS} draws: {fixed(mean, 1)} of 4"
    assert f"recalls {fixed(mean, 1)} of 4 answers" in page.figcaption.text


@pytest.mark.parametrize("name", ["linear", "ssd"])
def test_a_state_that_loses_half_of_the_pairs_is_followed_by_none_that_does_not(name: str) -> None:
    shown = stills(*(widgets.DSFExplorer(architecture=name, n=n) for n in SIZES))
    said = [page.select_one(".dsf-recalled .dsf-note").text for page in shown]
    enough = [float(re.search(r"([\d.]+) of 4", text)[1]) >= 2 for text in said]
    assert enough[-1], "more than half come back at first"
    assert enough == sorted(enough), "what failed stays failed"
    assert not enough[0]


@pytest.mark.parametrize("name", ["linear", "ssd", "s6", "softmax", "qlstm"])
def test_the_draw_that_was_chosen_is_like_the_mean(name: str) -> None:
    [page] = stills(widgets.DSFExplorer(architecture=name))
    mean = float(re.search(r"([\d.]+) of 4", page.select_one(".dsf-recalled .dsf-note").text)[1])
    assert abs(int(recalled(page)[0]) - mean) < 0.5


def test_each_row_of_phi_has_its_own_scale() -> None:
    for page in stills(*(widgets.DSFExplorer(architecture=name) for name in ("linear", "s6"))):
        full = set()
        for path in page.select(".dsf-phi .dsf-heat path"):
            if float(path["stroke-opacity"]) == 1:
                full |= {int(y) for _, y in re.findall(r"M(\d+) (\d+)", path["d"])}
        assert full >= set(range(1, 24))
        assert "the largest size in the row" in page.select(".dsf-note")[-1].text


@pytest.mark.parametrize("name", IN_PAGE)
def test_every_step_has_the_numbers_of_the_package(name: str) -> None:
    time, source, channel = 11, 6, 1
    state = {"architecture": name, "n": 5, "time": time, "source": source, "channel": channel}
    shown = stills(*(widgets.DSFExplorer(shown=step, **state) for step in STEPS[:4]))
    pages = dict(zip(STEPS, shown, strict=False))
    [layer] = layers([{"name": name, "kind": "mqar", "n": 5}])
    system, u = layer.system, layer.u
    states, outputs = system.states(u), system.run(u)
    y = number(float(outputs[time, channel]))
    assert f"y = {y}" in pages["read"].select_one(".dsf-data caption").text
    assert f" = {y} in channel 1" in pages["read"].select_one(".dsf-finding").text
    entry = number(float(layer.matrix()[channel, time, source]))
    assert table(pages["product"])[-1][-1] == entry
    assert f"= {entry}" in pages["product"].select_one(".dsf-finding").text
    if not states.is_complex():
        written = (system.input[time] * u[time])[..., channel].expand(system.n)
        assert [row[-1] for row in table(pages["write"])] == [number(float(x)) for x in written]
        now = states[time, :, channel]
        assert [row[-1] for row in table(pages["decay"])] == [number(float(x)) for x in now]
        share = (system.transition[time] * states[time - 1]).norm() / states[time - 1].norm()
        assert (
            f"{fixed(float(100 * share), 0)} % " in pages["decay"].select_one(".dsf-finding").text
        )


def shapes(page: Tag) -> dict[str, str]:
    return {
        tile.select_one("div").text: tile.select("div")[1].text for tile in page.select(".dsf-tile")
    }


@pytest.mark.parametrize(
    ("name", "transition", "written"),
    [("ssd", "1 × 1", "16 × 1"), ("s6", "16 × 4", "16 × 4"), ("rg_lru", "1 × 4", "1 × 4")],
)
def test_arrays_have_the_shapes_that_the_system_holds(
    name: str, transition: str, written: str
) -> None:
    figures = [widgets.DSFExplorer(architecture=name, shown=step) for step in ("write", "decay")]
    write, decay = map(shapes, stills(*figures))
    assert (write["B8"], write["u8"]) == (written, "1 × 4")
    assert decay["Λ8"] == transition
    n = "1" if name == "rg_lru" else "16"
    assert decay["H8"] == decay["H7"] == write["B8u8"] == f"{n} × 4"


def test_each_step_shows_only_what_it_is_about() -> None:
    parts = {
        step: {tile.select_one("div").text for tile in page.select(".dsf-tile")}
        for step, page in zip(
            STEPS, stills(*(widgets.DSFExplorer(shown=s) for s in STEPS)), strict=True
        )
    }
    assert parts["write"] == {"B8", "u8", "B8u8"}
    assert parts["decay"] == {"Λ8", "H7", "Λ8⊙H7", "B8u8", "H8"}
    assert parts["read"] == {"C8", "H8", "C8⊙H8", "y8"}
    assert parts["product"] == {"C8", "Λ8⋯Λ4", "B3", "product", "Φ8,3"}
    assert parts["phi"] == set()


def test_the_first_step_writes_into_nothing_and_the_diagonal_has_no_transition() -> None:
    decay, product = stills(
        widgets.DSFExplorer(shown="decay", time=0), widgets.DSFExplorer(shown="product", source=8)
    )
    assert "the state before it is zero" in decay.select_one(".dsf-finding").text
    assert "no transition lies between" in product.select_one(".dsf-finding").text


def test_the_stand_in_recalls_what_the_softmax_does_and_says_how_far_off_it_is() -> None:
    found = layers([{"name": "softmax", "kind": "mqar", "n": 15, "seed": s} for s in range(DRAWS)])
    for layer in found:
        q, k = layer.given["q"], layer.given["k"]
        exact = attention.softmax_attention(q, k, torch.eye(len(q), dtype=q.dtype))
        for i, best, right in answered(layer):
            assert right
            assert int(exact[i].argmax()) == best
    layer = found[3]  # the first of the figure
    q, k = layer.given["q"], layer.given["k"]
    exact = attention.softmax_attention(q, k, torch.eye(len(q), dtype=q.dtype))
    gap = float((exact - layer.matrix()[0]).abs().max())
    [page] = stills(widgets.DSFExplorer(architecture="softmax"))
    assert f"differ by up to {number(gap)}" in page.select_one(".dsf-finding").text
    assert "Taylor stand-in" in page.figcaption.text


@pytest.mark.parametrize("kind", ["random", "impulse"])
def test_where_nothing_is_asked_nothing_is_counted(kind: str) -> None:
    [page] = stills(widgets.DSFExplorer(input=kind))
    assert page.select_one(".dsf-recalled") is None
    assert "recall" not in page.select_one(".dsf-finding").text


def test_a_step_that_there_is_not_is_refused() -> None:
    widget: Any = widgets.DSFExplorer()
    with pytest.raises(Exception, match="shown"):
        widget.shown = "step"
