"""The exercises in code of all chapters, by the names under which the chapters ask for them."""

import builtins
from typing import Any

from dsf._checks import check_choice, check_integer
from dsf.classroom.exercises import (
    comparing_fairly,
    linear_attention,
    linear_recurrences,
    normalised_attention,
    recurrent_networks,
    selective_ssms,
    softmax_attention,
    ssd,
    state_space_models,
    the_map,
    what_recall_needs,
)
from dsf.classroom.judging import judge
from dsf.classroom.kinds import Exercise
from dsf.classroom.result import Result

CHAPTERS = (
    linear_recurrences,
    softmax_attention,
    linear_attention,
    normalised_attention,
    state_space_models,
    selective_ssms,
    ssd,
    recurrent_networks,
    the_map,
    what_recall_needs,
    comparing_fairly,
)

ALL: dict[str, Exercise] = {k: x for chapter in CHAPTERS for k, x in chapter.EXERCISES.items()}


def exercise(name: str, yours: Any, seed: int = 0) -> Result:
    """Check what a reader has written for an exercise.

    Args:
        name: of the exercise, one of `dsf.classroom.EXERCISES`.
        yours: the reader's function. Whatever it is or does, the result says so.
        seed: of the random arguments; a teacher takes another one.

    Raises:
        ValueError: there is no such exercise, or the seed is no integer.
        KeyboardInterrupt: it was stopped, in a script; in a notebook the result says so.

    Example:
        >>> dsf.classroom.exercise("la-recurrence", None)
        ○ not started. Write `recurrent_attention` above.
    """
    check_choice("name", name, ALL)
    check_integer("seed", seed, 0)
    try:
        return judge(ALL[name], yours, seed)
    except KeyboardInterrupt:
        if not hasattr(builtins, "get_ipython"):  # a script, which is to end
            raise
        return Result(False, 0.0, f"`{ALL[name].function}` was stopped: does your loop end?")
