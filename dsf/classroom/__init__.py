"""The exercises of the book check themselves: in a notebook, in a classroom, in a script.

`exercise("la-recurrence", yours)` runs your function on random arguments, compares it with the
solution of that exercise, and says which mistake it makes where it knows the mistake.
`answer("loop-order", yours)` reads a number, a choice or an order, and gives the reply that the
page gives. Both return a `Result`, and neither raises for what a reader has written.

It needs nothing of Jupyter: a teacher's script calls the same functions, with another `seed`.
"""

from dsf.classroom.asked import answer
from dsf.classroom.exercises import ALL, exercise
from dsf.classroom.kinds import Draw, Exercise
from dsf.classroom.result import Result

__all__ = ["EXERCISES", "Draw", "Exercise", "Result", "answer", "exercise"]

EXERCISES: dict[str, Exercise] = ALL
"""Every exercise in code, by its name."""
