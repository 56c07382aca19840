"""A small sequence model around any mixer: embedding, blocks, tied read-out.

One block serves every mixer, so that two models of equal sizes differ in the mixer alone.
Chapter 10 trains it on MQAR. A trained model reads a sequence at once, in pieces, or token by token
with `SequenceModel.step`, and `SequenceModel.generate` continues one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf._checks import check_arrays, check_flag, check_integer, check_number, shown
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


class ModelState(NamedTuple):
    """What a model has to know of the tokens before.

    Attributes:
        length: how many there were.
        blocks: the state of each block.
    """

    length: int
    blocks: tuple[BlockState, ...]


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
        check_integer("d_model", d_model)
        check_integer("kernel", kernel)
        bound = kernel**-0.5  # the bound that torch.nn.Conv1d uses for a depthwise kernel
        self.weight = nn.Parameter(torch.empty(kernel, d_model).uniform_(-bound, bound))

    def forward(self, x: Tensor, before: Tensor | None = None) -> Tensor:
        """Convolve.

        Args:
            x: Tokens (..., L, d).
            before: The kernel - 1 tokens before x, (..., kernel - 1, d); zero if None.

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
        mixer: The token mixer.
        conv_kernel: Taps of the short convolution before the mixer; 0 leaves it out.
        mlp_ratio: Hidden width of the MLP in units of d; 0 leaves it out.
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
            x: Tokens (batch, L, d).
            positions: int64 (batch, Q), where the result is wanted; everywhere if None.
            state: What the block has returned for the tokens before x.
            return_state: Whether to return the state after x too.

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
        check_integer("vocab_size", vocab_size)
        check_integer("d_model", d_model)
        check_integer("num_layers", num_layers)
        if not callable(mixer):
            raise ValueError(f"mixer is {shown(mixer)}, expected a function that makes a Mixer")
        check_integer("max_length", max_length, 0)
        check_number("init_std", init_std, 0)
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

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor | None = None,
        state: ModelState | None = None,
        return_state: bool = False,
    ) -> Any:
        """Score the vocabulary.

        The read-out costs d·V a position, at a large vocabulary most of the whole model, so a
        caller that needs few positions should name them.

        Args:
            tokens: int64 (batch, L).
            positions: int64 (batch, Q), the positions to read out; all if None.
            state: What the model has returned for the tokens before these.
            return_state: Whether to return the state after these tokens too.

        Returns:
            Logits (batch, Q, V), or (batch, L, V); or the pair of logits and state.

        Raises:
            ValueError: If the tokens are not such, or longer than the position embedding.
        """
        self._check_tokens(tokens, "(batch, L)")
        check_flag("return_state", return_state)
        if not (state is None or isinstance(state, ModelState)):
            raise ValueError(f"state is {shown(state)}, expected a ModelState")
        if state is not None and len(state.blocks) != len(self.blocks):
            raise ValueError(
                f"state is that of {len(state.blocks)} blocks, expected {len(self.blocks)}"
            )
        start = 0 if state is None else state.length
        end = start + tokens.shape[1]
        x = self.embedding(tokens)
        if self.position is not None:
            if end > self.position.num_embeddings:
                raise ValueError(
                    f"tokens has length {end}, expected at most max_length = "
                    f"{self.position.num_embeddings}"
                )
            x = x + self.position.weight[start:end]
        if state is None and not return_state:
            *early, last = self.blocks
            for block in early:
                x = block(x)
            return self._read_out(last(x, positions))
        after = []
        for number, block in enumerate(self.blocks):
            before = None if state is None else state.blocks[number]
            asked = positions if number == len(self.blocks) - 1 else None
            x, seen = block(x, asked, before, return_state=True)
            after.append(seen)
        logits = self._read_out(x)
        return (logits, ModelState(end, tuple(after))) if return_state else logits

    def _check_tokens(self, tokens: Tensor, shape: str) -> None:
        check_arrays({"tokens": (tokens, f"int64 {shape}")})
        if tokens.device != self.embedding.weight.device:
            device = self.embedding.weight.device
            raise ValueError(f"tokens is on {tokens.device}, expected {device}, as the model")

    def _read_out(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.embedding.weight)

    def step(self, tokens: Tensor, state: ModelState | None = None) -> tuple[Tensor, ModelState]:
        """Read one token of every sequence: a softmax cache grows, every other state does not.

        Args:
            tokens: int64 (batch,).
            state: What the step before has returned, or `forward` for a whole prefix; None for
                the first token.

        Returns:
            Logits (batch, V) for the token after, and the state.
        """
        self._check_tokens(tokens, "(batch,)")
        logits, state = self(tokens.unsqueeze(1), None, state, return_state=True)
        assert state is not None
        return logits.squeeze(1), state

    @torch.no_grad()
    def generate(
        self,
        tokens: Tensor,
        num_tokens: int,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Continue sequences, one token after the other, each computed from the state alone.

        Args:
            tokens: The prefix, int64 (batch, L).
            num_tokens: How many tokens to add.
            temperature: Of the softmax that is drawn from; 0 takes the most likely token.
            generator: Of the draws; the global one of PyTorch if None.

        Returns:
            Prefix and continuation, int64 (batch, L + num_tokens).
        """
        num_tokens = check_integer("num_tokens", num_tokens, 0)
        temperature = check_number("temperature", temperature, 0)
        self._check_tokens(tokens, "(batch, L)")
        if not (generator is None or isinstance(generator, torch.Generator)):
            raise ValueError(f"generator is {shown(generator)}, expected a torch.Generator")
        found, state = [tokens], None
        for _ in range(num_tokens):
            logits, state = self(found[-1], None, state, return_state=True)
            logits = logits[:, -1]
            if temperature == 0:
                chosen = logits.argmax(-1, keepdim=True)
            else:
                logits = logits - logits.amax(-1, keepdim=True)
                chances = (logits / temperature).softmax(-1)
                chosen = torch.multinomial(chances, 1, generator=generator)
            found.append(chosen)
        return torch.cat(found, dim=1)


def num_parameters(model: nn.Module) -> int:
    """Number of trained numbers in a model, shared ones counted once.

    Args:
        model: Any module.

    Returns:
        The count.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is {shown(model)}, expected a module of PyTorch")
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
