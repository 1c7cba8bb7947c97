"""Prints the bytes that some distributions and all that they require take on disk; run by the Python of the environment in question."""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path


def required(roots: list[str]) -> dict[str, Distribution]:
    """The distributions reachable from the roots; extras and what is not installed are left out."""
    found: dict[str, Distribution] = {}
    waiting = list(roots)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for requirement in found[name].requires or []:
            if "extra ==" not in requirement:
                waiting.append(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
    return found


def size(found: Distribution) -> int:
    """Bytes of its files, without compiled Python."""
    files = (Path(str(file.locate())) for file in found.files or [] if file.suffix != ".pyc")
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    print(sum(size(item) for item in required(sys.argv[1:]).values()))
