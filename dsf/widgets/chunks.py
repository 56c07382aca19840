"""How long a chunk should be, from the loop to attention: the hook of chapter 7."""

from __future__ import annotations

import math
from typing import ClassVar

import traitlets

from dsf.widgets.base import STATIC
from dsf.widgets.hook import Hook

LENGTH, FEATURES, CHANNELS = 64, 16, 16


class ChunkLength(Hook):
    """One head with one decay, worked off in chunks: steps in a row, and multiplications.

    Attributes:
        chunk: the chunk length Q, a power of two from 1 to 64.

    Source: chapter 7.
    """

    name: ClassVar[str] = "chunks"
    _esm = STATIC / "chunks.mjs"
    head = ("log₂ Q", "Q", "steps in a row", "multiplications")
    places = tuple(range(7))

    chunk = traitlets.Enum([2**power for power in range(7)], 32).tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """Chunk length, steps in a row, multiplications."""
        chunk = 2 ** int(place)
        return [str(chunk), str(LENGTH // chunk), str(multiplications(chunk))]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        chunk, steps, many = self.row(math.log2(self.chunk))
        return (
            f"The weights of {LENGTH} tokens, cut into chunks of Q, for one head with {FEATURES} "
            f"features and {CHANNELS} channels: filled blocks are computed as attention, what is "
            "empty below them passes through a state. Multiplications with rows of C, B, u and "
            "with states are counted: of blocks also what is pale, of the first chunk no read of a "
            f"state and of the last no write. As first shown, with Q = {chunk}, there "
            f"{'is 1 step' if steps == '1' else f'are {steps} steps'} in a row and {many} "
            "multiplications. To try: shorter chunks, down to a single token."
        )


def multiplications(chunk: int, length: int = LENGTH, n: int = FEATURES, d: int = CHANNELS) -> int:
    """What one head with a scalar decay multiplies, in chunks.

    Args:
        chunk: Q, a divisor of length.
        length: L.
        n: features.
        d: channels.

    Returns:
        Multiplications of scores and weighted sums inside chunks, of what each chunk but the last
        writes, of states that fade over a chunk, and of what each chunk but the first reads. The
        factors of the mask itself, one for an entry or a token, are left out.
    """
    chunks = length // chunk
    inside = chunks * chunk**2 * (n + d)
    passed = (chunks - 1) * 2 * chunk * n * d  # written and read
    return inside + passed + max(0, chunks - 2) * n * d
