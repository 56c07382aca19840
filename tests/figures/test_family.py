"""The family picture: what it says of every architecture, and what chapter 9 says of it."""

from typing import Any

import pytest
import torch
from test_hooks import question
from test_stills import stills
from test_widgets_browser import write_page

from book import asking
from dsf import ARCHITECTURES, Architecture, DenseSystem
from dsf.widgets import FamilyPicture, family

CAN = {name: set(family.able(name)) for name in ARCHITECTURES}
PAPER = [name for name, entry in ARCHITECTURES.items() if entry.chapter <= 8]


def test_of_the_paper_two_forget_and_look_up() -> None:
    assert [name for name in PAPER if {"forget", "look"} <= CAN[name]] == ["s6", "ssd"]


@pytest.mark.parametrize("name", [n for n, e in ARCHITECTURES.items() if "-1" in e.depends_on])
def test_a_normaliser_makes_nothing_forget(name: str) -> None:
    assert "forget" not in CAN[name], "its ratios cancel, whatever it depends on"


def test_only_what_needs_all_keys_has_no_fixed_state() -> None:
    unbounded = [name for name, entry in ARCHITECTURES.items() if entry.state_size == r"\infty"]
    assert [name for name, can in CAN.items() if "finite" not in can] == unbounded


def test_what_treats_all_times_alike_can_neither_forget_nor_look_up() -> None:
    for can in CAN.values():
        assert "alike" not in can or not {"forget", "look", "flip"} & can


def test_one_number_a_channel_cannot_look_up() -> None:
    for name, entry in ARCHITECTURES.items():
        assert entry.state_size != "d" or "look" not in CAN[name]


def test_a_sign_turns_where_a_transition_is_negative_for_some_tokens() -> None:
    for name, entry in ARCHITECTURES.items():
        system = entry.system(**entry.example(40, 1, 1, dtype=torch.float64).system)
        transition = system.dense(1).transition
        negative = (transition.real < 0).flatten(1).any(-1)[1:]
        turns = bool(negative.any()) and not bool(negative.all())
        assert turns == ("flip" in CAN[name])


def test_what_averages_divides_by_all_that_it_has_read() -> None:
    assert [name for name in PAPER if "average" in CAN[name]] == ["softmax", "linear"]


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_other_arguments_say_the_same(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ARCHITECTURES[name]
    plain = type(entry).example

    def other(self: Any, *sizes: Any, seed: int = 0, **more: Any) -> Any:
        return plain(self, *sizes, seed=seed + 10 * wanted, **more)

    wanted = seed
    monkeypatch.setattr(type(entry), "example", other)
    assert {ability for ability, (_, test) in family.ABILITIES.items() if test(entry)} == CAN[name]


def _window(q: torch.Tensor, k: torch.Tensor, width: int = 4) -> DenseSystem:
    """Softmax attention over the last few tokens, for one channel: the state holds their values."""
    length = len(q)
    past = torch.arange(length)[:, None] - torch.arange(width)
    scores = (q[:, None] * k[past.clamp(min=0)]).sum(-1).masked_fill(past < 0, -torch.inf)
    return DenseSystem(
        transition=torch.ones(width - 1).double().diag(-1).expand(length, width, width),
        input=torch.eye(width, 1).double().expand(length, width, 1),
        output=scores.softmax(-1)[:, None],
        feedthrough=torch.zeros(length, 1, 1).double(),
    )


def _window_arguments(normal: Any, length: int, n: int, d: int) -> tuple[str, Any, Any]:
    return "v", {"q": normal(length, n), "k": normal(length, n)}, {}


def test_a_window_looks_up_and_cannot_be_told_to_forget() -> None:
    """Most of its weights are 0, and stay 0."""
    window = Architecture(
        name="window",
        title="Softmax attention in a window",
        family="attention",
        native=_window,
        system=_window,
        transition="J_w",
        depends_on="nothing: it is constant",
        paper="vaswani2017",
        chapter=13,
        arguments=_window_arguments,
    )
    weights = family.example_matrices(window)
    assert (weights[:, -1] != 0).sum(-1).tolist() == [4, 4]
    can = {ability for ability, (_, test) in family.ABILITIES.items() if test(window)}
    assert can == {"look", "finite", "average", "shared"}


def test_what_is_0_before_and_after_says_nothing_and_what_turns_0_does() -> None:
    row = torch.tensor([[0.0, 2.0, 4.0]])
    assert not family._turns(row, 3 * row)
    assert family._turns(row, torch.tensor([[0.0, 0.0, 4.0]]))
    assert family._turns(row, torch.tensor([[1.0, 2.0, 4.0]]))


def test_every_demand_of_the_figure_has_a_test_and_every_test_its_demand() -> None:
    assert set(FamilyPicture.class_trait_names(figure=True)) == set(family.ABILITIES)


def test_the_demands_that_chapter_9_asks_for_are_the_least_that_do() -> None:
    asked = asking.conditions(question("09", "ask:map-demands").right)
    wanted = {name for name, _, value in asked if value == "true"}
    assert all(wanted <= CAN[name] for name in ("ssd", "s6"))
    assert not any(wanted <= CAN[name] for name in ("linear", "rg_lru"))
    for one in CAN["ssd"] & CAN["s6"]:
        assert one in CAN["linear"] | CAN["rg_lru"], "one demand is not enough"


@pytest.mark.parametrize("demand", [[], ["forget"], ["forget", "look"], list(family.ABILITIES)])
def test_the_figure_marks_and_counts_those_that_can(demand: list[str]) -> None:
    [page] = stills(FamilyPicture(**dict.fromkeys(demand, True)))
    titles = {e.title for name, e in ARCHITECTURES.items() if set(demand) <= CAN[name]}
    shown = page.select(".dsf-model")
    assert len(shown) == len(ARCHITECTURES)
    assert {model.text.removeprefix("✓ ") for model in page.select(".dsf-can")} == titles
    assert page.select_one(".dsf-number").text == f"{len(titles)} of {len(ARCHITECTURES)} can"
    rows = [
        [cell.text for cell in row.select("th, td")] for row in page.select(".dsf-data tbody tr")
    ]
    assert rows == FamilyPicture().table()[2]


@pytest.mark.browser
def test_a_demand_leaves_fewer(browser: Any, tmp_path: Any) -> None:
    page = browser.new_page()
    page.goto(write_page(tmp_path, FamilyPicture(figure_id="it").html()).as_uri())
    page.get_by_label("forget").check()
    page.get_by_label("look up").check()
    left = sum({"forget", "look"} <= can for can in CAN.values())
    page.wait_for_function(f"document.querySelector('.dsf-number strong').textContent === '{left}'")
    page.wait_for_function("location.hash.includes('forget=true')")
    page.close()
