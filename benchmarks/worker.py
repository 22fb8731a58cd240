"""One contender in a process of its own, since thread counts are set once a process.

    python worker.py CONTENDER THREADS

It reads requests as lines of JSON and answers in kind; between them it sleeps.
"""

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

_ENOUGH = 10**7  # calls in one sample


def _set_threads(contender: str, threads: int) -> None:
    """Set the thread count of libraries that take it from outside, before they are loaded."""
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    if threads:
        os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
        if contender != "ours":
            os.environ["OMP_NUM_THREADS"] = str(threads)
    if contender == "jax_scan" and threads and hasattr(os, "sched_setaffinity"):
        # XLA makes as many threads as it sees processors; once made, they may run anywhere.
        everywhere = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(everywhere)[:threads])
        import jax

        jax.devices()
        for task in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(task), everywhere)


def _rss() -> int:
    """Return the largest memory so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _sample(run: Callable[[], Any], calls: int) -> tuple[float, float, Any]:
    """Return seconds on the clock, seconds of all threads on processors, and a result."""
    result = None
    busy, begin = time.process_time(), time.perf_counter()
    for _ in range(calls):
        result = run()
    return time.perf_counter() - begin, time.process_time() - busy, result


def _prepared(
    contender: str, threads: int, request: dict[str, Any]
) -> tuple[Callable[[], Any] | None, dict[str, Any]]:
    module = importlib.import_module(f"contenders.{contender}")
    before = _rss()
    prepared = module.prepare(request["case"], threads)
    if prepared is None:
        return None, {"enters": False}
    run, units = prepared
    ready = _rss()
    first = _sample(run, 1)[0]
    calls, seconds = 1, _sample(run, 1)[0]
    while seconds < request["budget"] / 4 and calls < _ENOUGH:
        calls = int(min(_ENOUGH, calls * max(2.0, request["budget"] / max(seconds, 1e-7) / 4)))
        seconds = _sample(run, calls)[0]
    calls = max(1, round(calls * request["budget"] / seconds))
    return run, {
        "enters": True,
        "units": units,
        "calls": calls,
        "first": first,
        "input_bytes": ready - before,
        "extra_bytes": _rss() - ready,
    }


def main() -> None:
    """Answer requests until there are no more."""
    contender, threads = sys.argv[1], int(sys.argv[2])
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is not an answer
    _set_threads(contender, threads)
    run: Callable[[], Any] | None = None
    about: dict[str, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "prepare":
            run = None  # frees the last case
            run, about = _prepared(contender, threads, request)
            answer = about
        elif request["do"] == "time" and run is not None:
            seconds, busy, result = _sample(run, about["calls"])
            units = about["calls"] * about["units"]
            answer = {"seconds": seconds / units, "busy": busy / units}
            answer |= result if isinstance(result, dict) else {}
        else:
            raise ValueError(line)
        out.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
