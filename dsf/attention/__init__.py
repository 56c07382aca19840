"""Softmax, linear and normalised attention: native form and DSF form side by side.

Queries and keys q, k have shape (..., L, m), values v shape (..., L, d). Attention is causal.
Heads are a leading axis. In the DSF forms the input of the system is u = v.

A sequence may come in pieces: with `return_state=True` a native form also returns what it has to
know of the tokens so far, and `state` takes it for the piece after them. The DSF form takes the
same as `before`, because a normalised state has to be rescaled to the normaliser of its piece.
"""

from dsf.attention.linear import (
    linear_attention,
    linear_attention_matrix,
    linear_attention_system,
)
from dsf.attention.normalized import (
    normalized_attention,
    normalized_attention_matrix,
    normalized_attention_system,
)
from dsf.attention.separable import separable_attention_system
from dsf.attention.softmax import (
    kv_cache_system,
    softmax_attention,
    softmax_attention_system,
    softmax_matrix,
)

__all__ = [
    "kv_cache_system",
    "linear_attention",
    "linear_attention_matrix",
    "linear_attention_system",
    "normalized_attention",
    "normalized_attention_matrix",
    "normalized_attention_system",
    "separable_attention_system",
    "softmax_attention",
    "softmax_attention_system",
    "softmax_matrix",
]
