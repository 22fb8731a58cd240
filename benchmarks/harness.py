"""Runs contenders in turn, so that what disturbs the machine disturbs them alike."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cases import Case

_WORKER = Path(__file__).with_name("worker.py")

# Before each sample, for the threads of the contender before to have gone to sleep: some libraries
# let theirs wait busily for a while.
_PAUSE = 0.25


class Worker:
    """The process of one contender with a number of threads (0: its own choice)."""

    def __init__(self, contender: str, threads: int) -> None:
        self.contender, self.threads = contender, threads
        self._process = subprocess.Popen(
            [sys.executable, str(_WORKER), contender, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=mkl_environment() if contender == "pytorch_mkl" else None,
            text=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{self.contender} ({self.threads} threads) died")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class Team:
    """The workers of a run, each started when it is first needed."""

    def __init__(self) -> None:
        self._workers: dict[tuple[str, int], Worker] = {}

    def worker(self, contender: str, threads: int) -> Worker:
        """Return a contender's process."""
        key = (contender, threads)
        if key not in self._workers:
            self._workers[key] = Worker(contender, threads)
        return self._workers[key]

    def close(self) -> None:
        """End them all."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()

    def measure(
        self, case: Case, contenders: Sequence[tuple[str, int]], rounds: int, budget: float
    ) -> dict[str, Any]:
        """Time every contender once a round, in an order that turns.

        Returns
        -------
        dict
            The case, and for every contender that enters: seconds a unit in each round, the
            seconds of the first call (with compilation), and bytes.
        """
        entered = []
        for contender, threads in contenders:
            try:
                worker = self.worker(contender, threads)
                about = worker.ask(do="prepare", case=case, budget=budget)
            except RuntimeError as error:
                print(f"left out: {error}", file=sys.stderr)
                self._workers.pop((contender, threads), None)
                continue
            if about["enters"]:
                entered.append((worker, about, list[dict[str, Any]]()))
        for r in range(rounds):
            turn = r % len(entered)
            for worker, _, answers in entered[turn:] + entered[:turn]:
                time.sleep(_PAUSE)
                answers.append(worker.ask(do="time"))
        return {
            "case": dict(case),
            "times": [
                {
                    "contender": worker.contender,
                    "threads": worker.threads,
                    "first_call": about["first"],
                    "extra_bytes": about["extra_bytes"],
                    "input_bytes": about["input_bytes"],
                    "seconds": [answer.pop("seconds") for answer in answers],
                    "busy": [answer.pop("busy") for answer in answers],
                    **answers[-1],
                    **({"rates": answers} if worker.contender == "peak" else {}),
                }
                for worker, about, answers in entered
            ],
        }


def mkl_environment() -> dict[str, str]:
    """Return an environment in which MKL takes every processor for Intel's (Linux)."""
    library = Path(tempfile.gettempdir()) / f"chainrule-bench-{os.getuid()}-mkl.so"
    source = "int mkl_serv_intel_cpu_true(void) { return 1; }\n"
    compiler = ["cc", "-shared", "-fPIC", "-xc", "-", "-o", str(library)]
    subprocess.run(compiler, input=source, text=True, check=True)
    return os.environ | {"LD_PRELOAD": str(library)}


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def best(measured: dict[str, Any], *contenders: str) -> dict[str, Any] | None:
    """Return the times of the best contender and number of threads, by the median."""
    entries = [t for t in measured["times"] if t["contender"] in contenders]
    return min(entries, key=lambda t: statistics.median(t["seconds"]), default=None)


def ratio(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[float, float, float]:
    """Return the lower quartile of the rounds' ratios, the ratio of medians, the upper quartile."""
    low, _, high = quartiles(
        [b / a for a, b in zip(ours["seconds"], theirs["seconds"], strict=True)]
    )
    middle = statistics.median(theirs["seconds"]) / statistics.median(ours["seconds"])
    return min(low, middle), middle, max(high, middle)
