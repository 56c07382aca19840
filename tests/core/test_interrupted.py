"""A check that is stopped by hand says so, in a notebook."""

import builtins

import pytest
import torch

from dsf import classroom


def test_a_loop_without_end_that_is_interrupted_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def recurrent_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt  # what Kernel, Interrupt does in the middle of a loop

    with pytest.raises(KeyboardInterrupt):  # a script that marks many goes no further
        classroom.exercise("la-recurrence", recurrent_attention)
    monkeypatch.setattr(builtins, "get_ipython", lambda: None, raising=False)
    result = classroom.exercise("la-recurrence", recurrent_attention)
    assert (result.passed, result.score) == (False, 0)
    assert str(result) == "✗ `recurrent_attention` was stopped: does your loop end?"
