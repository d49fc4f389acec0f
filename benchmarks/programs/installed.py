"""Tell how many bytes packages and all they need take where they are installed: python installed.py NAME [NAME ...]."""

import re
import sys
from importlib import metadata
from pathlib import Path


def needed(names):
    """Return the distributions of the names and of what they require, extras left out."""
    found, waiting = {}, list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system, or left out on purpose
        for line in found[name].requires or []:
            requirement, _, marker = line.partition(";")
            if "extra" not in marker:
                waiting.append(re.match(r"[\w.-]+", requirement.strip()).group())
    return found.values()


def size(distribution):
    """Return the bytes of a distribution's files; compiled copies count, because they are made at once."""
    paths = {Path(distribution.locate_file(file)).resolve() for file in distribution.files or []}
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    print(sum(map(size, needed(sys.argv[1:]))))
