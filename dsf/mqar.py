"""MQAR under its short name: all of `dsf.tasks.mqar` and `dsf.tasks.hints`."""

from dsf.tasks import hints, mqar
from dsf.tasks.hints import *  # noqa: F403
from dsf.tasks.mqar import *  # noqa: F403

__all__ = [*mqar.__all__, *hints.__all__]
