"""MQAR under its short name: all of `dsf.tasks.mqar`."""

from dsf.tasks.mqar import (
    FILLER,
    NOT_ASKED,
    accuracy,
    asked_positions,
    chance_levels,
    check_task,
    describe,
    distinct,
    generate,
    plackett_luce,
)

__all__ = [
    "FILLER",
    "NOT_ASKED",
    "accuracy",
    "asked_positions",
    "chance_levels",
    "check_task",
    "describe",
    "distinct",
    "generate",
    "plackett_luce",
]
