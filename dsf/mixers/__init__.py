"""Trainable token mixers: the architectures of the book with their learned projections.

Each mixer maps tokens x (..., L, d) to outputs y (..., L, d) and shows its inside:

* `mixer(x)`: the outputs by the fast native form.
* `mixer.system(x)`: the system whose Λ, B, C (and D) the projections of x have set.
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
  and output weights instead). Attention, state space models, what came after the paper with such a
  state, and the expanded qLSTM.
* One state a channel, N = d: four projections to d numbers (value and gates). All other recurrent
  networks.

Each module of this folder has two tables: `MIXERS`, by the name of an architecture or of a variant
of it, and `TITLES` of the variants. They are put together here.

What a mixer trains beside its projections are parameters of its own, not `nn.Linear`: the
initialiser of a whole model leaves them as their papers have them, and weight decay leaves them
alone (`dsf.optimize.parameter_groups`).
"""

from collections.abc import Callable
from functools import partial

from dsf._checks import check_choice
from dsf.architectures import ARCHITECTURES
from dsf.mixers import attention, delta, gated, rnn, ssm
from dsf.mixers.attention import *
from dsf.mixers.base import Mixer, take
from dsf.mixers.delta import *
from dsf.mixers.gated import *
from dsf.mixers.rnn import *
from dsf.mixers.ssm import *

__all__ = ["MIXERS", "RECURRENT", "TITLES", "Mixer", "mixer_class", "take"]
__all__ += attention.__all__
__all__ += ssm.__all__
__all__ += rnn.__all__
__all__ += gated.__all__
__all__ += delta.__all__

_MODULES = (attention, ssm, rnn, gated, delta)

MIXERS: dict[str, Callable[..., Mixer]] = {k: x for m in _MODULES for k, x in m.MIXERS.items()}
"""What makes a mixer from d_model and n, by the names that `dsf.config.Config` takes."""


def mixer_class(name: str) -> type[Mixer]:
    """The class behind an entry of `MIXERS`: it knows which n it can have and its options.

    Args:
        name: a key of `MIXERS`.

    Returns:
        The class; `Mixer` itself where the entry is a function of which nothing is known.

    Raises:
        ValueError: there is no such mixer.

    Example:
        >>> from dsf.mixers import mixer_class
        >>> mixer_class("s6")(d_model=8, n=4)(torch.zeros(1, 5, 8)).shape
        torch.Size([1, 5, 8])
    """
    check_choice("name", name, MIXERS)
    make = MIXERS[name]
    make = make.func if isinstance(make, partial) else make
    return make if isinstance(make, type) and issubclass(make, Mixer) else Mixer


RECURRENT = tuple(name for name in MIXERS if mixer_class(name).expansion == "one")
"""Names of the mixers with one state a channel: n = 1."""

TITLES = {
    **{name: ARCHITECTURES[name].title for name in MIXERS if name in ARCHITECTURES},
    **{name: title for module in _MODULES for name, title in module.TITLES.items()},
}
"""Names of the mixers for people."""
