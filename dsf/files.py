"""Files of models: tensors by name in the safetensors format, and a configuration as metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dsf._checks import shown
from dsf.config import ADDED, Config, config_class, experiment

_CONFIG = "dsf.config"  # the entry of the metadata that makes a file one of ours


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], config: Config) -> None:
    """Write a file; one that is there is replaced.

    Args:
        path: of the file.
        tensors: by name, of any shapes.
        config: what they belong to.

    Raises:
        ValueError: `path` is no name of a file.
        OSError: it cannot be written.
    """
    plain = {name: x.detach().cpu().contiguous() for name, x in tensors.items()}
    said = json.dumps({**experiment(config), "seed": config.seed})
    _checked(path).write_bytes(save(plain, {_CONFIG: said}))


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], Config]:
    """Read a file that `write_tensors` has written. Nothing in it is executed.

    A field that configurations gained later has the value that stood for it before
    (`dsf.config.ADDED`).

    Args:
        path: of the file.

    Returns:
        The tensors by name, on the CPU, and the configuration.

    Raises:
        ValueError: naming the file and what is wrong with it.
        OSError: there is no such file, or it cannot be read.
    """
    with _checked(path).open("rb"):  # an error of the system says what it is
        pass
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except SafetensorError as error:
        raise ValueError(f"{path}: no file in the safetensors format ({error})") from error
    if _CONFIG not in metadata:
        raise ValueError(f"{path}: no model of dsf: its metadata have no {_CONFIG!r}")
    try:
        fields = {**ADDED, **json.loads(metadata[_CONFIG])}
        config = config_class(fields["task"])(**fields)
    except (TypeError, ValueError) as error:  # of JSON too
        raise ValueError(f"{path}: its configuration cannot be used: {error}") from error
    return tensors, config


def unlike(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """The first difference between names and shapes.

    Args:
        tensors: what is there, by name.
        expected: what should be.

    Returns:
        Words; none if nothing differs.
    """
    for name in dict.fromkeys((*expected, *tensors)):
        if name not in expected:
            return f"{name} is there, expected no such name"
        if name not in tensors:
            return f"{name} is missing"
        found, wanted = tuple(tensors[name].shape), tuple(expected[name].shape)
        if found != wanted:
            return f"{name} has shape {found}, expected {wanted}"
    return ""


def _checked(path: str | Path) -> Path:
    if not isinstance(path, str | Path) or not str(path):
        raise ValueError(f"path is {shown(path)}, expected the name of a file")
    return Path(path)
