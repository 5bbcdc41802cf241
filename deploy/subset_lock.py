"""Print the part of a lock file that a list of packages names, with its hashes: an image needs no test tools.

Usage: python subset_lock.py NAMES LOCK, where NAMES holds a `name==version` a line.
"""

import re
import sys
from pathlib import Path


def subset(names: str, lock: str) -> str:
    """The entries of `lock` for each package in `names`, in the lock's order.

    Raises:
        SystemExit: a package is named that the lock does not hold.
    """
    wanted = set(re.findall(r"^([A-Za-z0-9._-]+)==", names, re.MULTILINE))
    entries = {entry.split("==")[0]: entry for entry in re.split(r"\n(?=[A-Za-z0-9])", lock.strip()) if "==" in entry}
    missing = wanted - entries.keys()
    if missing:
        raise SystemExit(f"not in the lock file: {', '.join(sorted(missing))}")
    return "".join(f"{entry}\n" for name, entry in entries.items() if name in wanted)


if __name__ == "__main__":
    print(subset(*(Path(argument).read_text(encoding="utf-8") for argument in sys.argv[1:3])), end="")
