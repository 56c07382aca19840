"""The formulas of docstrings, which `help` shows in plain characters, as TeX.

A docstring writes `y_i = φ(q_i)ᵀS_i / η_i`. What such a formula is made of is a small language:
letters, Greek or single, numbers, scripts, brackets, signs, the names of `FUNCTIONS`. A letter that
stands alone is a formula as well, but for *a*, *A* and *I*, which may be words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from book.sphinx.plain import GREEK, SIGNS

FUNCTIONS = {
    "Re", "diag", "exp", "gelu", "log", "max", "min", "rank", "relu", "sigmoid", "sign", "sin",
    "sinh", "softmax", "softplus", "sqrt", "tanh",
}  # fmt: skip
MAYBE_WORDS = {"a", "A", "I"}

_NAMES = {sign: f"\\{name}" for name, sign in reversed({**SIGNS, **GREEK}.items())}
LETTERS = {sign: _NAMES[sign] for sign in GREEK.values()} | {"ℝ": r"\mathbb{R}", "Σ": r"\sum"}
ACCENTS = {"\u0304": r"\bar", "\u0302": r"\hat", "\u0303": r"\tilde", "\u0307": r"\dot"}
OPERATORS = {sign: _NAMES[sign] for sign in "⊙⊗·×∘±≤≥≠≈∈→∞"} | {sign: sign for sign in "=<>+-/"}
OPERATORS |= {
    "->": r"\to",
    "←": r"\leftarrow",
    "⋯": r"\cdots",
    "~": r"\sim",
    "…": r"\dots",
    "...": r"\dots",
}
RELATIONS = {"= ", "< ", "> ", r"\le ", r"\ge "}
RAISED = {"ᵀ": r"^{\mathsf{T}}", "²": "^2", "₂": "_2", "!": "!"}
FENCES = {"(": "()", "[": "[]", "⟨": (r"\langle ", r"\rangle "), "‖": (r"\Vert ", r"\Vert ")}
FENCES |= {"⌊": (r"\lfloor ", r"\rfloor "), "⌈": (r"\lceil ", r"\rceil ")}
FENCES |= {"|": (r"\vert ", r"\vert "), "{": "{}"}
CLOSING = {"(": ")", "[": "]", "⟨": "⟩", "‖": "‖", "⌊": "⌋", "⌈": "⌉", "|": "|", "{": "}"}
INSIDE = {",": ",", ":": "{:}", "|": "|", ";": ";"}  # signs that only brackets may hold

NUMBER = re.compile(r"\d+(?:\.\d+)*(?:e-?\d+)?(?![A-Za-z]{2})")
NO_FORMULA = re.compile(r"['’][a-z]\b|(?:[A-Za-z]\.){2,}")  # Euler's, e.g.
SCRIPT = re.compile(r"(-?)([A-Za-z]{2,}_[a-z]{2,}|[A-Za-zα-ωΑ-Ω0-9]+)")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]{2,})?|[^\W\d_]+")


@dataclass(frozen=True)
class Token:
    """A piece of a text.

    Attributes:
        end: Where it ends in the text.
        tex: How it is set.
        kind: "sure", no plain word; "maybe", a formula beside one; "function", one before one;
            "operator"; "space"; "name", a word in brackets; "word".
    """

    end: int
    tex: str
    kind: str


def tokens(text: str, start: int = 0, closing: str = "") -> Iterator[Token]:
    """The pieces of a text from a place on, up to the bracket `closing`; there, words are names."""
    while start < len(text) and (not closing or text[start] != closing):
        token = _token(text, start, bool(closing))
        yield token
        start = token.end


def _token(text: str, start: int, is_inside: bool) -> Token:
    character = text[start]
    if character.isspace():
        end = start + len(re.compile(r"\s+").match(text, start)[0])  # type: ignore[index]
        is_before_shape = text.startswith("(...", end)
        between = r"\qquad " if end - start > 2 else r"\ " if is_before_shape else " "
        return Token(end, between, "space")
    sign = next((long for long in ("...", "->") if text.startswith(long, start)), character)
    if sign in OPERATORS:
        return Token(start + len(sign), f"{OPERATORS[sign]} ", "operator")
    if number := NUMBER.match(text, start):
        digits, _, power = number[0].partition("e")
        times = "" if digits == "1" else rf"{digits} \cdot "
        tex = f"{times}10^{{{power}}}" if power else digits
        return _scripts(text, Token(number.end(), tex, "maybe"))
    if character == "½":
        return Token(start + 1, r"\tfrac{1}{2}", "maybe")
    if character == "√" and start + 1 < len(text):
        under = _bare(_token(text, start + 1, is_inside))
        return Token(
            under.end, rf"\sqrt{{{under.tex}}}", "sure" if under.kind != "word" else "word"
        )
    if is_inside and character == "|" and text[start - 1].isalnum():
        return Token(start + 1, "|", "operator")  # of a shape, d|1
    if word := NO_FORMULA.match(text, start):
        return Token(word.end(), word[0], "word")
    if character in CLOSING and (group := _group(text, start, is_inside)):
        return _scripts(text, group)
    if character in LETTERS or WORD.match(text, start):
        return _letter(text, start, is_inside)
    if is_inside and character in INSIDE:
        return Token(start + 1, INSIDE[character], "operator")
    return Token(start + 1, character, "word")


def _bare(token: Token) -> Token:
    """A token under a root, without the round brackets around it."""
    tex = token.tex[1:-1] if token.tex.startswith("(") and token.tex.endswith(")") else token.tex
    return Token(token.end, tex, token.kind)


def _group(text: str, start: int, is_inside: bool) -> Token | None:
    """What stands in brackets, if it is mathematics from one to the other."""
    opening = text[start]
    inner = list(tokens(text, start + 1, CLOSING[opening]))
    end = inner[-1].end if inner else start + 1
    if end >= len(text) or not inner or any(token.kind == "word" for token in inner):
        return None
    if not is_inside and any(token.kind == "name" for token in inner):
        return None
    left, right = FENCES[opening]
    is_sure = opening in "⟨‖⌊⌈" or any(
        token.kind == "sure" or token.tex == f"{OPERATORS['...']} " for token in inner
    )
    kind = "sure" if is_sure else "maybe"
    return Token(end + 1, f"{left}{''.join(token.tex for token in inner)}{right}", kind)


def _letter(text: str, start: int, is_inside: bool) -> Token:
    """A letter or the name of a function with its scripts and arguments; else a word."""
    match = WORD.match(text, start)
    run = match[0] if match else text[start]
    if run in FUNCTIONS:
        token = Token(start + len(run), rf"\operatorname{{{run}}}", "function")
        if run == "sqrt" and (under := _group(text, token.end, True)):
            return Token(under.end, rf"\sqrt{{{_bare(under).tex}}}", "sure")
        done = _scripts(text, token)
        return Token(done.end, done.tex, "sure" if done.end > token.end else "function")
    base = unicodedata.normalize("NFD", run[0])
    plain = run.partition("_")[0]
    if (len(plain) > 1 and plain.isascii()) or not (base[0].isascii() or base[0] in LETTERS):
        kind = "name" if is_inside else "word"
        token = Token(start + len(run), rf"\mathrm{{{_escaped(run)}}}", kind)
        is_letter = is_inside or re.compile(r"_[a-z0-9](?!\w{2})|ᵀ").match(text, token.end)
        return _scripts(text, token) if is_letter else token
    end = start + 1
    accent = base[1:] or text[end : end + 1]
    tex = LETTERS.get(base[0], base[0])
    if accent in ACCENTS:
        tex, end = f"{ACCENTS[accent]}{{{tex}}}", end + (not base[1:])
    elif base[1:]:
        return Token(start + len(run), run, "word")  # a name such as Schölkopf
    token = Token(end, f"{tex} " if tex.startswith("\\") else tex, "")
    done = _scripts(text, token)
    kind = "maybe" if done.end == token.end and run in MAYBE_WORDS else "sure"
    return Token(done.end, done.tex, kind)


def _scripts(text: str, token: Token) -> Token:
    """A token with the scripts, signs and brackets that follow it without a space."""
    end, tex = token.end, token.tex
    while end < len(text):
        if text[end] in RAISED:
            tex, end = tex.rstrip() + RAISED[text[end]], end + 1
        elif text[end] == "'" and not text[end + 1 : end + 2].isalpha():
            tex, end = tex.rstrip() + "'", end + 1
        elif text[end] in "_^" and (script := _script(text, end)):
            tex, end = tex.rstrip() + script.tex, script.end
        elif text[end] in "([" and (group := _group(text, end, True)):
            tex, end = tex.rstrip() + group.tex, group.end
        else:
            break
    kind = "sure" if "_" in tex or "^" in tex else token.kind
    return Token(end, tex, kind)


def _script(text: str, start: int) -> Token | None:
    """An index or an exponent, with its sign."""
    mark, after = text[start], start + 1
    if text[after : after + 1] == "{" or (mark == "^" and text[after : after + 1] == "("):
        group = _group(text, after, True)
        return group and Token(group.end, f"{mark}{{{group.tex[1:-1]}}}", "sure")
    match = SCRIPT.match(text, after)
    if not match:
        return None
    sign, name = match.groups()
    tex = "".join(f"{LETTERS[one]} " if one in LETTERS else one for one in name)
    if len(name) > 2:
        tex = rf"\mathrm{{{_escaped(name)}}}"
    return Token(match.end(), f"{mark}{{{sign}{tex.strip()}}}", "sure")


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


# --- a text --------------------------------------------------------------------------------------


def split(text: str) -> Iterator[tuple[bool, str]]:
    """A text as parts of two kinds: formulas, in TeX, and what stands between them, as it is."""
    start = done = 0
    run: list[tuple[int, Token]] = []
    for token in [*tokens(text), Token(len(text), "", "word")]:
        if token.kind != "word":
            run.append((start, token))
        elif run:
            kept = _trimmed(run, text)
            if any(piece.kind == "sure" or piece.tex in RELATIONS for _, piece in kept):
                yield False, text[done : kept[0][0]]
                yield True, "".join(piece.tex for _, piece in kept).strip()
                done = kept[-1][1].end
            run = []
        start = token.end
    yield False, text[done:]


def _trimmed(run: list[tuple[int, Token]], text: str) -> list[tuple[int, Token]]:
    """A run without what at its ends belongs to the sentence."""
    run = list(run)
    while run and _ends_loosely([token for _, token in run], _goes_on(text, run[-1][1].end)):
        run.pop()
    while run and _begins_loosely([token for _, token in run]):
        del run[0]
    return run


def _goes_on(text: str, end: int) -> bool:
    """Whether the sentence goes on here with a word."""
    return bool(re.compile(r"[\s-]*[^\W\d_]").match(text, end))


def _ends_loosely(run: list[Token], goes_on: bool) -> bool:
    """Whether the last token is no part of the formula that stands before it."""
    if run[-1].kind == "maybe":
        return goes_on and _is_apart(run[-2::-1])
    return run[-1].kind in {"space", "function", "operator"}


def _begins_loosely(run: list[Token]) -> bool:
    """Whether the first token is no part of the formula that stands after it."""
    first, *rest = run
    if first.kind == "maybe":
        return _is_apart(rest)
    is_sign = first.tex in {"- ", r"\pm "} and rest and rest[0].kind != "space"
    return first.kind == "space" or (first.kind == "operator" and not is_sign)


def _is_apart(others: list[Token]) -> bool:
    """Whether a space and no sign stands between a token and the next ones."""
    near = [token.kind for token in others[:2]]
    return near[:1] in ([], ["space"]) and near[1:] != ["operator"]


def line(text: str) -> str:
    """A line that is all formula, in TeX, with a mark for alignment before its first equals sign.

    Raises:
        ValueError: It holds something that is no mathematics.
    """
    aligned = re.sub(r"(?<![, ]) {2,}", " ", text.strip())  # space that is there for the eye
    formula = aligned.rstrip(".,")
    found = list(tokens(f"{formula}\0", 0, "\0"))
    if any(token.kind == "word" for token in found):
        raise ValueError(f"the line is {text!r}, expected a formula")
    tex = "".join(token.tex for token in found).strip()
    first = next((t.tex for t in found if t.tex in {"= ", r"\leftarrow "}), None)
    aligned_tex = tex.replace(first, f"&{first}", 1) if first else tex
    return aligned_tex + aligned.removeprefix(formula)
