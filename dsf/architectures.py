"""The registry: every architecture of the book, once.

Tables, parametrised tests, benchmarks and widgets read `ARCHITECTURES`. A new architecture is one
pair of functions and one entry here.
"""

from __future__ import annotations

import math

import torch

from dsf import attention, delta, gated, rnn, ssm
from dsf.architecture import Architecture, Arguments, Normal


def _softmax(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    # Bounded logits, |q·k|/√m ≤ √m ≤ 1.5, so that Taylor order 16 is exact to 1e-11.
    m = min(n, 2)
    q, k = torch.tanh(normal(length, m)), torch.tanh(normal(length, m))
    return "v", {"q": q, "k": k}, {"order": 16}


def _linear(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    return "v", {"q": normal(length, n), "k": normal(length, n)}, {}


def _normalized(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    qk = {"q": normal(length, n), "k": normal(length, n)}
    return "v", {**qk, "eta": torch.exp(normal(length))}, {}


def _s4d(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    frequencies = math.pi * torch.arange(n, dtype=torch.float64)  # S4D-Lin: -1/2 + iπs
    step = torch.exp(normal(d, leading=False) - 3)
    a = torch.complex(torch.full_like(frequencies, -0.5), frequencies).expand(d, n)
    real, imaginary = normal(d, n, leading=False), normal(d, n, leading=False)
    c = torch.complex(real, imaginary)
    a = a.to(c.dtype)
    return "u", {"a": a, "b": torch.ones_like(a), "c": c, "step": step}, {"length": length}


def _s6(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    step = torch.nn.functional.softplus(normal(length, d) - 2)
    a = -torch.arange(1, n + 1).to(step).expand(d, n)
    skip = normal(d, leading=False)
    bc = {"b": normal(length, n), "c": normal(length, n)}
    return "u", {"step": step, "a": a, **bc, "skip": skip}, {}


def _ssd(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    step = torch.nn.functional.softplus(normal(length) - 2)
    bc = {"b": normal(length, n), "c": normal(length, n)}
    return "u", {"step": step, "a": -1.0, **bc, "skip": normal(d, leading=False)}, {}


def _gates(normal: Normal, length: int, d: int) -> Arguments:
    names = ("forget_gate", "input_gate", "output_gate")
    return {name: normal(length, d) for name in names}


def _qlstm(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    return "u", _gates(normal, length, d), {}


def _qlstm_reversed(
    normal: Normal, length: int, n: int, d: int
) -> tuple[str, Arguments, Arguments]:
    arguments = {**_gates(normal, length, d), "reversed_sigmoid": True, "exponent": 0.5}
    return "u", arguments, {}


def _rg_lru(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    decay = normal(d, leading=False) + 4
    gates = {"recurrence_gate": normal(length, d), "input_gate": normal(length, d)}
    return "u", {**gates, "decay": decay}, {}


def _retention(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    return "v", {"q": normal(length, n), "k": normal(length, n), "decay": 0.9}, {}


def _delta_rule(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    k = torch.nn.functional.normalize(normal(length, n), dim=-1)
    return "v", {"q": normal(length, n), "k": k, "beta": 2 * torch.sigmoid(normal(length))}, {}


def _min_gru(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    return "u", {"update_gate": normal(length, d)}, {}


_ENTRIES = (
    Architecture(
        name="softmax",
        title="Softmax attention",
        family="attention",
        native=attention.softmax_attention,
        system=attention.softmax_attention_system,
        transition=r"(\eta_{i-1}/\eta_i)\, I",
        depends_on="all keys so far, the queries at $i-1$ and $i$",
        paper="vaswani2017",
        chapter=2,
        arguments=_softmax,
        section="ch:softmax-attention",
    ),
    Architecture(
        name="linear",
        title="Linear attention",
        family="attention",
        native=attention.linear_attention,
        system=attention.linear_attention_system,
        transition=r"(\eta_{i-1}/\eta_i)\, I",
        depends_on="all keys so far, the queries at $i-1$ and $i$",
        paper="katharopoulos2020",
        chapter=3,
        arguments=_linear,
        section="ch:linear-attention",
    ),
    Architecture(
        name="normalized",
        title="Normalised attention",
        family="attention",
        native=attention.normalized_attention,
        system=attention.normalized_attention_system,
        transition=r"(\eta(u_{i-1})/\eta(u_i))\, I",
        depends_on="the inputs at $i-1$ and $i$",
        paper="sieber2024",
        chapter=4,
        arguments=_normalized,
        section="ch:normalized-attention",
    ),
    Architecture(
        name="s4d",
        title="S4D",
        family="ssm",
        native=ssm.s4d,
        system=ssm.s4d_system,
        transition=r"e^{\Delta a}",
        depends_on="nothing: it is constant",
        paper="gu2022s4d",
        chapter=5,
        arguments=_s4d,
        section="sec:ss-s4d",
    ),
    Architecture(
        name="s6",
        title="S6 (Mamba)",
        family="ssm",
        native=ssm.s6,
        system=ssm.s6_system,
        transition=r"e^{(\Delta_i \otimes I_n) \odot a}",
        depends_on="the input at $i$",
        paper="gu2023mamba",
        chapter=6,
        arguments=_s6,
        section="ch:selective-ssms",
    ),
    Architecture(
        name="ssd",
        title="SSD (Mamba-2)",
        family="ssm",
        native=ssm.ssd,
        system=ssm.ssd_system,
        transition=r"e^{a\Delta_i}\, I",
        depends_on="the input at $i$",
        paper="dao2024",
        chapter=7,
        arguments=_ssd,
        section="sec:ssd-ssd",
    ),
    Architecture(
        name="qlstm",
        title="qLSTM",
        family="rnn",
        native=rnn.qlstm,
        system=rnn.qlstm_system,
        transition=r"\mathrm{diag}(\sigma(f_i))",
        depends_on="the input at $i$",
        paper="sieber2024",
        chapter=8,
        arguments=_qlstm,
        section="sec:rnn-qlstm",
    ),
    Architecture(
        name="qlstm_reversed",
        title="qLSTM, reversed sigmoid",
        family="rnn",
        native=rnn.qlstm,
        system=rnn.qlstm_system,
        transition=r"\mathrm{diag}(\sigma(-f_i)^{\alpha})",
        depends_on="the input at $i$",
        paper="sieber2024",
        chapter=8,
        arguments=_qlstm_reversed,
        section="sec:rnn-reversed",
    ),
    Architecture(
        name="rg_lru",
        title="RG-LRU (Griffin)",
        family="rnn",
        native=rnn.rg_lru,
        system=rnn.rg_lru_system,
        transition=r"\mathrm{diag}(a^{8\sigma(r_i)})",
        depends_on="the input at $i$",
        paper="de2024",
        chapter=8,
        arguments=_rg_lru,
        section="sec:rnn-rg-lru",
    ),
    Architecture(
        name="retnet",
        title="RetNet",
        family="attention",
        native=gated.retention,
        system=gated.retention_system,
        transition=r"\gamma I",
        depends_on="nothing: it is constant",
        paper="sun2023",
        chapter=13,
        arguments=_retention,
        section="sec:ssd-retnet",
    ),
    Architecture(
        name="deltanet",
        title="DeltaNet",
        family="attention",
        native=delta.delta_rule,
        system=delta.delta_rule_system,
        transition=r"I_d \otimes (I_n - \beta_i k_i k_i^\top)",
        depends_on="the input at $i$",
        paper="yang2024delta",
        chapter=13,
        arguments=_delta_rule,
        section="sec:map-delta",
    ),
    Architecture(
        name="min_gru",
        title="minGRU",
        family="rnn",
        native=gated.min_gru,
        system=gated.min_gru_system,
        transition=r"\mathrm{diag}(1 - \sigma(g_i))",
        depends_on="the input at $i$",
        paper="feng2024",
        chapter=13,
        arguments=_min_gru,
        section="sec:rnn-min-gru",
    ),
)

ARCHITECTURES: dict[str, Architecture] = {entry.name: entry for entry in _ENTRIES}
