"""Trainable token mixers: the architectures of the book with their learned projections.

Each mixer maps tokens x (..., L, d) to outputs y (..., L, d) and shows its inside:

* `mixer(x)`: the outputs by the fast native form.
* `mixer.system(x)`: the `LTVSystem` whose Λ, B, C (and D) the projections of x have set.
* `mixer.u(x)`: the sequence u that drives this system.

so that `mixer(x)` equals `mixer.system(x).run(mixer.u(x))`. A sequence may come in pieces:
`mixer(x, state, return_state=True)` takes and gives the state between them. A last layer that is
read at few positions only uses `mixer.at(x, positions)`. The output projection is not part of a
mixer: it is the same for all and belongs to the block around them (`dsf.model.Block`).

There are two groups, each with equal parameters to within 5 % in a model of `dsf.model` with at
most two layers and d = 16, 32, 48 or 64. In wider or deeper ones S6 exceeds that (by 6 % of the
smallest at d = 512 with two layers), since the d²/8 numbers of its Δ stand beside 2d²:

* State expansion n, N = nd states: a projection to d numbers (value), and 2nd numbers more (query
  and key in the language of attention, C and B in that of state space models; S4D has its poles
  and output weights instead). Attention and state space models.
* One state a channel, N = d: four projections to d numbers (value and gates). Recurrent networks.

What a mixer trains beside its projections are parameters of its own, not `nn.Linear`: the
initialiser of a whole model leaves them as their papers have them, and weight decay leaves them
alone (`dsf.train.parameter_groups`).
"""

from collections.abc import Callable
from functools import partial

from dsf.architectures import ARCHITECTURES
from dsf.mixers.attention import (
    GatedLinearAttention,
    LinearAttention,
    NormalizedAttention,
    SoftmaxAttention,
    UnnormalizedAttention,
)
from dsf.mixers.base import Mixer, take
from dsf.mixers.rnn import QLSTM, RGLRU
from dsf.mixers.ssm import S4D, S6, SSD

__all__ = [
    "MIXERS",
    "QLSTM",
    "RECURRENT",
    "RGLRU",
    "S4D",
    "S6",
    "SSD",
    "TITLES",
    "GatedLinearAttention",
    "LinearAttention",
    "Mixer",
    "NormalizedAttention",
    "SoftmaxAttention",
    "UnnormalizedAttention",
    "take",
]

MIXERS: dict[str, Callable[..., Mixer]] = {
    "softmax": SoftmaxAttention,
    "linear": LinearAttention,
    "linear_unnormalized": partial(LinearAttention, normalize=False),
    "normalized": NormalizedAttention,
    "normalized_softplus": partial(NormalizedAttention, eta="softplus"),
    "normalized_sigmoid": partial(NormalizedAttention, eta="sigmoid"),
    "unnormalized": UnnormalizedAttention,
    "gated_linear": GatedLinearAttention,
    "s4d": S4D,
    "s6": S6,
    "ssd": SSD,
    "qlstm": QLSTM,
    "qlstm_reversed": partial(QLSTM, reversed_sigmoid=True, learn_exponent=True),
    "qlstm_exponent": partial(QLSTM, learn_exponent=True),
    "rg_lru": RGLRU,
}
"""What makes a mixer from d_model and n, by the names that `dsf.train.TrainConfig` takes."""

RECURRENT = ("qlstm", "qlstm_reversed", "qlstm_exponent", "rg_lru")
"""Names of the mixers with one state a channel: n = 1."""

TITLES = {
    **{name: ARCHITECTURES[name].title for name in MIXERS if name in ARCHITECTURES},
    "linear_unnormalized": "Linear attention, no row sum",
    "normalized_softplus": "Normalised attention, softplus",
    "normalized_sigmoid": "Normalised attention, sigmoid",
    "unnormalized": "Unnormalised attention",
    "gated_linear": "Unnormalised attention, output gate",
    "qlstm_exponent": "qLSTM, learned exponent",
}
"""Names of the mixers for people."""
