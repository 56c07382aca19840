"""A small sequence model around any mixer: embedding, blocks, read-out.

One block serves every mixer, so that two models of equal sizes differ in the mixer alone.
Chapter 10 trains it on MQAR. A trained model reads a sequence at once, in pieces, or token by token
with `SequenceModel.step`, and `SequenceModel.generate` continues one. `save` and `load` keep it in
a file, with its configuration.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf._checks import check_arrays, check_flag, check_integer, check_number, shown
from dsf.config import Config, mixer_options
from dsf.files import read_tensors, unlike, write_tensors
from dsf.layers import Block, BlockState, ShortConvolution
from dsf.mixers import MIXERS, Mixer

__all__ = [
    "Block",
    "BlockState",
    "ModelState",
    "SequenceModel",
    "ShortConvolution",
    "build_model",
    "load",
    "num_parameters",
    "save",
]


class ModelState(NamedTuple):
    """What a model has to know of the tokens before.

    Attributes:
        length: how many there were.
        blocks: the state of each block.
    """

    length: int
    blocks: tuple[BlockState, ...]


class SequenceModel(nn.Module):
    """Embedding, blocks, norm, and a read-out: of tokens by the embedding's matrix, or of classes.

    Args:
        vocab_size: vocabulary V.
        d_model: width d.
        mixer: makes the mixer of one layer; called once a layer. For example
            `lambda: LinearAttention(64, n=16)`.
        num_layers: number of blocks, at least 1.
        conv_kernel: taps of the short convolution in each block; 0 for none.
        mlp_ratio: hidden width of each MLP in units of d; 0 for none.
        max_length: length of a learned position embedding; 0 for none.
        init_std: standard deviation of the normal initialisation of every embedding and linear map.
            Parameters that a mixer initialises by itself keep their values.
        num_classes: number of classes to score with a matrix of their own; None to score tokens.

    Raises:
        ValueError: `num_layers` is less than 1.
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
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        check_integer("vocab_size", vocab_size)
        check_integer("d_model", d_model)
        check_integer("num_layers", num_layers)
        if not callable(mixer):
            raise ValueError(f"mixer is {shown(mixer)}, expected a function that makes a Mixer")
        check_integer("max_length", max_length, 0)
        check_number("init_std", init_std, 0)
        if num_classes is not None:
            check_integer("num_classes", num_classes)
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_length, d_model) if max_length else None
        self.blocks = nn.ModuleList(
            Block(mixer(), conv_kernel, mlp_ratio) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.classes = None if num_classes is None else nn.Linear(d_model, num_classes)
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
        """Score the vocabulary, or the classes.

        The read-out costs d·V a position, at a large vocabulary most of the whole model, so a
        caller that needs few positions should name them.

        Args:
            tokens: int64 (batch, L).
            positions: int64 (batch, Q), the positions to read out; all if None.
            state: what the model has returned for the tokens before these.
            return_state: whether to return the state after these tokens too.

        Returns:
            Logits (batch, Q, V), or (batch, L, V), with the number of classes for V where there are
            such; or the pair of logits and state.

        Raises:
            ValueError: the tokens are not such, or longer than the position embedding.
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
        x = self.norm(x)
        if self.classes is None:
            return F.linear(x, self.embedding.weight)
        logits: Tensor = self.classes(x)
        return logits

    def step(self, tokens: Tensor, state: ModelState | None = None) -> tuple[Tensor, ModelState]:
        """Read one token of every sequence: a softmax cache grows, every other state does not.

        Args:
            tokens: int64 (batch,).
            state: what the step before has returned, or `forward` for a whole prefix; None for
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
            tokens: the prefix, int64 (batch, L).
            num_tokens: how many tokens to add.
            temperature: of the softmax that is drawn from; 0 takes the most likely token.
            generator: of the draws; the global one of PyTorch if None.

        Returns:
            Prefix and continuation, int64 (batch, L + num_tokens).

        Raises:
            ValueError: an argument is not as above, or the model scores classes.
        """
        if self.classes is not None:
            raise ValueError(f"model scores {self.classes.out_features} classes, expected tokens")
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
        model: any module.

    Returns:
        The count.

    Example:
        >>> from dsf.mixers import mixer_class
        >>> from dsf.model import SequenceModel, num_parameters
        >>> num_parameters(SequenceModel(16, 8, lambda: mixer_class("linear")(8, 4)))
        384
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is {shown(model)}, expected a module of PyTorch")
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def build_model(config: Config) -> SequenceModel:
    """The untrained model of a configuration, on the CPU. The seed fixes every initial value.

    The caller's random state is left as it was.

    Args:
        config: the configuration.

    Returns:
        The model.

    Raises:
        ValueError: `config` is none.

    Example:
        >>> from dsf.config import TrainConfig
        >>> from dsf.model import build_model
        >>> build_model(TrainConfig(d_model=8, n=4))(torch.zeros(1, 5, dtype=torch.int64)).shape
        torch.Size([1, 5, 128])
    """
    if not isinstance(config, Config):
        raise ValueError(f"config is {shown(config)}, expected a dsf.config.Config")
    make, sizes = partial(MIXERS[config.mixer], **mixer_options(config)), config.sizes
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        return SequenceModel(
            sizes.vocabulary,
            config.d_model,
            lambda: make(config.d_model, config.n),
            num_layers=config.num_layers,
            conv_kernel=config.conv_kernel,
            mlp_ratio=config.mlp_ratio,
            max_length=sizes.length if config.position_embedding else 0,
            init_std=config.init_std,
            num_classes=sizes.classes,
        )


def save(model: SequenceModel, config: Config, path: str | Path) -> None:
    """Write a model into a file in the safetensors format, with its configuration as metadata.

    Args:
        model: as `build_model` makes it of the configuration, maybe trained.
        config: of the model.
        path: of the file; one that is there is replaced.

    Raises:
        ValueError: an argument is not as above.
        OSError: the file cannot be written.
    """
    if not isinstance(model, SequenceModel):
        raise ValueError(f"model is {shown(model)}, expected a SequenceModel")
    tensors = model.state_dict()
    if wrong := unlike(tensors, build_model(config).state_dict()):
        raise ValueError(f"model is not the one of config: {wrong}")
    write_tensors(path, tensors, config)


def load(path: str | Path) -> tuple[SequenceModel, Config]:
    """Read a model from a file that `save` has written. Nothing in the file is executed.

    Args:
        path: of the file.

    Returns:
        The model, on the CPU, in the precision in which it was saved, and its configuration.

    Raises:
        ValueError: naming the file and what is wrong with it.
        OSError: there is no such file, or it cannot be read.
    """
    tensors, config = read_tensors(path)
    model = build_model(config)
    if wrong := unlike(tensors, model.state_dict()):
        raise ValueError(f"{path}: not the model of its configuration: {wrong}")
    model.load_state_dict(tensors, assign=True)
    return model, config
