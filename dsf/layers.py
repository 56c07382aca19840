"""The block around any mixer: norm, short convolution, mixer, output projection, MLP."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf._checks import check_arrays, check_flag, check_integer, shown
from dsf.blocks import joined
from dsf.mixers import Mixer, take


class BlockState(NamedTuple):
    """What a block has to know of the tokens before.

    Attributes:
        conv: the last tokens that its convolution still sees, (..., kernel - 1, d).
        mixer: the state of its mixer.
    """

    conv: Tensor | None
    mixer: Any


class ShortConvolution(nn.Module):
    """A causal convolution along the sequence, every channel by itself: z_i = Σ_s w_s ⊙ x_{i-s}.

    With a kernel of 4 a token sees its three predecessors before it is mixed, which lets a value
    carry its key along.

    Args:
        d_model: number of channels d.
        kernel: number of taps.
    """

    def __init__(self, d_model: int, kernel: int) -> None:
        super().__init__()
        check_integer("d_model", d_model)
        check_integer("kernel", kernel)
        bound = kernel**-0.5  # the bound that torch.nn.Conv1d uses for a depthwise kernel
        self.weight = nn.Parameter(torch.empty(kernel, d_model).uniform_(-bound, bound))

    def forward(self, x: Tensor, before: Tensor | None = None) -> Tensor:
        """Convolve.

        Args:
            x: tokens (..., L, d).
            before: the kernel - 1 tokens before x, (..., kernel - 1, d); zero if None.

        Returns:
            z (..., L, d).
        """
        arrays = {"x": (x, "(..., L, d)")}
        if before is not None:
            arrays["before"] = (before, "(..., t, d)")
        check_arrays(arrays, d=self.weight.shape[-1], t=len(self.weight) - 1)
        # Shifted multiply-adds: for so few taps faster than torch.nn.functional.conv1d, which
        # also wants the channels before the time.
        kernel, length = len(self.weight), x.shape[-2]
        padded = F.pad(x, (0, 0, kernel - 1, 0)) if before is None else joined(before, x)
        z = x * self.weight[0]
        for shift in range(1, kernel):
            start = kernel - 1 - shift
            z = z + padded[..., start : start + length, :] * self.weight[shift]
        return z


class Block(nn.Module):
    """x + W_out mixer(conv(norm(x))), then, if asked for, x + mlp(norm(x)).

    Args:
        mixer: the token mixer.
        conv_kernel: taps of the short convolution before the mixer; 0 leaves it out.
        mlp_ratio: hidden width of the MLP in units of d; 0 leaves it out.
    """

    def __init__(self, mixer: Mixer, conv_kernel: int = 4, mlp_ratio: int = 0) -> None:
        super().__init__()
        if not isinstance(mixer, Mixer):
            raise ValueError(f"mixer is {shown(mixer)}, expected a dsf.mixers.Mixer")
        check_integer("conv_kernel", conv_kernel, 0)
        check_integer("mlp_ratio", mlp_ratio, 0)
        d_model = mixer.d_model
        self.norm = nn.LayerNorm(d_model)
        self.conv = ShortConvolution(d_model, conv_kernel) if conv_kernel else nn.Identity()
        self.mixer = mixer
        self.out = nn.Linear(d_model, d_model, bias=False)
        self.mlp = (
            nn.Sequential(
                nn.LayerNorm(d_model),
                nn.Linear(d_model, mlp_ratio * d_model),
                nn.GELU(),
                nn.Linear(mlp_ratio * d_model, d_model),
            )
            if mlp_ratio
            else None
        )

    def forward(
        self,
        x: Tensor,
        positions: Tensor | None = None,
        state: BlockState | None = None,
        return_state: bool = False,
    ) -> Any:
        """Apply the block.

        Args:
            x: tokens (batch, L, d).
            positions: int64 (batch, Q), where the result is wanted; everywhere if None.
            state: what the block has returned for the tokens before x.
            return_state: whether to return the state after x too.

        Returns:
            Tokens (batch, L, d), or (batch, Q, d); or the pair of them and the state.
        """
        weight = self.norm.weight
        arrays = {"the weights": (weight, "(d,)"), "x": (x, "(batch, L, d)")}
        if positions is not None:
            arrays["positions"] = (positions, "int64 (batch, Q)")
        check_arrays(arrays)
        check_flag("return_state", return_state)
        if not (state is None or isinstance(state, BlockState)):
            raise ValueError(f"state is {shown(state)}, expected a BlockState")
        if state is not None and (state.conv is None) == isinstance(self.conv, ShortConvolution):
            kind = "without" if state.conv is None else "with"
            raise ValueError(f"state is that of a block {kind} a convolution, expected the other")
        if state is not None and state.conv is not None and state.conv.shape[0] != x.shape[0]:
            raise ValueError(
                f"state is that of {state.conv.shape[0]} sequences, expected {x.shape[0]}, as x"
            )
        normed = self.norm(x)
        if state is not None or return_state:
            conv, mixer = (None, None) if state is None else state
            z = self.conv(normed) if conv is None else self.conv(normed, conv)
            y, mixer = self.mixer(z, mixer, return_state=True)
            state = BlockState(self._seen(normed, conv), mixer)
            if positions is not None:
                x, y = take(x, positions), take(y, positions)
        elif positions is None:
            y = self.mixer(self.conv(normed))
        else:  # all that follows treats every position by itself
            x, y = take(x, positions), self.mixer.at(self.conv(normed), positions)
        x = x + self.out(y)
        x = x if self.mlp is None else x + self.mlp(x)
        return (x, state) if return_state else x

    def _seen(self, x: Tensor, before: Tensor | None) -> Tensor | None:
        """The last tokens that the convolution still sees."""
        if not isinstance(self.conv, ShortConvolution):
            return None
        kernel = len(self.conv.weight)
        x = F.pad(x, (0, 0, kernel - 1, 0)) if before is None else joined(before, x)
        return x[..., x.shape[-2] - kernel + 1 :, :]
