"""What the place of a question gives away in MQAR, to a reader who never looks at the key."""

from functools import lru_cache

from torch import Tensor

from dsf._checks import check_arrays, check_integer, check_values
from dsf.tasks import mqar

__all__ = ["asked_pairs", "position_level"]


def asked_pairs(inputs: Tensor, positions: Tensor, num_kv_pairs: int) -> Tensor:
    """Which pair each question of MQAR asks for.

    Args:
        inputs: tokens (B, L), of `dsf.mqar.generate`.
        positions: where something is asked, (B, Q).
        num_kv_pairs: number of pairs K.

    Returns:
        Numbers of pairs (B, Q), from 0 to K - 1.

    Raises:
        ValueError: an argument is not as above, or the token at a position is none of the keys.

    Example:
        >>> inputs, labels = dsf.mqar.generate(1, 16, num_kv_pairs=2, seed=0)
        >>> positions = dsf.mqar.asked_positions(labels)
        >>> sorted(dsf.mqar.asked_pairs(inputs, positions, 2)[0].tolist())
        [0, 1]
    """
    arrays = {"inputs": (inputs, "int64 (B, L)"), "positions": (positions, "int64 (B, Q)")}
    check_arrays(arrays)
    check_values(inputs=inputs, positions=positions)
    length = inputs.shape[1]
    pairs = check_integer("num_kv_pairs", num_kv_pairs, high=length // 2)
    if positions.numel() and not 0 <= int(positions.min()) <= int(positions.max()) < length:
        raise ValueError(f"positions has values beyond 0 to {length - 1}, the places of inputs")
    asked, keys = inputs.gather(1, positions), inputs[:, : 2 * pairs : 2]
    same = asked.unsqueeze(-1) == keys.unsqueeze(1)
    if not same.any(-1).all():
        raise ValueError(f"positions has places whose token is none of the {pairs} keys")
    return same.int().argmax(-1)


def position_level(
    seq_len: int, num_kv_pairs: int, power_a: float = 0.01, queries_per_key: int = 1
) -> float:
    """What a reader scores who guesses the pair from the position of its question.

    One draw of 5000 sequences finds the guess, another scores it. A run of MQAR that does no
    better has not learnt to bind keys and values.

    Args:
        seq_len: length L of a sequence; see `dsf.mqar.generate`.
        num_kv_pairs: number of pairs K.
        power_a: exponent of the slot weights.
        queries_per_key: how often each key is asked.

    Returns:
        The share of the guesses that are right.

    Raises:
        ValueError: these are not the sizes of a task, see `dsf.mqar.check_task`.

    Example:
        >>> round(dsf.mqar.position_level(64, 8), 2)
        0.17
    """
    length = check_integer("seq_len", seq_len, high=2**16)  # far beyond what is drawn in seconds
    mqar.check_task(
        length, num_kv_pairs, 2 * length, power_a=power_a, queries_per_key=queries_per_key
    )
    return _position_level(length, num_kv_pairs, power_a, queries_per_key)


@lru_cache
def _position_level(length: int, pairs: int, a: float, asks: int) -> float:
    counts = []
    for seed in (0, 1):
        inputs, labels = mqar.generate(5000, length, pairs, 2 * length, a, False, asks, seed)
        positions = mqar.asked_positions(labels)
        places = positions * pairs + asked_pairs(inputs, positions, pairs)
        count = places.flatten().bincount(minlength=length * pairs)
        counts.append(count.view(length, pairs))
    found, scored = counts
    right = scored.gather(1, found.argmax(1, keepdim=True)).sum()
    return float(right / scored.sum())
