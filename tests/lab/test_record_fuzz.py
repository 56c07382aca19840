"""A record that was damaged: a seeded thousand of corruptions, and what becomes of each.

A corruption is refused, told (a note on stderr, or rates that lack seeds), harmless (the same runs
are read), or silent. What may stay silent is counted by reason: a line has no checksum, so a number
that was changed into another possible one, or a text into another text, cannot be seen.
"""

import copy
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dsf import cli, results
from dsf.results import Run

NUMBER = 1000
PARTS = ("config", "result", "provenance")
SOURCE = Path(results.__file__).with_name("mqar.jsonl")
SETTINGS = 2  # of 4 rates and 3 seeds each


def sample() -> list[bytes]:
    """Lines of a few whole settings."""
    lines: dict[str, list[bytes]] = {}
    for line in SOURCE.read_bytes().splitlines():
        config = {**json.loads(line)["config"], "learning_rate": None}
        lines.setdefault(json.dumps(config), []).append(line)
    whole = [runs for runs in lines.values() if len(runs) == 12]
    return [line for runs in (whole[0], whole[-1])[:SETTINGS] for line in runs]


# Corruptions of the text.


def flip_a_bit(text: bytearray, draw: random.Random) -> None:
    text[draw.randrange(len(text))] ^= 1 << draw.randrange(8)


def lose_a_byte(text: bytearray, draw: random.Random) -> None:
    del text[draw.randrange(len(text))]


def gain_a_byte(text: bytearray, draw: random.Random) -> None:
    text.insert(draw.randrange(len(text)), draw.randrange(256))


def swap_two_bytes(text: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(text) - 1)
    text[at], text[at + 1] = text[at + 1], text[at]


def lose_a_block(text: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(text))
    del text[at : at + draw.randrange(1, 600)]


def zero_a_block(text: bytearray, draw: random.Random) -> None:
    at, size = draw.randrange(len(text) - 512), draw.randrange(1, 512)
    text[at : at + size] = bytes(size)


def repeat_a_block(text: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(text))
    text[at:at] = text[at : at + draw.randrange(1, 600)]


def cut_the_end(text: bytearray, draw: random.Random) -> None:
    del text[draw.randrange(len(text)) :]


def merge_two_lines(text: bytearray, draw: random.Random) -> None:
    ends = [at for at, byte in enumerate(text[:-1]) if byte == ord("\n")]
    del text[draw.choice(ends)]


def lose_a_line(text: bytearray, draw: random.Random) -> None:
    lines = text.splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    text[:] = b"".join(lines)


def repeat_a_line(text: bytearray, draw: random.Random) -> None:
    lines = text.splitlines(keepends=True)
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    text[:] = b"".join(lines)


# Corruptions of one entry; the other one is for exchanges.

Entry = dict[str, Any]


def fields(entry: Entry) -> list[tuple[Entry, str]]:
    """All fields, each with the object that holds it."""
    inner = [(entry[part], name) for part in PARTS for name in entry[part]]
    return [*inner, (entry, "seed"), *((entry, part) for part in PARTS)]


def lose_a_field(entry: Entry, other: Entry, draw: random.Random) -> None:
    place, name = draw.choice(fields(entry))
    del place[name]


def rename_a_field(entry: Entry, other: Entry, draw: random.Random) -> None:
    place, name = draw.choice(fields(entry))
    place[name + draw.choice("sx_")] = place.pop(name)


def swap_two_values(entry: Entry, other: Entry, draw: random.Random) -> None:
    (a, one), (b, two) = draw.sample(fields(entry)[:-3], 2)
    a[one], b[two] = b[two], a[one]


def take_a_value_of_another_run(entry: Entry, other: Entry, draw: random.Random) -> None:
    place, name = draw.choice(fields(entry))
    [theirs] = [
        where for where, field in fields(other) if field == name and where.keys() == place.keys()
    ]
    place[name] = theirs[name]


def change_the_type(entry: Entry, other: Entry, draw: random.Random) -> None:
    place, name = draw.choice(fields(entry))
    value = place[name]
    other_types = [str(value), [value], {"value": value}, None, True, "", [], {}, 0.5, -1]
    place[name] = draw.choice([new for new in other_types if type(new) is not type(value)])


def leave_the_range(entry: Entry, other: Entry, draw: random.Random) -> None:
    numbers = [
        (place, name)
        for place, name in fields(entry)
        if isinstance(place[name], int | float) and not isinstance(place[name], bool)
    ]
    place, name = draw.choice(numbers)
    place[name] = draw.choice(
        [-1, -0.5, 1e300, 10**30, float("nan"), float("inf"), -place[name] - 1]
    )


def damage_the_history(entry: Entry, other: Entry, draw: random.Random) -> None:
    history = entry["result"]["history"]
    at, part = draw.randrange(len(history)), draw.randrange(3)
    how = draw.randrange(7)
    if how == 0:
        del history[at]
    elif how == 1:
        history.insert(at, list(history[at]))
    elif how == 2:
        history[at].pop(part)
    elif how == 3:
        history[at][part] = draw.choice([None, "0.5", -0.25, 7.5, [], True])
    elif how == 4:
        draw.shuffle(history[at])
    elif how == 5:
        history.reverse()
    else:
        entry["result"]["history"] = draw.choice([[], None, {}, 0, history[:-1], [history]])


def replace_the_result(entry: Entry, other: Entry, draw: random.Random) -> None:
    name = draw.choice(["test_accuracy", "validation_accuracy", "steps", "num_parameters"])
    old = entry["result"][name]
    entry["result"][name] = (
        round(draw.random(), 4) if isinstance(old, float) else draw.randrange(9999)
    )


TEXT: list[Callable[[bytearray, random.Random], None]] = [
    flip_a_bit, flip_a_bit, lose_a_byte, gain_a_byte, swap_two_bytes, lose_a_block, zero_a_block,
    repeat_a_block, cut_the_end, merge_two_lines, lose_a_line, repeat_a_line,
]  # fmt: skip
ENTRY: list[Callable[[Entry, Entry, random.Random], None]] = [
    lose_a_field, rename_a_field, swap_two_values, take_a_value_of_another_run, change_the_type,
    change_the_type, leave_the_range, leave_the_range, damage_the_history, replace_the_result,
]  # fmt: skip


def corrupted(lines: list[bytes], draw: random.Random, how: Callable[..., None]) -> bytes:
    if how in TEXT:
        text = bytearray(b"\n".join(lines) + b"\n")
        how(text, draw)
        return bytes(text)
    chosen, other = draw.sample(range(len(lines)), 2)
    entry, unchanged = json.loads(lines[chosen]), json.loads(lines[other])
    how(entry, copy.deepcopy(unchanged), draw)
    changed = [*lines]
    changed[chosen] = json.dumps(entry).encode()
    return b"\n".join(changed) + b"\n"


def plain(run: Run) -> Entry:
    return {part: getattr(run, part) for part in (*PARTS, "seed")}


def reason(before: list[Run], after: list[Run]) -> str:
    """Why a corruption could not be seen."""
    if len(before) != len(after):
        return "runs are gone"
    touched = set()
    for old, new in zip(map(plain, before), map(plain, after), strict=True):
        for part in (*PARTS, "seed"):
            if old[part] != new[part]:
                a, b = old[part], new[part]
                names = [n for n in a if a[n] != b.get(n)] if isinstance(a, dict) else [part]
                touched |= {f"{part}.{name}" for name in names}
    return "another possible " + ", ".join(sorted(touched))


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """What became of the corruptions: a count of how, by fate; silent ones by reason."""
    lines = sample()
    path = tmp_path_factory.mktemp("fuzz") / "runs.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    before = results.read(path)
    assert len(before) == 12 * SETTINGS
    found: dict[str, Counter[str]] = {}
    draw = random.Random(2405)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda text, **unused: said.append(text))
        patch.setattr(cli, "console", Console(file=io.StringIO()))
        for k in range(NUMBER):
            how = (TEXT + ENTRY)[k % len(TEXT + ENTRY)]
            path.write_bytes(corrupted(lines, draw, how))
            said.clear()
            refusal = None
            try:
                after = results.read(path)
                lacking = any(cell.incomplete for cell in results.cells(after))
            except ValueError as error:
                refusal = str(error)
            if refusal is not None:
                assert refusal.startswith(f"{path}, line"), how
                assert len(refusal.splitlines()) == 1
                fate = "refused"
            else:
                fate = "told" if said or lacking else "harmless" if after == before else "silent"
                if k % 4 == 0:  # the table can say it, too
                    assert cli.main(["results", str(path)]) == 0, how
            why = reason(before, after) if fate == "silent" else how.__name__
            found.setdefault(fate, Counter())[why] += 1
    return found


def test_hardly_a_corruption_stays_silent(fates: dict[str, Counter[str]]) -> None:
    silent = fates["silent"]
    assert silent.total() <= 0.04 * NUMBER, silent
    assert fates["refused"].total() > 0.6 * NUMBER
    assert "lose_a_field" not in fates["harmless"]


def test_what_stays_silent_is_a_value_that_could_have_been_measured(
    fates: dict[str, Counter[str]],
) -> None:
    names = Counter[str]()
    for why, count in fates["silent"].items():
        assert why.startswith("another possible "), why  # no run was lost or taken for another
        for name in why.removeprefix("another possible ").split(", "):
            names[name.partition(".")[0]] += count
    assert names.keys() <= {"result", "provenance"}, names  # config and seed say what was run
    assert names["result"] <= 0.02 * NUMBER, fates["silent"]
