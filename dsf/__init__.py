"""Attention, state space models and recurrent networks as one linear time-varying system.

The package behind the book. Start with `LTVSystem`; `X(...)` is an architecture as its own paper
writes it, `X_system(...)` the same map as an `LTVSystem`, `X_matrix(...)` its formula where the
native form is shaped by speed, and `ARCHITECTURES` lists them all.
"""

from dsf import check, delta, feature_maps, gated, mqar, theory
from dsf.architecture import Architecture
from dsf.architectures import ARCHITECTURES
from dsf.attention import (
    kv_cache_system,
    linear_attention,
    linear_attention_matrix,
    linear_attention_system,
    normalized_attention,
    normalized_attention_matrix,
    normalized_attention_system,
    separable_attention_system,
    softmax_attention,
    softmax_attention_system,
    softmax_matrix,
)
from dsf.blocks import segment_products
from dsf.delta import *
from dsf.dense import DenseSystem
from dsf.gated import *
from dsf.low_rank import LowRankSystem
from dsf.recurrence import linear_recurrence
from dsf.rnn import (
    elman,
    elman_trajectory,
    lstm,
    lstm_trajectory,
    qlstm,
    qlstm_expanded,
    qlstm_expanded_system,
    qlstm_system,
    rg_lru,
    rg_lru_system,
)
from dsf.ssm import (
    discretize,
    discretize_dense,
    hippo_condition,
    hippo_legs,
    hippo_legs_system,
    hippo_normal,
    hippo_reconstruct,
    s4d,
    s4d_kernel,
    s4d_matrix,
    s4d_poles,
    s4d_system,
    s6,
    s6_system,
    spring,
    spring_poles,
    spring_response,
    ssd,
    ssd_matrix,
    ssd_system,
)
from dsf.state import KeyValueCache, NormalizedState
from dsf.system import LTVSystem, System

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "DenseSystem",
    "KeyValueCache",
    "LTVSystem",
    "LowRankSystem",
    "NormalizedState",
    "System",
    "check",
    "discretize",
    "discretize_dense",
    "elman",
    "elman_trajectory",
    "feature_maps",
    "hippo_condition",
    "hippo_legs",
    "hippo_legs_system",
    "hippo_normal",
    "hippo_reconstruct",
    "kv_cache_system",
    "linear_attention",
    "linear_attention_matrix",
    "linear_attention_system",
    "linear_recurrence",
    "lstm",
    "lstm_trajectory",
    "mqar",
    "normalized_attention",
    "normalized_attention_matrix",
    "normalized_attention_system",
    "qlstm",
    "qlstm_expanded",
    "qlstm_expanded_system",
    "qlstm_system",
    "rg_lru",
    "rg_lru_system",
    "s4d",
    "s4d_kernel",
    "s4d_matrix",
    "s4d_poles",
    "s4d_system",
    "s6",
    "s6_system",
    "segment_products",
    "separable_attention_system",
    "softmax_attention",
    "softmax_attention_system",
    "softmax_matrix",
    "spring",
    "spring_poles",
    "spring_response",
    "ssd",
    "ssd_matrix",
    "ssd_system",
    "theory",
]
__all__ += gated.__all__
__all__ += delta.__all__
