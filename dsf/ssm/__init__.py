"""State space models, S4D, S6 (Mamba) and SSD (Mamba-2): native form and DSF form side by side.

Inputs u have shape (..., L, d). Decay rates a are negative (negative real part for S4D), steps Δ
positive, so that every transition lies inside the unit circle. Their signs are checked where they
are numbers; where they are tensors nobody looks, because looking would wait for the device.

A sequence may come in pieces: with `return_state=True` a native form also returns the last state
H, (..., n, d), and `state` takes it for the piece after. It is the state of the DSF form.
"""

from dsf.ssm._shared import evaluate
from dsf.ssm.discretize import discretize
from dsf.ssm.s4d import s4d, s4d_kernel, s4d_matrix, s4d_system
from dsf.ssm.s6 import s6, s6_system
from dsf.ssm.ssd import ssd, ssd_matrix, ssd_system

__all__ = [
    "discretize",
    "evaluate",
    "s4d",
    "s4d_kernel",
    "s4d_matrix",
    "s4d_system",
    "s6",
    "s6_system",
    "ssd",
    "ssd_matrix",
    "ssd_system",
]
