"""Trained models that come with the package, small enough to be read in a moment.

Each is a run of a record (`dsf.results`): one layer at d = 64 on the teaching task of chapter 10,
with the learning rate that validation chose. `python -m book.models` trains them again. The MQAR
explorer shows what they attend to and what they answer.
"""

from pathlib import Path

from dsf._checks import check_choice
from dsf.config import Config
from dsf.model import SequenceModel, load
from dsf.models.stored import stored as stored

__all__ = ["FOLDER", "names", "stored", "trained"]

FOLDER = Path(__file__).parent
"""Where the files lie."""


def names() -> list[str]:
    """Names of the models: mixer, start and n.

    Returns:
        What `trained` takes.

    Example:
        >>> from dsf import models
        >>> "softmax-4" in models.names()
        True
    """
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def trained(name: str) -> tuple[SequenceModel, Config]:
    """A model that comes with the package.

    Args:
        name: one of `names`.

    Returns:
        The model and its configuration, as `dsf.model.load` gives them.

    Raises:
        ValueError: there is no such model.

    Example:
        >>> from dsf import models
        >>> model, config = models.trained("linear-4")
        >>> config.mixer, config.n, config.d_model
        ('linear', 4, 64)
    """
    check_choice("name", name, names())
    return load(FOLDER / f"{name}.safetensors")
