"""What the engine that trains in the page can train: its defaults and its mixers, for Python."""

from __future__ import annotations

import json
from typing import Any

from dsf.widgets.base import STATIC

_KNOWN = json.loads((STATIC / "training.json").read_text("utf-8"))

DEFAULTS: dict[str, Any] = _KNOWN["fields"]
"""The fields of `dsf.config.TrainConfig` that a page can set, with the values it begins with."""

STARTS: dict[str, list[str]] = _KNOWN["starts"]
"""Where the training of each mixer may begin, by the names of the mixers in the page."""
