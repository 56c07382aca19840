"""What to install where an optional package is missing."""


def missing(error: ModuleNotFoundError, extra: str) -> ModuleNotFoundError:
    """The error of a failed import, with the command that repairs it.

    Args:
        error: of the import.
        extra: of this package that brings what was imported, as in ``dsf-book[extra]``.

    Returns:
        The error to raise from it.
    """
    return ModuleNotFoundError(
        f'{error.name} is missing: pip install "dsf-book[{extra}]"', name=error.name
    )
