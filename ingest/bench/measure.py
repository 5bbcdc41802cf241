"""Processes of their own, so that one measurement leaves nothing behind for the next: CPU, wall time, peak memory."""

import json
import os
import platform
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.config import PROJECT_DIR
from ingest.errors import JudgeError


@dataclass(frozen=True)
class Measured:
    """One process: seconds of CPU (user and system, its children included) and of wall time from start to end, peak
    memory in MB, and what it says of itself."""

    cpu_seconds: float
    seconds: float
    peak_memory_mb: float
    said: Mapping[str, Any]


def run_work(work: str, arguments: Sequence[str], home: Path) -> Measured:
    """Run one piece of `ingest.bench.work` in a process with this home; fails as `run_module` does."""
    return run_module("ingest.bench.work", [work, *arguments], home)


def run_module(module: str, arguments: Sequence[str], home: Path) -> Measured:
    """Run a module whose last line of output is JSON, in a process with this home.

    Raises:
        JudgeError: it failed; `detail` holds the end of what it wrote.
    """
    command = [sys.executable, "-m", __name__, module, *arguments]
    environment = os.environ | {"NPL_HOME": str(home), "PYTHONPATH": str(PROJECT_DIR)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            detail = err.read().decode(errors="replace")[-2000:]
            raise JudgeError(f"基准 {module} 运行失败。", f"The benchmark's {module} failed.", detail=detail)
        *_, said, peak = out.read().decode().splitlines()
    return Measured(usage.ru_utime + usage.ru_stime, seconds, float(peak), json.loads(said))


def _peak_memory_mb() -> float:
    """Of this program and its children. What `wait4` tells counts from the fork on, when it was still its parent."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    (own,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return max(children, int(own) / 1024)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one case's files, in `NPL_BENCH_DIR` where that names a disk with more room."""
    with tempfile.TemporaryDirectory(prefix="npl-bench-", dir=os.environ.get("NPL_BENCH_DIR")) as folder:
        yield Path(folder)


def median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


def machine() -> str:
    """One line: processor, cores, memory, system, and the versions that decide the speed."""
    import duckdb
    import pyarrow as pa

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, Arrow {pa.__version__}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    print(_peak_memory_mb())
