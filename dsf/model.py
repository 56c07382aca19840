"""A small sequence model around any mixer: embedding, blocks, tied read-out.

One block serves every mixer, so that two models of equal sizes differ in the mixer alone.
Chapter 10 trains it on MQAR.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf.layers import Mixer, take


class ShortConvolution(nn.Module):
    """A causal convolution along the sequence, every channel by itself: z_i = Σ_s w_s ⊙ x_{i-s}.

    With a kernel of 4 a token sees its three predecessors before it is mixed, which lets a value
    carry its key along.

    Args:
        d_model: Number of channels d.
        kernel: Number of taps.
    """

    def __init__(self, d_model: int, kernel: int) -> None:
        super().__init__()
        bound = kernel**-0.5  # the bound that torch.nn.Conv1d uses for a depthwise kernel
        self.weight = nn.Parameter(torch.empty(kernel, d_model).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: Tokens (..., L, d).

        Returns:
            z (..., L, d).
        """
        # Shifted multiply-adds: for so few taps faster than torch.nn.functional.conv1d, which
        # also wants the channels before the time.
        kernel, length = len(self.weight), x.shape[-2]
        padded = F.pad(x, (0, 0, kernel - 1, 0))
        z = x * self.weight[0]
        for shift in range(1, kernel):
            start = kernel - 1 - shift
            z = z + padded[..., start : start + length, :] * self.weight[shift]
        return z


class Block(nn.Module):
    """x + W_out mixer(conv(norm(x))), then, if asked for, x + mlp(norm(x)).

    Args:
        mixer: The token mixer.
        conv_kernel: Taps of the short convolution before the mixer; 0 leaves it out.
        mlp_ratio: Hidden width of the MLP in units of d; 0 leaves it out.
    """

    def __init__(self, mixer: Mixer, conv_kernel: int = 4, mlp_ratio: int = 0) -> None:
        super().__init__()
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

    def forward(self, x: Tensor, positions: Tensor | None = None) -> Tensor:
        """Apply the block.

        Args:
            x: Tokens (batch, L, d).
            positions: int64 (batch, Q), where the result is wanted; everywhere if None.

        Returns:
            Tokens (batch, L, d), or (batch, Q, d).
        """
        z = self.conv(self.norm(x))
        if positions is None:
            y = self.mixer(z)
        else:  # all that follows treats every position by itself
            x, y = take(x, positions), self.mixer.at(z, positions)
        x = x + self.out(y)
        return x if self.mlp is None else x + self.mlp(x)


class SequenceModel(nn.Module):
    """Embedding, blocks, norm, and a read-out that shares the embedding's matrix.

    Args:
        vocab_size: Vocabulary V.
        d_model: Width d.
        mixer: Makes the mixer of one layer; called once a layer. For example
            `lambda: LinearAttention(64, n=16)`.
        num_layers: Number of blocks, at least 1.
        conv_kernel: Taps of the short convolution in each block; 0 for none.
        mlp_ratio: Hidden width of each MLP in units of d; 0 for none.
        max_length: Length of a learned position embedding; 0 for none.
        init_std: Standard deviation of the normal initialisation of every embedding and linear map.
            Parameters that a mixer initialises by itself keep their values.

    Raises:
        ValueError: If `num_layers` is less than 1.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        mixer: Callable[[], Mixer],
        num_layers: int = 1,
        conv_kernel: int = 4,
        mlp_ratio: int = 0,
        max_length: int = 0,
        init_std: float = 0.1,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers = {num_layers}: expected at least 1")
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_length, d_model) if max_length else None
        self.blocks = nn.ModuleList(
            Block(mixer(), conv_kernel, mlp_ratio) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=init_std)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, tokens: Tensor, positions: Tensor | None = None) -> Tensor:
        """Score the vocabulary.

        The read-out costs d·V a position, at a large vocabulary most of the whole model, so a
        caller that needs few positions should name them.

        Args:
            tokens: int64 (batch, L).
            positions: int64 (batch, Q), the positions to read out; all if None.

        Returns:
            Logits (batch, Q, V), or (batch, L, V).

        Raises:
            ValueError: If the tokens are longer than the position embedding.
        """
        x = self.embedding(tokens)
        if self.position is not None:
            if tokens.shape[1] > self.position.num_embeddings:
                raise ValueError(
                    f"tokens has length {tokens.shape[1]}: "
                    f"expected at most max_length = {self.position.num_embeddings}"
                )
            x = x + self.position.weight[: tokens.shape[1]]
        *early, last = self.blocks
        for block in early:
            x = block(x)
        x = last(x, positions)
        return F.linear(self.norm(x), self.embedding.weight)


def num_parameters(model: nn.Module) -> int:
    """Number of trained numbers in a model, shared ones counted once.

    Args:
        model: Any module.

    Returns:
        The count.
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
