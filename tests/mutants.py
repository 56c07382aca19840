"""A mutation run: small faults in the core, each of which some test has to notice.

    python tests/mutants.py [--number 300] [--seed 0] [--jobs 2] [FILE ...]

A seeded sample of all faults that the operators below can make, and every one named in
`mutants.toml`, is tested with the fast tests of its file, stopping at the first that fails. The
run works on copies in a temporary folder. PyTorch is imported once and every fault gets a fork.
"""

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).parent.parent
# The tests of files, those that tell most in the shortest time first.
WATCHED = {
    "dsf/_checks.py": "core/checks core/system core/fuzz",
    "dsf/system.py": "core/system core/streaming core/precision core/fuzz",
    "dsf/matrix_state.py": "core/system core/low_rank core/streaming core/precision core/fuzz",
    "dsf/low_rank.py": "core/low_rank core/fuzz",
    "dsf/wy.py": "core/low_rank",
    "dsf/scan.py": "core/recurrence core/ssm core/derivatives core/system",
    "dsf/recurrence.py": "core/recurrence core/derivatives core/streaming core/precision core/fuzz",
    "dsf/blocks.py": "core/recurrence core/attention core/system core/precision",
    "dsf/dense.py": "core/rnn core/system core/precision core/fuzz",
    "dsf/state.py": "core/streaming core/precision core/fuzz",
    "dsf/attention/*.py": "core/attention core/formulas core/streaming core/precision core/fuzz",
    "dsf/ssm/*.py": "core/ssm core/formulas core/precision core/streaming core/fuzz",
    "dsf/gated.py": "core/system core/streaming core/derivatives core/precision core/fuzz",
    "dsf/delta.py": "core/system core/streaming core/derivatives core/precision core/fuzz",
    "dsf/architecture.py": "core/architectures core/fuzz",
    "dsf/rnn/*.py": "core/rnn core/precision core/streaming core/fuzz",
    "dsf/mixers/*.py": "lab/mixers core/streaming core/precision core/fuzz",
    "dsf/model.py": "lab/model core/streaming core/precision core/fuzz",
}
TESTS = {
    path.relative_to(ROOT).as_posix(): tests
    for pattern, tests in WATCHED.items()
    for path in sorted(ROOT.glob(pattern))
    if path.name != "__init__.py"
}
PASS_MARK = 0.95


def test_file(name: str) -> str:
    folder, name = name.split("/")
    return f"tests/{folder}/test_{name}.py"


SWAPS = """Lt LtE, LtE Lt, Gt GtE, GtE Gt, Eq NotEq, NotEq Eq, Is IsNot, IsNot Is, In NotIn,
    NotIn In, Add Sub, Sub Add, Mult Div, Div Mult, FloorDiv Mult, Mod Add, Pow Mult, LShift RShift,
    BitOr BitAnd, BitAnd BitOr, And Or, Or And"""
SWAP = {getattr(ast, a): getattr(ast, b)() for a, b in map(str.split, SWAPS.split(","))}
MODULES = ("torch", "F", "math", "nn", "torch.nn", "torch.func", "super()")
# Functions that often do not care which of their first two arguments comes first.
SYMMETRIC = "broadcast_shapes promote_types movedim transpose max min maximum mul"
KEPT_DECORATORS = ("property", "staticmethod", "abstractmethod")  # without them nothing imports


@dataclass(frozen=True)
class Mutant:
    """A file in which a piece of text, `lines`, is replaced by `fault`."""

    path: str
    source: str
    mutated: str
    lines: str = ""
    fault: str = ""

    def __str__(self) -> str:
        texts = (self.source.splitlines(True), self.mutated.splitlines(True))
        diff = "".join(difflib.unified_diff(*texts, self.path, self.path, n=1))
        entry = zip(("file", "old", "new"), self.key(), strict=True)
        return (
            diff
            + "{ "
            + ", ".join(f"{k} = {json.dumps(x, ensure_ascii=False)}" for k, x in entry)
            + " }\n"
        )

    def key(self) -> tuple[str, str, str]:
        """How `mutants.toml` names it among those that are equivalent."""
        return self.path, " ".join(self.lines.split()), " ".join(self.fault.split())


def changed(node: ast.AST, **fields: object) -> ast.AST:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def without(items: list, k: int) -> list:  # type: ignore[type-arg]
    return items[:k] + items[k + 1 :]


def faults(node: ast.AST) -> Iterator[ast.AST | None]:
    """What may stand in place of a node; None for nothing."""
    match node:
        case ast.Compare(ops=ops):
            for k, op in enumerate(ops):
                yield changed(node, ops=[*ops[:k], SWAP[type(op)], *ops[k + 1 :]])
        case ast.BinOp(op=op) if type(op) in SWAP:
            yield changed(node, op=SWAP[type(op)])
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield operand
        case ast.BoolOp(op=op, values=values):
            yield changed(node, op=SWAP[type(op)])
            yield from (changed(node, values=without(values, k)) for k in range(len(values)))
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute) and ast.unparse(func.value) not in MODULES:
                yield func.value
            elif len(args) == 1 and not keywords and not isinstance(args[0], ast.Starred):
                yield args[0]
            for k in range(len(args) if len(args) + len(keywords) > 1 else 0):
                yield changed(node, args=without(args, k))
            for k, keyword in enumerate(keywords):
                if keyword.arg != "strict":  # an assertion
                    yield changed(node, keywords=without(keywords, k))
            if len(args) > 1 and ast.unparse(func).split(".")[-1] not in SYMMETRIC.split():
                yield changed(node, args=[args[1], args[0], *args[2:]])
        case ast.Attribute(attr="mT", value=value):
            yield value
        case ast.Slice(lower=lower, upper=upper):
            for name, bound in (("lower", lower), ("upper", upper)):
                if bound is not None:
                    yield changed(node, **{name: None})
                    if not isinstance(bound, ast.Constant):
                        yield changed(node, **{name: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
        case ast.IfExp():
            yield from (changed(node, test=ast.Constant(x)) for x in (True, False))
        case ast.Raise() | ast.AugAssign():
            yield None
        case ast.Expr(value=value) if not isinstance(value, ast.Constant):
            yield None
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield None
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            if any(isinstance(x, ast.Name) and x.id == name for x in ast.walk(value)):
                yield None


def visited(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes whose faults are looked for: no annotations, messages, assertions or overloads."""
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom):
        if isinstance(node, ast.Raise):
            yield node
        return
    if isinstance(node, ast.FunctionDef) and "overload" in map(ast.unparse, node.decorator_list):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "bases"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visited(child)


def mutants(path: str) -> Iterator[Mutant]:
    """All faults of a file that the operators can make, from top to bottom."""
    source = (ROOT / path).read_text(encoding="utf-8")
    data, starts = source.encode(), [0]
    for line in data.splitlines(True):
        starts.append(starts[-1] + len(line))

    def replaced(node: ast.AST, text: str) -> Mutant:
        start = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        mutated = data[:start] + text.encode() + data[end:]
        first, last = starts[node.lineno - 1], starts[node.end_lineno]  # type: ignore[attr-defined]
        lines = data[first:last], mutated[first : len(mutated) - len(data) + last]
        return Mutant(path, source, mutated.decode(), *(x.decode() for x in lines))

    for node in visited(ast.parse(source)):
        for fault in faults(node):
            if fault is None:
                yield replaced(node, "pass")
            else:
                text = ast.unparse(ast.fix_missing_locations(fault))
                bare = isinstance(node, ast.Constant | ast.Slice)
                yield replaced(node, text if bare else f"({text})")
        if isinstance(node, ast.If):
            yield replaced(node.test, "True")
            yield replaced(node.test, "False")
        for decorator in getattr(node, "decorator_list", []):
            if ast.unparse(decorator) not in KEPT_DECORATORS:
                yield replaced(decorator, "(lambda x: x)")


def named(entry: dict[str, str]) -> Mutant:
    """A fault of `mutants.toml` that is always part of the run."""
    source = (ROOT / entry["file"]).read_text(encoding="utf-8")
    if source.count(entry["old"]) != 1:
        sys.exit(f"mutants.toml: not found once in {entry['file']}: {entry['old']}")
    mutated = source.replace(entry["old"], entry["new"])
    return Mutant(entry["file"], source, mutated, entry["old"], entry["new"])


def start(mutant: Mutant, tests: str, folder: Path) -> int:
    """Test a fault in a fork, whose exit status is that of pytest."""
    (folder / mutant.path).write_text(mutant.mutated, encoding="utf-8")
    pid = os.fork()
    if pid:
        return pid
    os.setpgid(0, 0)
    os.chdir(folder)
    sys.path[0] = str(folder)
    for descriptor in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    options = ["-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider"]
    os._exit(pytest.main([*options, *map(test_file, tests.split())]))


def test(
    queue: list[tuple[Mutant, str, float]], folders: list[Path]
) -> Iterator[tuple[Mutant, str, int, float]]:
    """Mutants with their tests and a limit in seconds: each with exit status and time."""
    queue, running = queue[::-1], {}
    try:
        while queue or running:
            while queue and folders:
                (mutant, tests, limit), folder = queue.pop(), folders.pop()
                pid = start(mutant, tests, folder)
                running[pid] = (mutant, tests, limit, folder, time.monotonic())
            time.sleep(0.02)
            for pid, (mutant, tests, limit, folder, began) in list(running.items()):
                seconds = time.monotonic() - began
                done, status = os.waitpid(pid, os.WNOHANG)
                if not done and seconds > limit:
                    os.killpg(pid, signal.SIGKILL)
                    done, status = os.waitpid(pid, 0)
                if done:
                    del running[pid]
                    (folder / mutant.path).write_text(mutant.source, encoding="utf-8")
                    folders.append(folder)
                    yield mutant, tests, os.waitstatus_to_exitcode(status), seconds
    finally:
        for pid in running:
            os.killpg(pid, signal.SIGKILL)


def drawn(files: list[str], number: int, seed: int) -> list[Mutant]:
    """The faults of a run: a sample of all that are not equivalent, and the named ones."""
    found = [mutant for path in files for mutant in dict.fromkeys(mutants(path))]
    known = tomllib.loads((ROOT / "tests/mutants.toml").read_text(encoding="utf-8"))
    equivalent = {(x["file"], x["old"], x["new"]) for x in known["equivalent"]}
    if stale := {key for key in equivalent if key[0] in files} - {x.key() for x in found}:
        sys.exit("mutants.toml: no such mutant: " + "\n".join(map(str, sorted(stale))))
    found = [x for x in found if x.key() not in equivalent and x.source != x.mutated]
    sample = random.Random(seed).sample(found, min(number, len(found)))
    sample += [named(x) for x in known["named"] if x["file"] in files]
    print(f"{len(sample)} of {len(found)} faults", flush=True)
    return sample


def main() -> int:
    parser = argparse.ArgumentParser(description="Put faults into the core and run its tests.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="of the core; all if none")
    parser.add_argument("--number", type=int, default=300, help="size of the sample")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tested at a time")
    options = parser.parse_args()
    files = options.files or list(TESTS)
    sample = drawn(files, options.number, options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary, str(k)) for k in range(options.jobs)]
        for folder in folders:
            for part in ("dsf", "book", "tests"):
                shutil.copytree(ROOT / part, folder / part)
            for name in ("pyproject.toml", "references.bib"):
                shutil.copy(ROOT / name, folder)

        usual = dict.fromkeys(name for path in files for name in TESTS[path].split())
        source = (ROOT / files[0]).read_text(encoding="utf-8")
        whole = Mutant(files[0], source, source)
        for _, name, status, seconds in test([(whole, name, 600) for name in usual], folders):
            if status:
                sys.exit(f"{test_file(name)} fails without a fault: pytest says {status}")
            usual[name] = seconds
        limits = {x: 10 + 3 * sum(usual[name] for name in TESTS[x].split()) for x in files}

        queue, survivors = [(x, TESTS[x.path], limits[x.path]) for x in sample], 0
        for mutant, _, status, _ in tqdm(test(queue, folders), total=len(queue)):
            if status == 0:
                survivors += 1
                print(mutant, flush=True)
    score = 1 - survivors / len(sample)
    print(f"{len(sample) - survivors} of {len(sample)} faults were noticed: {score:.1%}")
    return int(score < PASS_MARK)


if __name__ == "__main__":
    # Before the forks, so that they share it: one thread, no search for smaller failing cases.
    os.environ |= {"OMP_NUM_THREADS": "1", "HYPOTHESIS_PROFILE": "mutants"}
    sys.dont_write_bytecode = True
    import numpy  # noqa: F401
    import pytest
    import torch  # noqa: F401
    from hypothesis import Phase, settings

    settings.register_profile(
        "mutants",
        deadline=None,
        max_examples=25,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
    )
    sys.exit(main())
