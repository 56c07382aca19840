"""Formulas of docstrings: plain characters for `help`, mathematics for the pages."""

import inspect
import re

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from book import settings
from book.sphinx import api, docstrings, formulas, mathematics

T = r"^{\mathsf{T}}"


def read(text: str) -> str:
    """The text with its formulas between dollars and without spaces that TeX ignores."""
    parts = formulas.split(text)
    return "".join(f"${piece.replace(' ', '')}$" if is_tex else piece for is_tex, piece in parts)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("φ(q_i)ᵀψ(k_j) / η_i", rf"\phi(q_{{i}}){T}\psi(k_{{j}})/\eta_{{i}}"),
        ("e^{a (Δ_0 + ... + Δ_i)}", r"e^{a(\Delta_{0}+\dots+\Delta_{i})}"),
        ("Σ_{j≤i} (q_iᵀk_j) v_j", rf"\sum_{{j\lei}}(q_{{i}}{T}k_{{j}})v_{{j}}"),
        ("√(1 - a_i²) ⊙ σ(g_i)", r"\sqrt{1-a_{i}^2}\odot\sigma(g_{i})"),
        ("T_i Λ_i T_{i-1}^{-1}", r"T_{i}\Lambda_{i}T_{i-1}^{-1}"),
        ("W^c_rec diag(σ(z^o))", r"W^{c}_{\mathrm{rec}}\operatorname{diag}(\sigma(z^{o}))"),
        ("(..., L, n|1, d)", r"(\dots,L,n|1,d)"),
        ("‖Hᵀk_i - v_i‖²", rf"\VertH{T}k_{{i}}-v_{{i}}\Vert^2"),
        ("ā = e^{Δa}", r"\bar{a}=e^{\Deltaa}"),
        ("10^-digits", r"10^{-\mathrm{digits}}"),
        ("Φ[t:, :t]", r"\Phi[t{:},{:}t]"),
        ("1e-16 · e^{2R}", r"10^{-16}\cdote^{2R}"),
    ],
)
def test_a_formula_is_set(written: str, meant: str) -> None:
    assert read(written) == f"${meant}$"
    mathematics.typeset("".join(tex for _, tex in formulas.split(written)), False, ())


@pytest.mark.parametrize(
    "text",
    [
        "A decay that is not a number, as I said (chapter 8).",
        "Euler's rule, S4D-Lin, the exp of it, 3.2.1 and arXiv 2405.15731 of v1.",
        "The log_scale of Schölkopf, e.g. here.",
    ],
)
def test_words_stay_words(text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("With Λ_i a system has N states.", r"With $\Lambda_{i}$ a system has $N$ states."),
        ("The change of log η, for a d-dimensional u.",
         r"The change of $\operatorname{log}\eta$, for a $d$-dimensional $u$."),
        ("d·V a position; Δ log-uniform", r"$d\cdotV$ a position; $\Delta$ log-uniform"),
        ("so B = 1, Λ = 0 and left = βk", r"so $B=1$, $\Lambda=0$ and left = $\betak$"),
    ],
)  # fmt: skip
def test_a_formula_ends_where_the_sentence_goes_on(sentence: str, meant: str) -> None:
    assert read(sentence) == meant


def test_an_indented_block_is_formulas_or_code() -> None:
    assert docstrings.block(["    H_i    = Λ_i H_{i-1}", "    y_i[c] = C_i"])[0] == ".. math::"
    assert docstrings.block(['    {"n": 16, ...}'])[0] == "::"


def test_code_in_a_docstring_is_left_alone() -> None:
    lines = ["See `h_i` of `s6`.", "", "Example:", "    >>> y_i = 2", "    >>> y_i", "    2"]
    read = list(lines)
    docstrings.prepare_docstring(None, "function", "f", None, {}, read)
    assert read == ["See ``h_i`` of :py:obj:`s6 <dsf.ssm.s6>`.", *lines[1:]]


def test_katex_sets_every_formula_of_the_docstrings() -> None:
    macros = tuple(settings.load().macros.items())
    found: set[str] = set()
    for _, entry in api.every():
        lines = (inspect.getdoc(entry.thing) or "").splitlines()
        docstrings.prepare_docstring(None, entry.kind, entry.path, entry.thing, {}, lines)
        found |= set(re.findall(":math:`([^`]*)`", "\n".join(lines)))
    assert len(found) > 300
    for tex in found:
        mathematics.typeset(tex, False, macros)  # raises where KaTeX refuses
