"""The theorems, executable: how much state a mixer needs, how far Taylor features are from softmax,
when attention is a state space model, and what a change of state coordinates leaves unchanged.

Everything here is meant for float64.
"""

from dsf.theory.duality import attention_to_ssd, is_nondecreasing, ssd_to_attention
from dsf.theory.hankel import hankel_block, hankel_ranks, minimal_state_size
from dsf.theory.realization import change_realization
from dsf.theory.truncation import (
    TruncationError,
    attention_output_bound,
    taylor_kernel_bound,
    truncation_error,
)

__all__ = [
    "TruncationError",
    "attention_output_bound",
    "attention_to_ssd",
    "change_realization",
    "hankel_block",
    "hankel_ranks",
    "is_nondecreasing",
    "minimal_state_size",
    "ssd_to_attention",
    "taylor_kernel_bound",
    "truncation_error",
]
