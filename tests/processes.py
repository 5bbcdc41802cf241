"""For tests that kill: which processes came from which."""

from pathlib import Path


def children(process: int) -> list[int]:
    """The processes that a process has started and that live."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # after the name, which stands in brackets and may hold anything: state, then parent
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # gone meanwhile
        if parent == process:
            found.append(int(status.parent.name))
    return sorted(found)


def descendants(process: int) -> list[int]:
    """The same with their own children, and so on; each before those that it has started."""
    return [each for child in children(process) for each in (child, *descendants(child))]
