"""Interrupts of the kernel of a notebook, also while it is idle."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def on_interrupt(act: Callable[[], None]) -> None:
    """Call a function whenever the kernel is interrupted; outside a notebook never.

    Args:
        act: what to do. It is called from a signal handler, so it must wait for nothing.
    """
    ipython: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(ipython, "kernel", None) is None:
        return

    def after_cell(result: Any) -> None:
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            act()

    def listen() -> None:
        before = signal.getsignal(signal.SIGINT)
        if before is signal.default_int_handler:
            # The kernel handles a message, and will put back what was there: ignoring interrupts.
            asyncio.get_running_loop().call_later(0.1, listen)
            return

        def handle(number: int, frame: FrameType | None) -> None:
            act()
            if callable(before):
                before(number, frame)

        signal.signal(signal.SIGINT, handle)

    ipython.events.register("post_run_cell", after_cell)
    asyncio.get_running_loop().call_soon(listen)
