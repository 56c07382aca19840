"""Evaluators in time and memory, forward and backward, float32, side by side with a peer.

The peer of the selective scan is `pscan` of mambapy, a parallel scan in pure PyTorch; what comes
before and after it (the transitions, the inputs, the read-out) is written as mambapy writes it.
"""

import subprocess
import sys
from collections.abc import Callable

import torch
from mambapy.pscan import pscan
from torch import Tensor
from torch.nn import functional as F

from benchmarks.timing import interleaved, peak_megabytes, row
from dsf import (
    LowRankSystem,
    linear_attention,
    linear_attention_system,
    linear_recurrence,
    s6,
    softmax_attention,
    softmax_matrix,
    ssd,
    ssd_system,
)
from dsf.dense import Method

BATCH, D = 8, 64
Step = Callable[[], object]


def main() -> None:
    """Print all tables."""
    print(f"{torch.get_num_threads()} threads, B={BATCH}, d={D}, float32, forward and backward")
    selective_scan()
    chunked()
    low_rank()
    one_state_per_channel()
    softmax()
    growth()
    import_time()


def selective_scan() -> None:
    """S6 against mambapy's pscan."""
    print("\nSelective scan (S6), time in ms, extra memory in MB")
    head = ("n", "L", "pscan", "dsf", "ratio", "goal", "MB pscan", "MB dsf", "ratio", "goal")
    print(row(*head))
    goals = {64: 1.5, 256: 2.5, 1024: 2.5, 4096: 5.0}
    for n in (16, 64):
        for length, goal in goals.items():
            rounds = 9 if length <= 256 else 3
            peer, ours = interleaved(
                s6_step(length, n, pscan_s6), s6_step(length, n, s6), rounds=rounds
            )
            cells = [n, length, f"{1e3 * peer:.1f}", f"{1e3 * ours:.1f}"]
            cells += [f"{peer / ours:.1f} x", f"{goal} x"]
            if length >= 1024:
                peer_mb = peak_megabytes(s6_step, length, n, pscan_s6)
                our_mb = peak_megabytes(s6_step, length, n, s6)
                cells += [f"{peer_mb:.0f}", f"{our_mb:.0f}", f"{peer_mb / our_mb:.0f} x", "10 x"]
            print(row(*cells), flush=True)


def pscan_s6(u: Tensor, step: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """S6 around mambapy's parallel scan."""
    transition = torch.exp(step.unsqueeze(-1) * a)  # (B, L, d, n)
    x = (step * u).unsqueeze(-1) * b.unsqueeze(2)
    return (pscan(transition, x) @ c.unsqueeze(-1)).squeeze(-1)


def s6_step(length: int = 8, n: int = 4, function: Callable[..., Tensor] = s6) -> Step:
    """Forward and backward pass of S6 on random inputs."""
    u, gate, rate = normal(length, D), normal(length, D), torch.rand(D, n) + 0.1
    return backward(function, u, F.softplus(gate - 3), -rate, normal(length, n), normal(length, n))


def chunked() -> None:
    """SSD and linear attention: blocks of 64 against Φ and against the general scan."""
    print("\nScalar transitions, n=64, ms")
    print(row("", "L", "matrix", "chunked", "scan", "native"))
    for name, step in (("SSD", ssd_step), ("linear", linear_step)):
        for length in (64, 256, 1024, 4096):
            methods = ["matrix", "chunked", "scan", "native"]
            if length == 4096:
                methods = ["chunked", "scan"] + ["native"] * (name == "linear")
            times = interleaved(*[step(length, 64, m) for m in methods], rounds=3)
            cells = dict(zip(methods, (f"{1e3 * t:.1f}" for t in times), strict=True))
            shown = [cells.get(m, "-") for m in ("matrix", "chunked", "scan", "native")]
            print(row(name, length, *shown), flush=True)


def ssd_step(length: int = 8, n: int = 4, method: str = "chunked") -> Step:
    """Forward and backward pass of SSD; native is the quadratic dual."""

    def run(u: Tensor, step: Tensor, b: Tensor, c: Tensor) -> Tensor:
        if method == "native":
            return ssd(u, step, -1.0, b, c)
        return ssd_system(step, -1.0, b, c).run(u, method)  # type: ignore[call-overload, no-any-return]

    step = F.softplus(normal(length) - 3)
    return backward(run, normal(length, D), step, normal(length, n), normal(length, n))


def linear_step(length: int = 8, n: int = 4, method: str = "chunked") -> Step:
    """Forward and backward pass of linear attention; native is the chunked running sum."""

    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if method == "native":
            return linear_attention(q, k, v)
        return linear_attention_system(q, k).run(v, method)  # type: ignore[call-overload, no-any-return]

    return backward(run, normal(length, n), normal(length, n), normal(length, D))


def low_rank() -> None:
    """DeltaNet, and a diagonal of n numbers beside the low rank: chunks against the definition."""
    print("\nLow rank (r = 1), n=64, ms")
    print(row("diagonal", "L", "recurrent", "chunked", "ratio", "goal"))
    for diagonal, goal in (("scalar", "8 x"), ("full", "-")):
        for length in (1024, 4096):
            width = 1 if diagonal == "scalar" else 64
            steps = [low_rank_step(length, 64, width, m) for m in ("recurrent", "chunked")]
            slow, fast = interleaved(*steps, rounds=3)
            cells = (f"{1e3 * slow:.1f}", f"{1e3 * fast:.1f}", f"{slow / fast:.1f} x", goal)
            print(row(diagonal, length, *cells), flush=True)


def low_rank_step(length: int = 8, n: int = 4, width: int = 1, method: Method = "chunked") -> Step:
    """Forward and backward pass of a system whose diagonal has one number or n."""

    def run(a: Tensor, left: Tensor, right: Tensor, b: Tensor, c: Tensor, u: Tensor) -> Tensor:
        return LowRankSystem(a, left, right, b, c).run(u, method)

    key = F.normalize(normal(length, n, 1), dim=-2)
    erase = torch.sigmoid(normal(length, 1, 1)) * key
    decay = torch.sigmoid(normal(length, width) + 3)
    read, u = normal(length, n, 1), normal(length, D)
    return backward(run, decay, erase, key, erase, read, u)


def one_state_per_channel() -> None:
    """The recurrence inside qLSTM and RG-LRU, which hold one state per channel."""
    print("\nOne state per channel, h_i = Λ_i h_{i-1} + x_i, B=32, d=128, ms")
    print(row("L", "pscan", "dsf", "ratio"))
    for length in (256, 1024, 4096):
        arrays = (torch.rand(32, length, 128), torch.randn(32, length, 128))
        theirs, ours = interleaved(
            backward(lambda a, x: pscan(a.unsqueeze(-1), x.unsqueeze(-1)).squeeze(-1), *arrays),
            backward(linear_recurrence, *arrays),
            rounds=3,
        )
        ratio = f"{theirs / ours:.1f} x"
        print(row(length, f"{1e3 * theirs:.1f}", f"{1e3 * ours:.1f}", ratio), flush=True)


def softmax() -> None:
    """Softmax attention: the fused kernel against the explicit map."""
    print("\nSoftmax attention, m=64: fused against explicit, time in ms, extra memory in MB")
    print(row("L", "explicit", "dsf", "ratio", "MB explicit", "MB dsf"))
    for length in (64, 256, 1024, 2048):
        explicit, ours = interleaved(
            softmax_step(length, explicit_softmax), softmax_step(length), rounds=3
        )
        megabytes = [
            peak_megabytes(softmax_step, length, f) for f in (explicit_softmax, softmax_attention)
        ]
        cells = (f"{1e3 * explicit:.1f}", f"{1e3 * ours:.1f}", f"{explicit / ours:.1f} x")
        print(row(length, *cells, *(f"{m:.0f}" for m in megabytes)), flush=True)


def explicit_softmax(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention with its map written out."""
    return softmax_matrix(q, k) @ v


def softmax_step(length: int = 8, function: Callable[..., Tensor] = softmax_attention) -> Step:
    """Forward and backward pass of softmax attention."""
    return backward(function, normal(length, 64), normal(length, 64), normal(length, D))


def growth() -> None:
    """How time and memory grow with one size at a time, S6 and SSD."""
    print("\nGrowth with L, n and d: time in ms, extra memory in MB")
    print(row("", "L", "n", "d", "S6 ms", "S6 MB", "SSD ms", "SSD MB"))
    base = (512, 16, 64)
    for axis, name in enumerate("Lnd"):
        for factor in (1, 2, 4):
            sizes = tuple(size * factor if i == axis else size for i, size in enumerate(base))
            cells: list[object] = []
            for prepare in (sized_s6_step, sized_ssd_step):
                (seconds,) = interleaved(prepare(*sizes), rounds=3)
                cells += [f"{1e3 * seconds:.1f}", f"{peak_megabytes(prepare, *sizes):.0f}"]
            print(row(name, *sizes, *cells), flush=True)


def sized_s6_step(length: int = 8, n: int = 4, d: int = 4) -> Step:
    """S6 with every size free."""
    u, step, a = normal(length, d), F.softplus(normal(length, d) - 3), -torch.rand(d, n) - 0.1
    return backward(s6, u, step, a, normal(length, n), normal(length, n))


def sized_ssd_step(length: int = 8, n: int = 4, d: int = 4) -> Step:
    """SSD with every size free."""

    def run(u: Tensor, step: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return ssd_system(step, -1.0, b, c).run(u)

    step = F.softplus(normal(length) - 3)
    return backward(run, normal(length, d), step, normal(length, n), normal(length, n))


def import_time() -> None:
    """`import dsf` against `import torch`, whole processes."""

    def start(module: str) -> Step:
        return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)

    bare, ours = interleaved(start("torch"), start("dsf"))
    print(
        f"\nimport torch {bare:.2f} s, import dsf {ours:.2f} s, ratio {ours / bare:.2f} (goal 1.5)"
    )


def normal(*shape: int) -> Tensor:
    """Random numbers with the batch in front."""
    return torch.randn(BATCH, *shape)


def backward(function: Callable[..., Tensor], *arrays: Tensor) -> Step:
    """Forward and backward pass with respect to every array."""
    leaves = [x.detach().requires_grad_() for x in arrays]

    def run() -> None:
        y = function(*leaves)
        torch.autograd.grad(y, leaves, torch.ones_like(y))

    return run


if __name__ == "__main__":
    main()
