"""Files that nobody ever sees half of."""

import os
from pathlib import Path


def replace(path: Path, text: str, *, mode: int) -> None:
    """Writes a file that nobody ever sees half of, or with another mode."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    beside.replace(path)
