"""The hooks of the chapters: true on every place of the slider, the same in Python and in pages."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from pages import READY
from test_widgets_browser import write_page

from book import asking
from book.bundle import ROOT
from book.notebooks.chapter import read_chapter, walk
from book.notebooks.myst import Directive
from book.stills import with_stills
from dsf import (
    LTVSystem,
    linear_attention,
    mqar,
    qlstm,
    softmax_attention,
    spring_response,
    widgets,
)
from dsf.widgets import cache, chunks, dictionary, exponent, flagged, pairs, parity, spring
from dsf.widgets.hook import Hook

HOOKS = [
    kind for kind in (getattr(widgets, name) for name in widgets.__all__) if issubclass(kind, Hook)
]
# Which number of a row it is.
SHOWN = {
    "message": 2,
    "cache": 0,
    "pairs": 1,
    "exponent": 0,
    "dictionary": 0,
    "spring": 0,
    "flagged": 0,
    "chunks": 1,
    "reached": 2,
    "parity": 0,
    "care": 4,
}


def test_only_at_exponent_1_are_the_two_one_model() -> None:
    places = [k / 20 for k in range(41)]
    found = [exponent.compared(place) for place in places]
    apart = [one.difference for one in found]
    assert apart[20] == 0
    assert apart[:21] == sorted(apart[:21], reverse=True)
    assert apart[20:] == sorted(apart[20:])
    assert min(apart[:20] + apart[21:]) > 0.005, "else it would be shown as 0 %"
    kept = [one.kept for one in found]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 1
    assert kept[20] == found[0].plain


@pytest.mark.parametrize("alpha", [0.0, 0.5, 2.0])
def test_the_difference_is_that_of_the_cell_in_the_chapter(alpha: float) -> None:
    many = []
    for seed in range(40):
        generator = torch.Generator().manual_seed(seed)
        f, g, o, u = torch.randn(4, exponent.LENGTH, exponent.DRAWS, generator=generator)
        plain = qlstm(u, -f, g, o)
        y = qlstm(u, f, g, o, reversed_sigmoid=True, exponent=alpha)
        many.append(((y - plain).norm() / plain.norm()).item())
    spread = torch.tensor(many).std().item()
    assert abs(sum(many) / 40 - exponent.compared(alpha).difference) < 4 * spread


@pytest.mark.parametrize("clock", ["all", "flagged"])
@pytest.mark.parametrize("step", [0.1, 0.3, 1.0, 5.0])
def test_the_error_of_the_last_flagged_token_is_that_of_a_simulation(
    step: float, clock: str
) -> None:
    generator = torch.Generator().manual_seed(0)
    u = torch.randn(400, 2000, generator=generator)
    flags = torch.rand(400, 2000, generator=generator) < flagged.FLAGGED
    h, wanted = torch.zeros(2, 2000)
    for value, flag in zip(u, flags, strict=True):
        kept = torch.where(flag | (clock == "all"), math.exp(-step), 1.0)
        h, wanted = kept * h + (1 - kept) * value, torch.where(flag, value, wanted)
    missed = (h - wanted).square()
    spread = missed.std().item() / 2000**0.5
    assert abs(missed.mean().item() - flagged.error(step, clock)) < 4 * spread


def test_the_step_that_chapter_6_asks_for_is_the_best_for_all_tokens() -> None:
    right = asking.conditions(question("06", "ask:s6-one-clock").right)
    asked = {name: value for name, _, value in right}
    places = [k / 10 for k in range(1, 51)]
    errors = [flagged.error(step, "all") for step in places]
    assert places[errors.index(min(errors))] == asked["step"]
    assert asked["clock"] == "all"
    assert min(errors) > 6 / 7
    own = [flagged.error(step, "flagged") for step in places]
    assert own == sorted(own, reverse=True)
    assert own[-1] < 0.005


@pytest.mark.parametrize("chunk", [1, 2, 4, 8, 16, 32, 64])
def test_the_work_of_chunks_is_counted_block_by_block(chunk: int) -> None:
    length, n, d = chunks.LENGTH, chunks.FEATURES, chunks.CHANNELS
    counted = 0
    for first in range(0, length, chunk):
        counted += chunk * chunk * n + chunk * chunk * d  # scores, weighted sums
        comes, leaves = first > 0, first + chunk < length
        counted += chunk * n * d * (comes + leaves) + n * d * (comes and leaves)
    assert chunks.multiplications(chunk) == counted


def test_the_chunk_that_chapter_7_asks_for_is_the_longest_with_no_more_work_than_the_loop() -> None:
    [(name, equal, longest)] = asking.conditions(question("07", "ask:ssd-chunk").right)
    assert (name, equal) == ("chunk", "=")
    work = {2**k: chunks.multiplications(2**k) for k in range(7)}
    assert max(chunk for chunk in work if work[chunk] <= work[1]) == longest
    assert min(work, key=work.__getitem__) == 4, "as the answer says"
    assert round(work[64] / work[1], 1) == 2.6


@pytest.mark.parametrize("one", [-1.0, -0.9, -0.5, 0.0, 0.3, 1.0])
def test_the_strings_told_right_are_those_that_a_system_tells_right(one: float) -> None:
    bits = torch.cartesian_prod(*[torch.tensor([0, 1])] * parity.BITS)  # all of them
    transition = torch.where(bits == 1, one, 1.0).double().reshape(*bits.shape, 1, 1)
    write = torch.zeros(*bits.shape, 1, 1, dtype=torch.float64)
    system = LTVSystem(transition, write, torch.ones_like(write))
    first = torch.ones(len(bits), 1, 1, dtype=torch.float64)
    last = system.run(write.squeeze(-1), initial_state=first)[:, -1, 0]
    odd = bits.sum(-1) % 2 == 1
    assert ((last < 0) == odd).double().mean().item() == parity.right(one, 0)
    generator = torch.Generator().manual_seed(0)
    noise = parity.NOISE * (2 * torch.rand(len(last), generator=generator).double() - 1)
    through = ((last + noise < 0) == odd).double()
    spread = 0.5 / len(last) ** 0.5
    assert abs(through.mean().item() - parity.right(one, parity.NOISE)) < 4 * spread


def test_only_a_sign_that_turns_tells_the_parity() -> None:
    places = [k / 10 for k in range(-10, 11)]
    assert [parity.right(one, 0) for one in places] == [1.0] * 10 + [0.5] * 11
    through = [parity.right(one, parity.NOISE) for one in places]
    assert through[:11] == sorted(through[:11], reverse=True)
    assert all(abs(share - 0.5) < 0.005 for share in through[10:])


def test_the_place_that_chapter_8_asks_for_is_the_last_at_which_noise_does_no_harm() -> None:
    [(name, _, asked)] = asking.conditions(question("08", "ask:rnn-noise").right)
    places = [k / 10 for k in range(-10, 11)]
    unharmed = [one for one in places if parity.right(one, parity.NOISE) == 1]
    assert (name, asked) == ("one", max(unharmed))


def test_each_pair_without_room_costs_one_question() -> None:
    answered = [dictionary.answered(capacity) for capacity in range(dictionary.PAIRS + 1)]
    assert answered == [capacity / dictionary.PAIRS for capacity in range(dictionary.PAIRS + 1)]


def test_the_dictionary_says_which_room_is_the_least_that_beats_a_guess() -> None:
    rooms = range(dictionary.PAIRS + 1)
    pages = with_stills([dictionary.DictionaryRecall(capacity=room).html() for room in rooms])
    said = [room for room, page in zip(rooms, pages, strict=True) if "It is the least room" in page]
    assert said == [min(r for r in rooms if dictionary.answered(r) > 1 / dictionary.PAIRS)]


def test_a_full_dictionary_answers_with_the_values_of_the_task() -> None:
    inputs, labels = mqar.generate(50, vocab_size=dictionary.TASK.vocab_size, seed=5)
    for tokens, answers in zip(inputs.tolist(), labels.tolist(), strict=True):
        memory = dict(zip(tokens[0:16:2], tokens[1:16:2], strict=True))
        asked = [i for i, answer in enumerate(answers) if answer != mqar.NOT_ASKED]
        assert [memory[tokens[i]] for i in asked] == [answers[i] for i in asked]


def question(chapter: str, label: str) -> asking.Asked:
    """A question of a chapter by its label."""
    [path] = (ROOT / "chapters").glob(f"{chapter}-*.md")
    for block in walk(read_chapter(path).blocks, path):
        if isinstance(block, Directive) and block.options.get("label") == label:
            return asking.read(block.argument or "predict", block.body, block.options)
    raise AssertionError(f"chapter {chapter} has no {label}")


def test_the_place_that_chapter_3_asks_for_is_the_one_of_the_figure() -> None:
    wanted = asking.conditions(question("03", "ask:smallest-n").right)
    [(n, equal, least), (d, also_equal, width)] = wanted
    assert (n, equal, d, also_equal) == ("n", "=", "d", "=")
    assert least == smallest(int(width))


def smallest(d: int) -> int:
    """The smallest n with which fewer than one in ten of the values of width d is lost."""
    return next(n for n, mean in enumerate(pairs.recalled(d), 1) if mean > 0.9 * pairs.PAIRS)


@pytest.mark.parametrize("d", pairs.WIDTHS)
def test_no_place_shows_exactly_one_in_ten(d: int) -> None:
    lost = [100 * (1 - mean / pairs.PAIRS) for mean in pairs.recalled(d)]
    assert "10.0" not in [f"{share:.1f}" for share in lost]


def test_twice_the_width_of_a_value_does_what_twice_the_features_do() -> None:
    assert max(pairs.recalled(16)) < 0.9 * pairs.PAIRS, "as chapter 3 says of d = 16"
    assert smallest(128) < smallest(64) < smallest(32)
    for n in (8, 14, 16):  # of 32 values
        assert abs(pairs.recalled(64)[n - 1] - pairs.recalled(32)[2 * n - 1]) < 1.5


@pytest.mark.parametrize("heads", [32, 8, 1])
def test_cache_and_state_hold_what_attention_hands_on(heads: int) -> None:
    q = torch.zeros(heads, 5, cache.HEAD)
    _, kept = softmax_attention(q, q, q, return_state=True)
    bytes_of = cache.LAYERS * cache.BYTES / 1e9
    numbers = kept.keys.numel() + kept.values.numel()
    assert cache.cache_size(5 / 1000, heads) == pytest.approx(numbers * bytes_of)
    _, state = linear_attention(q, q, q, return_state=True)
    numbers = state.h.numel() + state.keys.numel()
    assert cache.state_size(heads) == pytest.approx(numbers * bytes_of)


def test_the_length_that_chapter_2_asks_for_is_the_first_at_which_the_cache_is_the_larger() -> None:
    right = asking.conditions(question("02", "ask:sm-outgrown").right)
    asked = {name: value for name, _, value in right}
    heads = int(asked["heads"])
    longer = [
        length
        for length in range(4, 201, 4)
        if cache.cache_size(length, heads) > cache.weights_size(heads)
    ]
    assert longer[0] == asked["length"]
    assert cache.cache_size(24.576, 32) == cache.weights_size(32)


DAMPING = [round(0.1 * k, 1) for k in range(1, 46)]  # the places of the slider


@pytest.mark.parametrize(("damping", "stiffness"), [(0.2, 1), (0.4, 4), (4.4, 16)])
def test_a_swing_later_the_spring_has_lost_what_the_hook_says(
    damping: float, stiffness: float
) -> None:
    _, period, swings = spring.swing(damping, stiffness)
    times = torch.tensor([0.3, 0.7], dtype=torch.float64)
    before, after = (spring_response(1, damping, stiffness, times + k * period) for k in range(2))
    assert torch.allclose(after / before, torch.tensor(0.5).double() ** (1 / swings))


def test_damping_says_how_long_and_stiffness_how_fast() -> None:
    for damping in DAMPING[:19]:
        soft, stiff = (spring.swing(damping, k) for k in (4, 16))
        assert soft.half == pytest.approx(stiff.half)
        assert stiff.period < soft.period / 2
    for stiffness in (1, 4, 16):
        swings = [spring.swing(damping, stiffness).swings for damping in DAMPING]
        assert swings == sorted(swings, reverse=True)
        creeps = [damping >= 2 * math.sqrt(stiffness) for damping in DAMPING]
        assert [count == 0 for count in swings] == creeps


def test_the_damping_that_chapter_5_asks_for_is_the_largest_with_which_it_swings() -> None:
    right = asking.conditions(question("05", "ask:ss-once").right)
    asked = {name: float(value) for name, _, value in right}
    once = [c for c in DAMPING if spring.swing(c, asked["stiffness"]).swings >= 1]
    assert once[-1] == asked["damping"]


def test_numbers_that_the_chapters_ask_for() -> None:
    half_life = torch.log(torch.tensor(0.5)) / torch.log(torch.tensor(0.9))
    harmonic = sum(1 / r for r in range(1, 5))
    for chapter, label, wanted in (
        ("01", "ask:eighth", 3 * half_life.item()),
        ("01", "ask:three-tokens", (2 * 1 / 2 + 0) * 3 / 4 + 1),
        ("01", "ask:settles", 1 / (1 - 0.75)),
        ("01", "ask:lag-one", 3 * 0.9 + 2 * 1 * -0.5),
        ("02", "ask:sm-hand", (1 * 8 + 2**3 * 4 + 5**3 * 0) / (1 + 2**3 + 5**3)),
        ("02", "ask:sm-monomials", math.comb(3 + 4, 4)),
        ("05", "ask:ss-turns", (8 * (0.5j) ** 2 + 4).real),
        ("06", "ask:s6-by-hand", 8 / 2 + 6 / 2),
        ("06", "ask:s6-third", math.log(3 / 2)),
        ("06", "ask:s6-count", 2 * 4096 - 2 - 12),
        ("07", "ask:ssd-hand", 4 / 4 * 8 + 2 / 2 * 4 + 6 * 2),
        ("07", "ask:ssd-entry", 1 / 2 * 1 * 1 / 4),
        ("07", "ask:ssd-equal", 2 * 64 * 64 / (64 + 64)),
        ("08", "ask:rnn-by-hand", ((8 / 4 + 4 / 2) / 2 + 8 / 2) / 2),
        ("08", "ask:rnn-string", (-1 / 2) ** 3),
        ("08", "ask:rnn-gain", (1 - 3 / 5) / (1 + 3 / 5)),
        ("10", "ask:mqar-left", harmonic / 4),
        ("10", "ask:mqar-equal", 64 * (4 + 64) / (64 + 1)),
        ("11", "ask:fair-three", 1 / math.comb(6, 3)),
        ("11", "ask:fair-carried", 4 * 64 + 3 * 64),
    ):
        asked = question(chapter, label)
        assert abs(asking.number(asked.right) - wanted) <= asked.tolerance + 1e-9, label
        wrong = [asking.number(item.key) for item in asked.items if item.key != asking.ELSE]
        assert all(abs(value - wanted) > asked.tolerance for value in wrong), label


def test_right_answers_stand_in_every_place() -> None:
    letters = []
    for path in sorted((ROOT / "chapters").glob("[0-9]*.md")):
        for block in walk(read_chapter(path).blocks, path):
            if isinstance(block, Directive) and re.fullmatch(
                "[A-D]", str(block.options.get("answer", ""))
            ):
                letters.append(block.options["answer"])
    counts = [letters.count(letter) for letter in "ABCD"]
    assert max(counts) < len(letters) / 2
    assert min(counts) > 0


# Takes the slider from its least, a step at a time: where it is, and what the figure then says.
ALL_THE_WAY = f"""(async () => {{
  const slider = document.querySelector(".dsf-live input[type=range]");
  const found = [];
  slider.value = slider.min;
  for (let last = NaN; slider.valueAsNumber !== last && found.length < 50; slider.stepUp()) {{
    last = slider.valueAsNumber;
    slider.dispatchEvent(new Event("input", {{ bubbles: true }}));
    await {READY};
    found.push([last, document.querySelector(".dsf-number strong").textContent]);
  }}
  return found;
}})()"""


@pytest.mark.browser
@pytest.mark.parametrize("kind", HOOKS, ids=lambda kind: kind.name)
def test_the_page_says_what_python_says_all_the_way(
    browser: Any, tmp_path: Path, kind: type[Any]
) -> None:
    widget = kind(figure_id="it")
    page = browser.new_page()
    page.goto(write_page(tmp_path, widget.html()).as_uri())
    seen = dict(page.evaluate(ALL_THE_WAY))
    for place, said in seen.items():
        assert said == widget.row(place)[SHOWN[kind.name]], f"at {place}"
    page.close()
    assert set(kind.places) <= {round(place, 6) for place in seen}
