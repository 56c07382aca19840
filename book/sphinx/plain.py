"""Formulas as plain text, for what shows no mathematics: the search and descriptions of pages."""

from __future__ import annotations

import re

from bs4 import Tag

from book.notebooks.tex import expand_macros

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ",
    "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ",
    "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
SIGNS = {
    "odot": "⊙", "otimes": "⊗", "cdot": "·", "times": "×", "circ": "∘", "pm": "±", "le": "≤",
    "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "sim": "∼",
    "in": "∈", "to": "→", "mapsto": "↦", "sum": "∑", "prod": "∏", "int": "∫", "infty": "∞",
    "partial": "∂", "sqrt": "√",
    "dots": "…", "cdots": "…", "ldots": "…", "ddots": "…", "vdots": "…",
    "lvert": "|", "rvert": "|", "mid": "|", "lVert": "‖", "rVert": "‖", "lfloor": "⌊",
    "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
}  # fmt: skip
CHARACTERS = GREEK | SIGNS
DROPPED = re.compile(
    r"\\htmlClass\{[^}]*\}|"
    r"\\(?:begin|end)\{[^}]*\}(?:\{[a-z]*\})?|\\(?:left|right|middle|[bB]igg?[lrm]?)(?![a-z])\.?"
    r"|\\(?:display|text|script)style|\\(?:boldsymbol|(?:math|text)(?:rm|bf|sf|it|tt|cal|normal))(?![a-z])"
    r"|\\(?:operatorname\*?|text|underbrace|overbrace|tag|color)(?![a-z])"
)
SPACES = re.compile(r"\\(?:q?quad(?![a-z])|[,;:! ]|\\(?:\[[^\]]*\])?)|[~&]")

ACCENTS = {"bar": "\N{COMBINING MACRON}", "hat": "\N{COMBINING CIRCUMFLEX ACCENT}"}
ACCENTS |= {"tilde": "\N{COMBINING TILDE}"}
ACCENTED = re.compile(rf"\\({'|'.join(ACCENTS)})\s*\{{?\s*(\\?[A-Za-z]+|\w)\}}?")
PART = r"\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\w)"
FRACTION = re.compile(rf"\\[tdc]?frac{PART}{PART}")


def _whole(part: str) -> str:
    """A part of a fraction, in brackets where it is more than one thing."""
    text = part[1:-1] if part.startswith("{") else part
    return f"({text})" if re.search(r"[\s+\-=/]", text.strip()) else text


def _sign(command: re.Match[str]) -> str:
    """A command of TeX without arguments, as the character or the word that it stands for."""
    name, space = command.groups()
    return CHARACTERS[name] + space if name in CHARACTERS else f"{name} "


def plain_tex(tex: str, macros: dict[str, str]) -> str:
    r"""`tex` as one reads it aloud from a screen: `\Lambda_i\, h_{i-1}` is `Λ_i h_{i-1}`.

    Args:
        tex: A formula, as its author wrote it.
        macros: The shorthands that it may use.
    """
    text = expand_macros(tex, macros)
    text = re.sub(r"\^\s*\{?\\(?:mathsf\s*\{?T\}?|top|intercal)\}*", "ᵀ", text)
    text = re.sub(r"\\mathbb\s*\{?([RCENZ])\}?", lambda m: "ℝℂ𝔼ℕℤ"["RCENZ".index(m[1])], text)
    text = ACCENTED.sub(lambda m: f"{m[2]}{ACCENTS[m[1]]}", text)
    text = FRACTION.sub(lambda m: f"{_whole(m[1])}/{_whole(m[2])}", text)
    text = SPACES.sub(" ", DROPPED.sub("", text))
    text = re.sub(r"\\([A-Za-z]+)( ?)", _sign, text)
    text = re.sub(r"\\([{}|])", lambda m: {"{": "⟨", "}": "⟩", "|": "‖"}[m[1]], text)
    text = re.sub(r"([_^])\{(\w)\}", r"\1\2", text)
    text = re.sub(r"(?<![_^])\{((?:[^{}]|[_^]\{[^{}]*\})*)\}", r"\1", text)
    return " ".join(text.translate({ord("⟨"): "{", ord("⟩"): "}"}).split())


def spell_formulas(page: Tag, macros: dict[str, str]) -> None:
    """Put in place of every formula of `page` its plain text."""
    for formula in page.select(".katex"):
        annotation = formula.select_one("annotation")
        if annotation:
            formula.replace_with(plain_tex(annotation.get_text(), macros))
