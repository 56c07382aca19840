"""What came after the paper and has a diagonal transition: native form and DSF form side by side.

Queries and keys q, k have shape (..., L, n), values v shape (..., L, d); the input of the system is
u = v. Heads are a leading axis.

A sequence may come in pieces: with `return_state=True` a native form also returns the last state
H, (..., n, d), and `state` takes it for the piece after. It is the state of the DSF form.
"""

__all__: list[str] = []
