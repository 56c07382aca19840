"""State space models, S4D, S6 (Mamba) and SSD (Mamba-2): native form and DSF form side by side.

Before them what they come from: a mass on a spring, the step from continuous to discrete time,
HiPPO-LegS, and the poles with which S4D begins.

Inputs u have shape (..., L, d). Decay rates a are negative (negative real part for S4D), steps Δ
positive, so that every transition lies inside the unit circle. Their signs are checked where they
are numbers; where they are tensors nobody looks, because looking would wait for the device.

A sequence may come in pieces: with `return_state=True` a native form also returns the last state
H, (..., n, d), and `state` takes it for the piece after. It is the state of the DSF form.
"""

from dsf.ssm._shared import evaluate
from dsf.ssm.discretize import discretize, discretize_dense
from dsf.ssm.hippo import (
    hippo_condition,
    hippo_legs,
    hippo_legs_system,
    hippo_normal,
    hippo_reconstruct,
)
from dsf.ssm.poles import s4d_poles
from dsf.ssm.s4d import s4d, s4d_kernel, s4d_matrix, s4d_system
from dsf.ssm.s6 import s6, s6_system
from dsf.ssm.spring import spring, spring_poles, spring_response
from dsf.ssm.ssd import ssd, ssd_matrix, ssd_system

__all__ = [
    "discretize",
    "discretize_dense",
    "evaluate",
    "hippo_condition",
    "hippo_legs",
    "hippo_legs_system",
    "hippo_normal",
    "hippo_reconstruct",
    "s4d",
    "s4d_kernel",
    "s4d_matrix",
    "s4d_poles",
    "s4d_system",
    "s6",
    "s6_system",
    "spring",
    "spring_poles",
    "spring_response",
    "ssd",
    "ssd_matrix",
    "ssd_system",
]
