"""No contender: what the machine can do, measured in turn with the others (peak.cpp)."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases

_SOURCE = Path(__file__).parent.parent / "peak.cpp"


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int]:
    """Return a run of the compiled loops; its rates come back beside the time."""
    del case
    program = Path(tempfile.gettempdir()) / f"chainrule-peak-{os.getuid()}-{os.getpid()}"
    flags = ["-O3", "-march=native", "-std=c++17", "-pthread"]
    subprocess.run(["c++", *flags, str(_SOURCE), "-o", str(program)], check=True)

    def run() -> dict[str, float]:
        printed = subprocess.run([program, str(threads)], check=True, capture_output=True).stdout
        fused, memory = map(float, printed.split())
        return {"flops": fused * 1e9, "bytes": memory * 1e9}

    return run, 1
