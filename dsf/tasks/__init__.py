"""What models are trained on.

A new task is one module with a frozen dataclass over `dsf.tasks.base.Task`, and one entry here.
"""

from dsf.tasks.base import (
    ACCURACY,
    Batch,
    Metric,
    Sizes,
    Split,
    Task,
    check_fields,
    data_seeds,
)
from dsf.tasks.composition import Composition
from dsf.tasks.mqar import MQAR
from dsf.tasks.overwrite import Overwrite
from dsf.tasks.parity import Parity
from dsf.tasks.selective_copying import SelectiveCopying

__all__ = [
    "ACCURACY",
    "MQAR",
    "TASKS",
    "Batch",
    "Composition",
    "Metric",
    "Overwrite",
    "Parity",
    "SelectiveCopying",
    "Sizes",
    "Split",
    "Task",
    "check_fields",
    "data_seeds",
]

TASKS: dict[str, type[Task]] = {
    "mqar": MQAR,
    "overwrite": Overwrite,
    "selective_copying": SelectiveCopying,
    "parity": Parity,
    "composition": Composition,
}
"""The tasks by the names that configurations take."""
