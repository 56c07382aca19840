"""What the place of a question gives away in MQAR, to a reader who never looks at the key."""

from functools import lru_cache

from torch import Tensor

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

    Example:
        >>> inputs, labels = dsf.mqar.generate(1, 16, num_kv_pairs=2, seed=0)
        >>> positions = dsf.mqar.asked_positions(labels)
        >>> sorted(dsf.mqar.asked_pairs(inputs, positions, 2)[0].tolist())
        [0, 1]
    """
    asked, keys = inputs.gather(1, positions), inputs[:, : 2 * num_kv_pairs : 2]
    return (asked.unsqueeze(-1) == keys.unsqueeze(1)).int().argmax(-1)


@lru_cache
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

    Example:
        >>> round(dsf.mqar.position_level(64, 8), 2)
        0.17
    """
    counts = []
    for seed in (0, 1):
        inputs, labels = mqar.generate(
            5000, seq_len, num_kv_pairs, 2 * seq_len, power_a, False, queries_per_key, seed
        )
        positions = mqar.asked_positions(labels)
        places = positions * num_kv_pairs + asked_pairs(inputs, positions, num_kv_pairs)
        count = places.flatten().bincount(minlength=seq_len * num_kv_pairs)
        counts.append(count.view(seq_len, num_kv_pairs))
    found, scored = counts
    right = scored.gather(1, found.argmax(1, keepdim=True)).sum()
    return float(right / scored.sum())
