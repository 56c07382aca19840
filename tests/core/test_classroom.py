"""The exercises check themselves: solutions pass, stubs wait, mistakes are told apart."""

import math
from types import FunctionType
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import dsf
from dsf import LTVSystem, classroom, feature_maps
from dsf.classroom import EXERCISES, Draw
from dsf.classroom.asked import questions
from dsf.classroom.judging import judge
from dsf.classroom.kinds import Exercise, message
from dsf.looks import MINUS

SEEDS = (0, 1)
BY_NAME = [pytest.param(exercise, id=name) for name, exercise in EXERCISES.items()]
MISTAKES = [
    pytest.param(name, wrong, id=f"{name}-{number}")
    for name, exercise in EXERCISES.items()
    for number, wrong in enumerate(exercise.mistakes)
]


def written(exercise: Exercise) -> FunctionType:
    """What a reader has who runs the stub, in a notebook with the names of the chapter."""
    cell = dict(exercise.solution.__globals__)
    exec(exercise.stub(), cell)
    return cell[exercise.function]


# --- every exercise ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_passes_for_every_seed(name: str, seed: int) -> None:
    result = classroom.exercise(name, EXERCISES[name].solution, seed)
    assert (result.passed, result.score) == (True, 1), result


@pytest.mark.parametrize("name", EXERCISES)
def test_the_stub_is_not_started(name: str) -> None:
    result = classroom.exercise(name, written(EXERCISES[name]))
    assert not result.passed
    assert str(result).startswith("○ not started")


@pytest.mark.parametrize("exercise", BY_NAME)
def test_the_stub_has_the_signature_and_says_what_is_asked_for(exercise: Exercise) -> None:
    stub = written(exercise)
    assert (
        stub.__code__.co_varnames[: stub.__code__.co_argcount]
        == (exercise.solution.__code__.co_varnames[: exercise.solution.__code__.co_argcount])
    )
    assert exercise.given or stub.__doc__ == exercise.solution.__doc__


@pytest.mark.parametrize(("name", "wrong"), MISTAKES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_known_mistake_is_named(name: str, wrong: object, seed: int) -> None:
    result = classroom.exercise(name, wrong, seed)
    assert not result.passed
    assert result.score < 1
    if EXERCISES[name].cases:
        assert result.message == f"`{EXERCISES[name].function}` {message(wrong)}"


@pytest.mark.parametrize("exercise", BY_NAME)
def test_no_two_mistakes_have_one_message(exercise: Exercise) -> None:
    said = [judge(exercise, wrong).message for wrong in exercise.mistakes]
    assert len(said) == len(set(said))
    assert len(said) >= 2


@pytest.mark.parametrize("exercise", BY_NAME)
def test_no_case_has_two_lengths_alike(exercise: Exercise) -> None:
    """A square array hides that two of its axes are exchanged."""
    for case in exercise.cases(Draw(0)) if exercise.cases else ():
        names = exercise.solution.__code__.co_varnames
        shapes = {n: x.shape for n, x in zip(names, case, strict=False) if torch.is_tensor(x)}
        for shape in shapes.values():
            assert len(set(shape)) == len(shape), shapes
        if {"k", "v"} <= shapes.keys():
            assert shapes["k"][-1] != shapes["v"][-1], shapes


@pytest.mark.parametrize("exercise", BY_NAME)
def test_what_a_function_does_to_its_arguments_stays_with_it(exercise: Exercise) -> None:
    def spoils(*arguments: object) -> object:
        result = exercise.solution(*arguments)
        for x in arguments:
            if isinstance(x, torch.Tensor):
                x.zero_()
        return result.clone() if isinstance(result, torch.Tensor) else result

    if exercise.cases and not exercise.view:
        assert judge(exercise, spoils).passed


# --- what readers write -----------------------------------------------------------------------


def of_linear_attention(change):
    """The result of the solution, changed, as a reader's function."""

    def recurrent_attention(q, k, v):
        return change(dsf.linear_attention(q, k, v))

    return recurrent_attention


def endless(q, k, v):
    return endless(q, k, v)


def unfinished(q, k, v):
    raise NotImplementedError


def broken(q, k, v):
    return q @ v


def forgot_to_return(q, k, v):
    dsf.linear_attention(q, k, v)


@pytest.mark.parametrize(
    ("yours", "said"),
    [
        pytest.param(None, "○ not started. Write `recurrent_attention` above.", id="None"),
        pytest.param(unfinished, "○ not started", id="unfinished"),
        pytest.param(lambda q, k, v: ..., "returns Ellipsis, expected numbers", id="dots"),
        pytest.param(forgot_to_return, "returns nothing: is the `return` missing?", id="no return"),
        pytest.param(3, "✗ This is 3, expected the function `recurrent_attention` itself",
                     id="number"),
        pytest.param(torch.ones(2, 3), "This is a torch tensor of shape (2, 3)", id="result"),
        pytest.param(broken, "raises RuntimeError: ", id="error"),
        pytest.param(endless, "calls itself without end", id="endless"),
        pytest.param(lambda q, k: q, "cannot be called as `recurrent_attention(q, k, v)`",
                     id="arguments"),
        pytest.param(of_linear_attention(lambda y: 1), "returns a number, expected shape (7, 3)",
                     id="one number"),
        pytest.param(of_linear_attention(lambda y: y[0]), "array of shape (3,), expected shape",
                     id="one axis"),
        pytest.param(of_linear_attention(lambda y: y.mT), "shape (3, 7), the transposed one",
                     id="transposed"),
        pytest.param(of_linear_attention(lambda y: list(y)[:-1]), "shape (6, 3), expected",
                     id="short list"),
        pytest.param(of_linear_attention(lambda y: [[1], [1, 2]]), "expected a rectangular array",
                     id="ragged"),
        pytest.param(of_linear_attention(lambda y: "y"), "expected numbers", id="text"),
        pytest.param(of_linear_attention(lambda y: 3 * y), "is a factor missing?", id="factor"),
        pytest.param(of_linear_attention(lambda y: -y), "wrong sign", id="sign"),
        pytest.param(of_linear_attention(lambda y: 0 * y), "is zero throughout", id="zero"),
        pytest.param(of_linear_attention(lambda y: y / 0), "not finite", id="infinite"),
        pytest.param(of_linear_attention(lambda y: y + 1j), "complex", id="complex"),
        pytest.param(of_linear_attention(lambda y: y.round()), "first that differs [0, 0]: ",
                     id="rounded"),
    ],
)  # fmt: skip
def test_whatever_is_written_gets_one_plain_sentence(yours: object, said: str) -> None:
    result = classroom.exercise("la-recurrence", yours)
    assert not result.passed
    assert said in str(result)
    assert "\n" not in str(result)


@pytest.mark.parametrize(
    "change", [np.asarray, torch.Tensor.float, torch.Tensor.tolist, list, torch.nn.Parameter]
)
def test_a_right_result_may_be_of_any_kind(change) -> None:
    assert classroom.exercise("la-recurrence", of_linear_attention(change)).passed


def test_a_failure_names_its_case_and_its_seed() -> None:
    said = str(classroom.exercise("la-recurrence", of_linear_attention(torch.round), seed=5))
    assert said.endswith("(q (7, 5), k (7, 5), v (7, 3), seed 5)")


def test_numbers_and_truth_values_say_what_they_are() -> None:
    assert "returns 3, expected 2145" in str(classroom.exercise("sm-monomials", lambda m, p: 3))
    said = str(classroom.exercise("map-bug", lambda name, t=12: True))
    assert "returns 1, expected 0" in said


def test_the_score_is_the_share_of_what_holds() -> None:
    def only_one_token(q, k, v):
        return dsf.linear_attention(q, k, v) if len(q) == 1 else v

    assert classroom.exercise("la-recurrence", only_one_token).score == pytest.approx(1 / 3)

    def switched(L):  # the right Φ by a system that changes in time
        on = (torch.arange(L) % 2 == 0).double().reshape(L, 1, 1)
        slots = torch.cat([on, 1 - on], 1)
        return LTVSystem(torch.ones(L, 2, 1), slots, slots)

    result = classroom.exercise("alternating", switched)
    assert "changes in time" in result.message
    assert result.score == pytest.approx(2 / 3)


def test_a_law_that_cannot_be_tested_is_a_sentence_too() -> None:
    assert "raises IndexError" in str(classroom.exercise("forgetting", lambda phi: phi[99, 99]))
    assert str(classroom.exercise("forgetting", silent)).endswith("raises ValueError")
    assert "not started" in str(classroom.exercise("forgetting", unfinished_law))


def silent(phi):
    raise ValueError


def unfinished_law(phi):
    raise NotImplementedError


def test_defaults_and_chance_are_left_as_they_were() -> None:
    torch.manual_seed(7)
    before, state = torch.get_default_dtype(), torch.random.get_rng_state()

    def draws(q, k, v):
        assert torch.zeros(1).dtype == torch.float64
        return dsf.linear_attention(q, k, v) + 0 * torch.rand(1)

    assert classroom.exercise("la-recurrence", draws).passed
    assert torch.get_default_dtype() == before
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="name is 'no', expected one of"):
        classroom.exercise("no", None)
    with pytest.raises(ValueError, match="seed is 'one', expected an integer"):
        classroom.exercise("ring", None, seed="one")
    with pytest.raises(ValueError, match="name is 'no', expected one of"):
        classroom.answer("no", 1)


# --- what a notebook shows --------------------------------------------------------------------


def test_an_array_is_shown_beside_its_target() -> None:
    result = classroom.exercise("la-recurrence", of_linear_attention(torch.round))
    html = result._repr_html_()
    assert "<code>recurrent_attention</code>" in html
    picture = ElementTree.fromstring(result.picture)
    space = "{http://www.w3.org/2000/svg}"
    assert [text.text for text in picture.iter(f"{space}text")] == ["target", "yours"]
    assert len(list(picture.iter(f"{space}circle"))) == 2 * 7 * 3  # all differ, in the last case
    assert result._repr_markdown_() is None


def test_a_curve_is_a_line_and_what_is_not_finite_a_cross() -> None:
    exercise = Exercise(lambda n: torch.arange(n), lambda draw: [(5.0,)])
    assert judge(exercise, lambda n: torch.ones(5)).picture.count("<polyline") == 2
    table = Exercise(lambda: torch.ones(2, 3), lambda draw: [()])
    shown = judge(table, lambda: torch.tensor([[1, 1, math.nan], [-1, 1, 1]])).picture
    assert shown.count("×") == 1
    assert shown.count(MINUS) == 1


@pytest.mark.parametrize("shape", [(), (1,), (30, 3), (2, 2, 2)])
def test_what_is_no_picture_is_a_sentence(shape: tuple[int, ...]) -> None:
    exercise = Exercise(lambda: torch.ones(shape), lambda draw: [()])
    result = judge(exercise, lambda: torch.full(shape, 3.3))
    assert result.picture == ""
    assert result._repr_html_() is None
    assert result._repr_markdown_() == str(result)


def test_a_message_is_no_markup() -> None:
    def raises(q, k, v):
        raise ValueError("<b>")

    result = classroom.exercise("la-recurrence", raises)
    assert "raises ValueError: <b>" in str(result)
    pictured = classroom.Result(False, 0.0, "a < `b`", "<svg/>")
    assert pictured._repr_html_() == "<p>✗ a &lt; <code>b</code></p><svg/>"


# --- numbers, choices, orders -----------------------------------------------------------------


@pytest.mark.parametrize("name", questions())
def test_what_is_right_is_right_and_every_other_reply_is_not(name: str) -> None:
    asked = questions()[name]
    result = classroom.answer(name, asked["right"])
    assert (result.passed, result.score) == (True, 1)
    for key in asked["replies"].keys() - {asked["right"], "else"}:
        if asked["kind"] != "order":
            assert classroom.answer(name, key).message == asked["replies"][key]


def test_an_answer_may_be_written_in_many_ways() -> None:
    for yours in (4.5, "9/2", " 4.5 ", torch.tensor(4.5), np.float32(4.5), [4.5]):
        assert classroom.answer("another-query", yours).passed, yours
    assert "sum of the values" in str(classroom.answer("another-query", 9))
    for yours in ("C", "c", "c."):
        assert classroom.answer("every-half", yours).passed
    right = questions()["loop-order"]["right"]
    for yours in (right, right.upper(), list(right), " ".join(right)):
        assert classroom.answer("loop-order", yours).passed


def test_an_order_says_how_far_it_is_right() -> None:
    right = questions()["loop-order"]["right"]
    late = right[0] + right[2] + right[1] + right[3]
    assert str(classroom.answer("loop-order", late)).startswith(
        "✗ The first one is in place. Token"
    )
    assert "The first one is not in place." in str(classroom.answer("loop-order", right[::-1]))
    assert "expected the letters" in str(classroom.answer("loop-order", "aab"))


@pytest.mark.parametrize(
    "yours", ["four", object(), [1, 2], torch.ones(2), 1j, "1/0", {}, math.sin]
)
def test_what_is_no_number_is_said_so(yours: object) -> None:
    result = classroom.answer("another-query", yours)
    assert not result.passed
    assert "expected a number" in str(result)


def test_no_answer_is_not_started() -> None:
    for name in questions():
        assert str(classroom.answer(name, None)).startswith("○ not started")


def test_the_tolerance_is_that_of_the_chapter() -> None:
    assert questions()["sm-hand"]["tolerance"] == 0.003
    assert classroom.answer("sm-hand", 0.3015).passed
    assert not classroom.answer("sm-hand", 0.303).passed


def test_feature_maps_of_the_solution_are_those_of_the_package() -> None:
    q, k, v = torch.randn(3, 6, 4, dtype=torch.float64)
    solution = EXERCISES["la-recurrence"].solution
    with_default = dsf.linear_attention(q, k, v, feature_maps.elu_plus_one)
    torch.testing.assert_close(solution(q, k, v).double(), with_default)
