"""One colour an architecture, for every picture of the book. Needs no plotting library."""

NEUTRAL = "#767676"  # text and axes: contrast 4.5 on white, 3.9 or more on the dark pages

COLORS = {
    "softmax": "#5878c8",
    "linear": "#9080f8",
    "normalized": "#9028e0",
    "s4d": "#407028",
    "s6": "#00a870",
    "ssd": "#a09818",
    "qlstm": "#d00810",
    "qlstm_reversed": "#d078b0",
    "rg_lru": "#e010b0",
    "neutral": NEUTRAL,
}
"""One colour an architecture, the same all through the book.

Attention is blue to violet, state space models are green to olive, recurrent networks are red to
pink. All have a contrast of at least 3 on white and on the dark page, and remain distinct in the
three kinds of colour blindness; `dsf.plots.MARKERS` says the same without colour.
"""

VARIANTS = {
    "linear_unnormalized": "linear",
    "normalized_softplus": "normalized",
    "normalized_sigmoid": "normalized",
    "unnormalized": "normalized",
    "gated_linear": "normalized",
    "qlstm_exponent": "qlstm",
}
"""Mixers that share the colour of another: controls and variants, told apart by their markers."""
