"""The scan tree: a changing recurrence composed round by round, with a loop beside it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import traitlets

from dsf.widgets.base import STATIC, Widget

TOKENS = (4, 8, 16)


class Composition(NamedTuple):
    """Two pairs become one: the pair at `source` first, then the pair at `at`, kept at `at`."""

    at: int
    source: int
    first: int
    """The first token that the result covers; the last is `at`."""


class ScanTree(Widget):
    """The scan of a few tokens as a tree, stopped after any round, and a loop after as many.

    Attributes:
        round: the round just done, 0 to 7; the last one of the tree where it has fewer. At first
            the last one of 8 tokens, so that the tree can be read where nothing moves.
        tokens: number of tokens L, 4, 8 or 16.

    Source: chapter 6; Brent and Kung, "A Regular Layout for Parallel Adders" (1982).
    """

    name: ClassVar[str] = "tree"
    _esm = STATIC / "tree.mjs"

    round = traitlets.Int(5, min=0, max=7).tag(sync=True, figure=True)
    tokens = traitlets.Enum(TOKENS, 8).tag(sync=True, figure=True)

    def done(self) -> int:
        """The round that is shown: the trait, or the last one of the tree."""
        return min(self.round, len(rounds(self.tokens)))

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        row = self._row(self.done())
        return (
            f"The scan of {self.tokens} tokens as a tree, and a loop below it. A dot is one "
            "composition, its label the tokens that it covers; the dots of one round do not wait "
            f"for each other. As first shown, after {row[0]} rounds, the tree has made {row[1]} "
            f"compositions and has {row[2]} of {self.tokens} states, the loop {row[3]} and "
            f"{row[4]}. To try: go back to round 0, and on from there round by round."
        )

    def _row(self, done: int) -> list[str]:
        made = [one for some in rounds(self.tokens)[:done] for one in some]
        states = 1 + sum(one.first == 0 for one in made)  # state 0 is there from the start
        loop = min(done, self.tokens - 1)
        return [str(x) for x in (done, len(made), states, loop, loop + 1)]

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Compositions made and states there, after each round and when the loop has ended."""
        places = sorted({*range(len(rounds(self.tokens)) + 1), self.tokens - 1})
        head = ["round", "tree: composed", "states", "loop: composed", "states"]
        return "Numbers", head, [self._row(place) for place in places]


def rounds(tokens: int) -> list[list[Composition]]:
    """The compositions of every round: up, each time of twice as many tokens, and down again.

    Args:
        tokens: their number, a power of two.

    Returns:
        One list a round; what stands in it can be done at once.
    """
    first = list(range(tokens))

    def join(start: int, stride: int) -> list[Composition]:
        found = []
        for at in range(start, tokens, 2 * stride):
            first[at] = first[at - stride]
            found.append(Composition(at, at - stride, first[at]))
        return found

    strides = [2**k for k in range(tokens.bit_length() - 1)]
    up = [join(2 * stride - 1, stride) for stride in strides]
    down = [join(3 * stride - 1, stride) for stride in reversed(strides[:-1])]
    return up + down
