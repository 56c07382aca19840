import math

import numpy as np
import pytest
import torch

from dsf.check import same


def refusal(*arguments, **options):
    """The message of a check that fails."""
    with pytest.raises(AssertionError) as failure:
        same(*arguments, **options)
    return str(failure.value)


# --- what agrees


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.0, 1),
        (torch.tensor(2.0), np.float64(2)),
        ([[1, 2], [3, 4]], torch.tensor([[1.0, 2.0], [3.0, 4.0]])),
        ([torch.tensor(1.0, requires_grad=True), 2.0], np.array([1, 2])),
        (torch.tensor([1 + 2j]).conj(), [1 - 2j]),
        (torch.tensor([1 + 2j]).conj().imag, [-2.0]),
        (torch.ones(2, dtype=torch.bfloat16), (1.0, 1.0)),
        (torch.tensor([True, False]), [1, 0]),
        ([math.inf, -math.inf], [math.inf, -math.inf]),
    ],
)
def test_tensors_arrays_numbers_and_lists_compare_with_each_other(actual, expected):
    assert same(actual, expected, tolerance=0) is None
    same(expected, actual, tolerance=0)


def test_a_check_that_holds_prints_one_line(capsys):
    same([0.5, 1.0], [0.5, 0.75], tolerance=0.5)
    same(1.0, 1.0, name="Φ u")
    same(1 + 2**-52, 1.0, name="one ulp")
    same(1e12, 0.0, tolerance=1e20, name="far")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["✓ same · 2e-1", "✓ Φ u · 0", "✓ one ulp · 2e-16", "✓ far · 1e12"]


def test_above_one_the_difference_is_relative_to_the_largest_expected_value(capsys):
    same([1000.5, 0.0], [1000.0, 0.5], tolerance=6e-4)
    assert capsys.readouterr().out == "✓ same · 5e-4\n"
    refusal([1000.5, 0.0], [1000.0, 0.5], tolerance=4e-4)
    refusal([0.0005], [0.0], tolerance=4e-4)  # not relative below one
    # The scale is that of the expected side: a huge wrong answer does not excuse itself.
    refusal([1e9], [0.0], tolerance=0.5)
    # And infinity gives no licence to the others.
    refusal([math.inf, 1.0], [math.inf, 0.0], tolerance=0.5)


def test_the_tolerance_is_reached_from_both_sides():
    same([1.0], [1.25], tolerance=0.2)
    refusal([1.0], [1.25], tolerance=math.nextafter(0.2, 0))
    same([0.0], [0.25], tolerance=0.25)
    refusal([0.0], [0.25], tolerance=math.nextafter(0.25, 0))


# --- what does not


def test_the_message_says_where_the_largest_difference_is_and_what_stands_there(capsys):
    expected = torch.zeros(3, 4, dtype=torch.float64)
    actual = expected.clone()
    actual[1, 3], actual[2, 0] = 0.25, -0.5
    message = refusal(actual, expected, name="output")
    assert message.splitlines() == [
        "output: max |difference| 5.0e-01 exceeds the tolerance 1e-09",
        "  at index (2, 0): actual -0.5, expected 0",
        "  2 of 12 entries differ by more, shape (3, 4)",
    ]
    assert capsys.readouterr().out == ""


def test_complex_numbers_differ_by_their_modulus():
    assert "max |difference| 5.0e+00" in refusal([3 + 4j], [0.0])
    assert "actual 3+4j, expected 0+0j" in refusal([3 + 4j], [0j])
    refusal([1j], [1.0], tolerance=1.4)
    same([1j], [1.0], tolerance=1.42)


def test_nan_agrees_with_nothing_and_is_named():
    message = refusal([math.nan, 1.0, math.inf], [math.nan, 1.0, 2.0])
    assert "at index (0,): actual nan, expected nan" in message
    assert "actual has 1 NaN and 1 inf, at (0,), (2,)" in message
    assert "expected has 1 NaN and 0 inf, at (0,)" in message
    assert "2 of 3 entries" in message


def test_infinities_of_opposite_sign_differ():
    assert "max |difference| inf" in refusal([math.inf], [-math.inf])


def test_shapes_are_not_broadcast():
    message = refusal(torch.zeros(3, 1), torch.zeros(3))
    assert message == "same: shapes differ: actual has (3, 1), expected has (3,)"
    refusal(0.0, [0.0])


def test_nothing_to_compare_is_not_agreement():
    assert "nothing to compare" in refusal([], [])


def test_single_precision_gets_a_hint_where_it_explains_the_difference():
    x = torch.full((4,), 1 / 3)
    assert "tolerance=1e-5" in refusal(x, x.double() + 1e-7)
    assert "tolerance=1e-5" not in refusal(x, x.double() + 1e-2)
    assert "tolerance=1e-5" not in refusal(x.double(), x.double() + 1e-7)
    same(x, [1 / 3] * 4, tolerance=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, 1.0), "actual is None, expected numbers"),
        ((1.0, "one"), "expected is 'one', expected numbers"),
        (([[1, 2], [3]], 1.0), "actual is .*, expected a rectangular array"),
        ((1.0, 1.0, -1e-9), "tolerance is -1e-09, expected a finite number >= 0"),
        ((1.0, 2.0, math.inf), "tolerance is inf"),
        ((1.0, 2.0, math.nan), "tolerance is nan"),
        ((1.0, 1.0, "0.1"), "tolerance is '0.1'"),
        ((1.0, 1.0, 0.1, 3), "name is 3, expected a str or None"),
        ((1.0, [1.0, None]), "expected is None, expected numbers"),
        ((torch.ones(2, device="meta"), 1.0), "actual is on meta, expected a device that holds"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        same(*arguments)
