"""MQAR under its short name: all of `dsf.tasks.mqar`."""

from dsf.tasks.mqar import *  # noqa: F403
from dsf.tasks.mqar import __all__ as __all__
