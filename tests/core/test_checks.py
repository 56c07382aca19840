"""The checkers that every public function uses: what they take and what they say."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from dsf._checks import (
    as_numbers,
    check_arrays,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_state,
    check_values,
    full_precision,
    precision,
    shown,
    state_dtype,
)


def ones(*shape, **options):
    return torch.ones(shape, **options)


def refusal(check, *arguments, **options):
    with pytest.raises(ValueError) as failure:  # noqa: PT011 - the whole message is compared
        check(*arguments, **options)
    return str(failure.value)


# --- arrays


def test_the_lengths_of_the_letters_come_back():
    arrays = {"u": (ones(2, 5, 3), "(..., L, d)"), "skip": (ones(3), "(d,)")}
    assert check_arrays(arrays) == {"L": 5, "d": 3}
    assert check_arrays(arrays, L=5) == {"L": 5, "d": 3}


def test_an_axis_beside_a_one_may_have_length_one_and_then_says_nothing():
    shape = "(L|1, d|1)"
    assert check_arrays({"x": (ones(1, 4), shape)}) == {"d": 4}
    assert check_arrays({"x": (ones(6, 1), shape)}, d=4) == {"L": 6, "d": 4}
    assert refusal(check_arrays, {"x": (ones(6, 3), shape)}, d=4) == (
        "x has shape (6, 3), expected (L|1, d|1) with d = 4"
    )


def test_leading_axes_broadcast_and_scalars_have_none():
    arrays = {
        "q": (ones(2, 1, 4), "(..., L)"),
        "k": (ones(3, 4), "(..., L)"),
        "a": (ones(), "()"),
        "b": (ones(2, 3), "(...)"),
    }
    assert check_arrays(arrays) == {"L": 4}


def test_one_precision_holds_for_real_and_complex_together():
    real, both = ones(2, dtype=torch.float64), ones(2, dtype=torch.complex128)
    arrays = {"a": (real, "(n,)"), "b": (both, "(n,)")}
    assert check_arrays(arrays, complex_too=("b",)) == {"n": 2}
    assert precision(both) == precision(real) == torch.float64


def test_integers_stand_beside_floating_numbers_of_any_precision():
    arrays = {
        "tokens": (torch.arange(3), "int64 (L,)"),
        "x": (ones(3, dtype=torch.float64), "(L,)"),
        "y": (ones(3, dtype=torch.float64), "(L,)"),
    }
    assert check_arrays(arrays) == {"L": 3}


META = {"device": "meta"}


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (
            {"u": ([1.0], "(..., L)")},
            {},
            "u is [1.0], expected a torch tensor (..., L)",
        ),
        (
            {"u": (ones(2).numpy(), "(L,)")},
            {},
            "u is array([1., 1.], dtype=float32), expected a torch tensor (L,)",
        ),
        (
            {"u": (ones(2, dtype=torch.int64), "(L,)")},
            {},
            "u has dtype torch.int64, expected a real floating dtype",
        ),
        (
            {"u": (ones(2, dtype=torch.complex64), "(L,)")},
            {"complex_too": ("v",)},
            "u has dtype torch.complex64, expected a real floating dtype",
        ),
        (
            {"u": (ones(2, dtype=torch.bool), "(L,)")},
            {"complex_too": ("u",)},
            "u has dtype torch.bool, expected a floating or complex dtype",
        ),
        (
            {"tokens": (ones(2), "int64 (L,)")},
            {},
            "tokens has dtype torch.float32, expected torch.int64",
        ),
        (
            {"u": (ones(2), "(..., L, d)")},
            {},
            "u has shape (2,), expected (..., L, d)",
        ),
        (
            {"u": (ones(1, 2), "(L,)")},
            {},
            "u has shape (1, 2), expected (L,)",
        ),
        (
            {"u": (ones(0, 2), "(..., L)")},
            {},
            "u has shape (0, 2), expected (..., L) and no empty axis",
        ),
        (
            {"phi": (ones(2, 3), "(..., L, L)")},
            {},
            "phi has shape (2, 3), expected (..., L, L)",
        ),
        (
            {"u": (ones(3), "(4,)")},
            {},
            "u has shape (3,), expected (4,)",
        ),
        (
            {"u": (ones(5, 2), "(..., L, d)"), "v": (ones(5, 3), "(..., L, d)")},
            {},
            "v has shape (5, 3), expected (..., L, d) with L = 5, d = 2 as in u",
        ),
        (
            {"u": (ones(5), "(L,)"), "w": (ones(2), "(d,)"), "v": (ones(4, 2), "(L, d)")},
            {},
            "v has shape (4, 2), expected (L, d) with L = 5 as in u and d = 2 as in w",
        ),
        (
            {"u": (ones(5), "(L,)"), "v": (ones(4, 2), "(L, d)")},
            {"d": 3},
            "v has shape (4, 2), expected (L, d) with L = 5 as in u and d = 3",
        ),
        (
            {"u": (ones(2), "(L,)"), "v": (ones(2, dtype=torch.float64), "(L,)")},
            {},
            "v has dtype torch.float64, expected the precision of u, torch.float32",
        ),
        (
            {
                "tokens": (torch.arange(2), "int64 (L,)"),
                "u": (ones(2), "(L,)"),
                "v": (ones(2, dtype=torch.bfloat16), "(L,)"),
            },
            {},
            "v has dtype torch.bfloat16, expected the precision of u, torch.float32",
        ),
        (
            {"u": (ones(2), "(L,)"), "v": (ones(2, **META), "(L,)")},
            {},
            "v is on meta, expected cpu, the device of u",
        ),
        (
            {"tokens": (None, "int64 (L,)")},
            {},
            "tokens is None, expected a torch tensor int64 (L,)",
        ),
        (
            {"u": (ones(2, 3), "(..., L)"), "v": (ones(4, 3), "(..., L)")},
            {},
            "v has leading axes (4,), expected axes that broadcast with (2,)",
        ),
    ],
)
def test_the_first_array_that_does_not_fit_is_named(arrays, options, message):
    assert refusal(check_arrays, arrays, **options) == message


def test_arrays_on_the_meta_device_fit_by_their_shapes():
    x = ones(2, **META)
    assert check_arrays({"u": (x, "(L,)")}) == {"L": 2}
    check_values(u=ones(2))
    message = "x is on meta, expected a device that holds its values"
    assert refusal(check_values, u=ones(2), x=x) == message


def test_an_axis_that_vmap_maps_over_is_not_there():
    def one(x):
        assert check_arrays({"x": (x, "(L, d)")}) == {"L": 3, "d": 2}
        return x.sum()

    assert torch.vmap(one)(ones(4, 3, 2)).tolist() == [6.0] * 4
    with pytest.raises(ValueError, match=r"x has shape \(3, 2\), expected \(L,\)"):
        torch.vmap(lambda x: check_arrays({"x": (x, "(L,)")}) and x)(ones(4, 3, 2))
    torch.func.hessian(one)(ones(3, 2))
    torch.func.jvp(one, (ones(3, 2),), (ones(3, 2),))


def test_checked_functions_compile_into_one_graph():
    def f(x, y, scale):
        sizes = check_arrays({"x": (x, "(..., L, d)"), "y": (y, "(d|1,)")})
        check_choice("rule", "zoh", ("zoh", "bilinear"))
        check_flag("flag", True)
        return x * y * check_number("scale", scale, 0) * check_integer("L", sizes["L"])

    for dynamic in (False, True):
        compiled = torch.compile(f, backend="eager", fullgraph=True, dynamic=dynamic)
        for length in (3, 4, 7):
            x, y = ones(2, length, 5), ones(5)
            assert torch.equal(compiled(x, y, 0.5), f(x, y, 0.5))
        torch.compiler.reset()


# --- states


def test_a_state_has_the_shape_asked_for_and_the_precision_of_states():
    half, single = ones(2, dtype=torch.bfloat16), ones(3, 2)
    check_state("state", single, "(..., n, d)", half, n=3, d=2)
    check_state("state", single.bfloat16(), "(..., n, d)", half, n=3, d=2)
    check_state("state", single + 0j, "(..., n, d)", ones(2) + 0j, n=3, d=2)
    for state, like, message in (
        (None, half, "state is None, expected a torch tensor (..., n, d)"),
        (single, half.float(), "state has shape (3, 2), expected (..., n, d) with n = 4, d = 2"),
        (
            ones(4, 2, dtype=torch.float64),
            half,
            "state has dtype torch.float64, expected the precision torch.bfloat16 or torch.float32",
        ),
        (
            ones(4, 2, dtype=torch.bfloat16),
            half.float(),
            "state has dtype torch.bfloat16, expected the precision torch.float32",
        ),
        (ones(4, 2, **META), half, "state is on meta, expected cpu"),
        (
            ones(4, 2) + 0j,
            half,
            "state has dtype torch.complex64, expected a real floating dtype",
        ),
    ):
        assert refusal(check_state, "state", state, "(..., n, d)", like, n=4, d=2) == message


def test_states_are_kept_in_single_precision_or_better():
    for narrow, wide in (
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.complex128, torch.complex128),
    ):
        assert state_dtype(narrow) == wide


def test_full_precision_switches_autocast_off():
    x = ones(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16
        with full_precision(x):
            assert (x @ x).dtype == torch.float32
    with full_precision(ones(2, **META)):
        pass


# --- numbers


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_a_number_of_any_real_type_becomes_a_float(value):
    number = check_number("x", value, 2, 2)
    assert type(number) is float
    assert number == 2


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        (math.nan, {}, "x is nan, expected a finite number"),
        (math.inf, {}, "x is inf, expected a finite number"),
        (-math.inf, {"high": 0}, "x is -inf, expected a finite number <= 0"),
        (True, {}, "x is True, expected a finite number"),
        (None, {}, "x is None, expected a finite number"),
        ("1", {}, "x is '1', expected a finite number"),
        (1j, {}, "x is 1j, expected a finite number"),
        (
            torch.tensor(1.0),
            {},
            "x is a torch tensor of shape () and dtype torch.float32, expected a finite number",
        ),
        (-0.5, {"low": 0}, "x is -0.5, expected a finite number >= 0"),
        (0.0, {"low": 0, "above": True}, "x is 0.0, expected a finite number > 0"),
        (0.0, {"high": 0, "below": True}, "x is 0.0, expected a finite number < 0"),
        (1.5, {"low": 0, "high": 1}, "x is 1.5, expected a number >= 0 and <= 1"),
        (
            1.0,
            {"low": 0, "high": 1, "above": True, "below": True},
            "x is 1.0, expected a number > 0 and < 1",
        ),
        (math.nan, {"infinite": True}, "x is nan, expected a number"),
        (-math.inf, {"low": 0, "infinite": True}, "x is -inf, expected a number >= 0"),
    ],
)
def test_what_is_no_number_in_the_range_is_refused(value, options, message):
    assert refusal(check_number, "x", value, **options) == message


def test_bounds_belong_to_the_range_unless_excluded_and_infinity_if_allowed():
    assert check_number("x", 0, 0, 1, below=True) == 0
    assert check_number("x", 1, 0, 1, above=True) == 1
    assert check_number("x", math.inf, 0, infinite=True) == math.inf


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (0, (), "n is 0, expected an integer >= 1"),
        (-1, (0,), "n is -1, expected an integer >= 0"),
        (4, (1, 3), "n is 4, expected an integer from 1 to 3"),
        (4, (3, 3), "n is 4, expected 3"),
        (2.0, (), "n is 2.0, expected an integer >= 1"),
        (True, (), "n is True, expected an integer >= 1"),
        ("2", (), "n is '2', expected an integer >= 1"),
    ],
)
def test_what_is_no_integer_in_the_range_is_refused(value, bounds, message):
    assert refusal(check_integer, "n", value, *bounds) == message


def test_integers_of_any_size_are_refused_in_few_words():
    huge = 10**5000  # Python itself refuses to write it
    said = "n is an integer of more than 30 digits, expected"
    assert refusal(check_integer, "n", huge, 1, 9) == f"{said} an integer from 1 to 9"
    assert refusal(check_number, "n", -huge) == f"{said} a finite number"


def test_an_integer_of_any_type_becomes_an_int():
    assert type(check_integer("n", np.int32(3), 3, 3)) is int


def test_choices_and_flags():
    check_choice("rule", "zoh", {"zoh": 1})
    for value, what in (("euler", "'euler'"), (["zoh"], "['zoh']"), (None, "None")):
        message = f"rule is {what}, expected one of zoh, bilinear"
        assert refusal(check_choice, "rule", value, ("zoh", "bilinear")) == message
    check_flag("causal", False)
    assert refusal(check_flag, "causal", 1) == "causal is 1, expected True or False"


# --- numbers in any form


def test_numbers_in_any_form_become_an_array():
    for value in (2.0, [2.0], (torch.tensor(2.0), 2), np.ones(2), torch.ones(1, dtype=torch.half)):
        assert as_numbers("x", value).dtype.kind in "fiu"
    assert as_numbers("x", torch.ones(2, dtype=torch.bfloat16)).tolist() == [1, 1]
    assert as_numbers("x", torch.tensor([1j]).conj().imag).tolist() == [-1]
    assert as_numbers("x", []).shape == (0,)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "x is None, expected numbers"),
        ("abc", "x is 'abc', expected numbers"),
        ([1.0, {}], "x is {}, expected numbers"),
        ([[1], [1, 2]], "x is [[1], [1, 2]], expected a rectangular array of numbers"),
        (ones(2, **META), "x is on meta, expected a device that holds its values"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(value, message):
    assert refusal(as_numbers, "x", value) == message


# --- what a message shows


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a" * 38, repr("a" * 38)),
        ("a" * 39, "a str"),
        (np.zeros((3, 3)), "a ndarray"),
        (ones(9, 9), "a torch tensor of shape (9, 9) and dtype torch.float32"),
        (-(10**29), "-" + "1" + "0" * 29),
        (-(10**30), "an integer of more than 30 digits"),
    ],
)
def test_short_values_are_shown_whole_and_long_ones_by_their_type(value, text):
    assert shown(value) == text
