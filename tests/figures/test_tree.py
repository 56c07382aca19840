"""The scan tree: it computes what a loop does, in the work and the rounds that it says."""

import math
from typing import Any

import pytest
import torch
from test_stills import stills

from dsf import LTVSystem, widgets
from dsf.widgets.tree import TOKENS, rounds

Pair = tuple[torch.Tensor, torch.Tensor]


def then(first: Pair, second: Pair) -> Pair:
    return second[0] * first[0], second[0] * first[1] + second[1]


@pytest.mark.parametrize("tokens", [2, *TOKENS, 64])
def test_the_rounds_compose_every_state(tokens: int) -> None:
    generator = torch.Generator().manual_seed(0)
    decay, x = torch.rand(2, tokens, generator=generator, dtype=torch.float64)
    pairs = list(zip(decay, x, strict=True))
    covered = [(j, j) for j in range(tokens)]
    for some in rounds(tokens):
        assert not {one.at for one in some} & {one.source for one in some}, "a dot waits"
        for at, source, first in some:
            assert covered[source][1] + 1 == covered[at][0], "neighbours"
            covered[at] = (covered[source][0], at)
            assert covered[at][0] == first
            pairs[at] = then(pairs[source], pairs[at])
    assert covered == [(0, j) for j in range(tokens)]
    one = torch.ones(tokens, 1, 1, dtype=torch.float64)
    system = LTVSystem(decay.reshape(-1, 1, 1), x.reshape(-1, 1, 1), one)
    assert torch.allclose(torch.stack([h for _, h in pairs]), system.run(one[:, 0]).flatten())


@pytest.mark.parametrize("tokens", TOKENS)
def test_work_and_rounds_are_those_of_chapter_6(tokens: int) -> None:
    levels = int(math.log2(tokens))
    assert len(rounds(tokens)) == 2 * levels - 1
    assert sum(map(len, rounds(tokens))) == 2 * tokens - 2 - levels
    states = [int(row[2]) for row in widgets.ScanTree(tokens=tokens).table()[2][: 2 * levels]]
    assert states == sorted(states)
    assert states[-1] == tokens > states[-2]


def test_the_figure_says_the_numbers_of_the_package_after_every_round() -> None:
    shown: list[Any] = [widgets.ScanTree(tokens=t, round=r) for t in TOKENS for r in range(8)]
    for widget, page in zip(shown, stills(*shown), strict=True):
        rows = [[cell.text for cell in row.select("th, td")] for row in page.select("tbody tr")]
        assert rows == widget.table()[2]
        _, made, states, loop, there = rows[widget.done()]
        picture = page.select_one("svg[role=img]")
        assert len(picture.select("circle")) == int(made)
        said = picture["aria-label"]
        assert f"tree, {made} composition" in said
        assert f"{states} of {widget.tokens} states" in said
        assert f"loop, {loop} composition" in said
        assert f"has {there} states." in page.select_one(".dsf-finding").text or widget.done() == 0
        labels = [text.text for text in picture.select("g.dsf-name text")]
        wanted = [
            f"{c.first}–{c.at}" for some in rounds(widget.tokens)[: widget.done()] for c in some
        ]
        assert labels == wanted
