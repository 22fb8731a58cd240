"""What was measured, as Markdown."""

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cases
from harness import best, quartiles, ratio

_NAMES = {
    "ours": "chainrule",
    "pytorch": "PyTorch",
    "pytorch_mkl": "with all of MKL",
    "compiled": "torch.compile",
    "jax_scan": "JAX scan",
    "scikit": "scikit-learn",
    "onnx_session": "ONNX Runtime",
    "numpy_lines": "NumPy",
}
_PEERS = ("chainrule", "torch", "jax", "onnxruntime", "scikit-learn", "numpy")


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    flags: set[str] = set()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [s for s in info.read_text().splitlines() if s.startswith(("flags", "Features"))]
        flags = set(lines[0].split()) if lines else set()
    known = ("avx512f", "avx2", "asimd")
    return {
        "processor": platform.machine(),
        "vectors": next((f for f in known if f in flags), "unknown"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PEERS},
        "load before": load(),
    }


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return round(os.getloadavg()[0], 1)


def heading(results: dict[str, Any]) -> str:
    """Return a line on the machine and the versions."""
    m = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in m["versions"].items())
    after = f", {m['load afterwards']} after" if "load afterwards" in m else ""
    return (
        f"{m['processor']}, {m['vectors']}, {m['cores']} cores, load {m['load before']} before"
        f"{after}{' (quick run)' if results['quick'] else ''}; Python {m['python']}, {versions}."
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [header, *rows]]
    lines.insert(1, "|" + "---|" * len(header))
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _micro(times: dict[str, Any] | None) -> str:
    if times is None:
        return ""
    middle = statistics.median(times["seconds"])
    threads = f" ({times['threads']})" if times["threads"] else ""
    return f"{_number(middle * 1e6)}{threads}"


def _ratio(
    ours: dict[str, Any] | None, theirs: dict[str, Any] | None, target: float | None = None
) -> str:
    if ours is None or theirs is None:
        return ""
    low, middle, high = ratio(ours, theirs)
    text = f"{_number(middle)}x [{_number(low)}, {_number(high)}]"
    if target is None:
        return text
    return f"{text} {'≥' if middle >= target else '**<**'} {target:g}"


def training(measured: list[dict[str, Any]]) -> str:
    """Return the table of training steps."""
    all_peers = ("pytorch", "pytorch_mkl", "compiled", "jax_scan", "scikit")
    peers = [p for p in all_peers if _anyone(measured, p)]
    compared = [p for p in peers if p != "pytorch_mkl"]
    header = ["net, batch", "chainrule"]
    header += [_NAMES[p] for p in peers]
    header += [f"over {_NAMES[p]}" for p in compared]
    rows = []
    for m in measured:
        ours = best(m, "ours")
        targets = {
            "pytorch": m["case"]["targets"]["torch"],
            "jax_scan": m["case"]["targets"]["jax"],
        }
        row = [f"{cases.name_of(m['case'])}, {m['case']['batch']}", _micro(ours)]
        row += [_micro(best(m, p)) for p in peers]
        for peer in compared:
            forms = ("pytorch", "pytorch_mkl") if peer == "pytorch" else (peer,)
            row.append(_ratio(ours, best(m, *forms), targets.get(peer)))
        rows.append(row)
    compiling = [
        f"{_NAMES[p]} {_number(max(t['first_call'] for t in _entries(measured, p)))} s"
        for p in ("jax_scan", "compiled")
        if _anyone(measured, p)
    ]
    return (
        "Microseconds a step (better thread count of the peer in brackets); ratio of medians, with "
        "the quartiles of the rounds' ratios, and the target. Over PyTorch: over its better "
        "form.\n\n"
        + _table(header, rows)
        + f"\n\nNot in the times: compiling, at most {', '.join(compiling)}."
    )


def _anyone(measured: list[dict[str, Any]], contender: str) -> bool:
    return bool(_entries(measured, contender))


def _entries(measured: list[dict[str, Any]], contender: str) -> list[dict[str, Any]]:
    return [t for m in measured for t in m["times"] if t["contender"] == contender]


def inference(measured: list[dict[str, Any]]) -> str:
    """Return the table of predictions and single updates."""
    row, step, many = measured
    ours = best(row, "ours")
    rows = []
    for peer in ("ours", "onnx_session", "numpy_lines", "pytorch"):
        target = {"onnx_session": (5.0, 1.0)}.get(peer, (None, None))
        one, lots = best(row, peer), best(many, peer)
        n = many["case"]["rows"]
        seconds = statistics.median(lots["seconds"]) * n * 1e3 if lots else 0.0
        same = peer == "ours"
        rows.append(
            [
                _NAMES[peer],
                _micro(one),
                "" if same else _ratio(ours, one, target[0]),
                f"{_number(seconds)} ({lots['threads'] or 'own choice'})" if lots else "",
                "" if same else _ratio(best(many, "ours"), lots, target[1]),
            ]
        )
    header = ["", "one row, 4-10-3: µs", "ours is faster"]
    header += [f"{many['case']['rows']:,} rows, 20-64-64-3: ms", "ours is faster"]
    predict = statistics.median(ours["seconds"]) * 1e6 if ours else 0.0
    update = statistics.median(best(step, "ours")["seconds"]) * 1e6  # type: ignore[index]
    allowed = 2 * predict + 1
    return (
        _table(header, rows)
        + f"\n\n`learner.step(x, y)` on one example, 4-10-3: {update:.2f} µs; at most twice a "
        + f"prediction and 1 µs is {allowed:.2f} µs: "
        + ("held." if update <= allowed else "**missed**.")
    )


def estimators(measured: list[dict[str, Any]]) -> str:
    """Return the table of whole fits."""
    targets = {"iris": 15.0, "digits": 5.0}
    rows = []
    for m in measured:
        case = m["case"]
        ours, theirs = best(m, "ours"), best(m, "scikit")
        assert ours is not None
        assert theirs is not None
        same = bool(case["settings"])
        rows.append(
            [
                f"{case['table']}, {'same epochs' if same else 'plain defaults'}",
                *(
                    f"{_number(statistics.median(t['seconds']) * 1e3)} ({t['epochs']})"
                    for t in (ours, theirs)
                ),
                _ratio(ours, theirs, targets[case["table"]] if same else None),
            ]
        )
    header = ["MLPClassifier.fit", "chainrule: ms (epochs)", "scikit-learn: ms (epochs)", "ratio"]
    return _table(header, rows)


def importing(measured: list[dict[str, Any]]) -> str:
    """Return a line on the import."""
    medians = {t["contender"]: statistics.median(t["seconds"]) for t in measured[0]["times"]}
    ours, numpy, python = (medians[n] for n in ("ours", "numpy", "python"))
    return (
        f"`import chainrule` takes {ours - python:.3f} s beyond Python's own {python:.3f} s "
        f"(`import numpy` takes {numpy - python:.3f} s); at most 0.2 s: "
        f"{'held' if ours - python <= 0.2 else '**missed**'}."
    )


def _peak(m: dict[str, Any], threads: int, what: str) -> list[float]:
    for t in m["times"]:
        if (t["contender"], t["threads"]) == ("peak", threads):
            return [answer[what] for answer in t["rates"]]
    return []


def peak(measured: list[dict[str, Any]]) -> str:
    """Return the table of rates beside the machine's peak, and of thread scaling."""
    rows = []
    for m in measured:
        flops = cases.flops_of_step(m["case"])
        times = {t["threads"]: t["seconds"] for t in m["times"] if t["contender"] == "ours"}
        row = [f"{cases.name_of(m['case'])}, {m['case']['batch']}"]
        for threads, seconds in times.items():
            rate = flops / statistics.median(seconds)
            share = rate / statistics.median(_peak(m, threads, "flops"))
            row += [_number(rate / 1e9), f"{share:.0%}"]
        scaling = ""
        if 2 in times:
            low, middle, high = quartiles([a / b for a, b in zip(times[1], times[2], strict=True)])
            scaling = f"{middle:.2f}x [{low:.2f}, {high:.2f}]"
        rows.append([*row, *[""] * (5 - len(row)), scaling])
    header = ["net, batch"]
    header += ["1 thread: GFLOP/s", "of the peak", "2 threads: GFLOP/s", "of the peak"]
    measured_peaks = []
    for n in (1, 2):
        flops, memory = (
            statistics.median([rate for m in measured for rate in _peak(m, n, what)]) / 1e9
            for what in ("flops", "bytes")
        )
        measured_peaks.append(f"{flops:.0f} GFLOP/s and {memory:.0f} GB/s on {n}")
    return (
        f"The machine did {', '.join(measured_peaks)} (threads; fused multiply-adds between "
        "registers; reading memory), measured in turn with the steps.\n\n"
        + _table([*header, "2 threads over 1"], rows)
    )


def rows(measured: list[dict[str, Any]]) -> str:
    """Return the table against the number of rows."""
    header = ["rows", "X: MB", "chainrule: ns a row", "PyTorch", "JAX scan"]
    header += ["chainrule: MB beyond X", "PyTorch", "JAX scan"]
    lines = []
    for m in measured:
        n = m["case"]["rows"]
        entries = [best(m, name) for name in ("ours", "pytorch", "jax_scan")]
        nanoseconds = [
            _number(statistics.median(t["seconds"]) / m["case"]["batch"] * 1e9) if t else ""
            for t in entries
        ]
        memory = [_number(t["extra_bytes"] / 1e6) if t else "" for t in entries]
        megabytes = n * m["case"]["sizes"][0] * 4 / 1e6
        lines.append([f"{n:,}", _number(megabytes), *nanoseconds, *memory])
    return (
        "An epoch of 20-64-64-3, batch 128 (float32, SGD with momentum); peers on 1 thread. Memory "
        "is what the process's largest size grew by while it trained.\n\n" + _table(header, lines)
    )


def width(measured: list[dict[str, Any]]) -> str:
    """Return the table against the width of the hidden layers."""
    lines = []
    for m in measured:
        ours = next(t for t in m["times"] if (t["contender"], t["threads"]) == ("ours", 0))
        alone = next(t for t in m["times"] if (t["contender"], t["threads"]) == ("ours", 1))
        rate = cases.flops_of_step(m["case"]) / statistics.median(alone["seconds"])
        share = rate / statistics.median(_peak(m, 1, "flops"))
        torch, jax = best(m, "pytorch_mkl"), best(m, "jax_scan")
        lines.append(
            [
                cases.name_of(m["case"]),
                _micro(ours),
                _micro(torch),
                _micro(jax),
                _ratio(ours, torch),
                _ratio(ours, jax),
                f"{share:.0%}",
            ]
        )
    header = ["net, batch 128", "chainrule: µs a step", "PyTorch", "JAX scan", "over PyTorch"]
    return _table([*header, "over JAX scan", "of the peak, 1 thread"], lines)


def optimizers(measured: list[dict[str, Any]]) -> str:
    """Return the table of optimizers beside plain gradient descent."""
    lines = []
    for m in measured:
        line = [cases.OPTIMIZERS[m["case"]["optimizer"]]]
        for threads in (1, 0):
            its, plain = (
                next(t for t in m["times"] if (t["contender"], t["threads"]) == (name, threads))
                for name in ("ours", "ours_plain")
            )
            cost = statistics.median(
                a / b for a, b in zip(its["seconds"], plain["seconds"], strict=True)
            )
            missed = " (missed)" if cost > cases.TARGET_OF_OPTIMIZERS else ""
            line += [_micro(its), f"{cost:.2f}x{missed}"]
        lines.append(line)
    net = cases.name_of(measured[0]["case"])
    header = [f"{net}, batch 128", "1 thread: µs a step", "over plain descent"]
    return _table([*header, "default: µs a step", "over plain descent"], lines)


def penalty(measured: list[dict[str, Any]]) -> str:
    """Return the table of the choice of the penalty, and the line of its memory."""
    *timed, memory = measured
    lines = []
    for m in timed:
        ours = [s for answer in m["ours"] for s in answer["seconds"]]
        row = [str(m["case"]["epochs"]), _number(statistics.median(ours))]
        for i in (0, 1):
            theirs = [answer["seconds"][i] for answer in m["search"]]
            ratio_ = statistics.median(theirs) / statistics.median(ours)
            mark = "" if i else (" ≥ 1.2" if ratio_ >= 1.2 else " **<** 1.2")
            row += [_number(statistics.median(theirs)), f"{ratio_:.3g}x{mark}"]
        chosen = {answer["alpha"] for who in ("ours", "search") for answer in m[who]}
        lines.append([*row, "yes" if len(chosen) == 1 else "no"])
    header = ["epochs", "MLPClassifierCV: s", "GridSearchCV(n_jobs=2): s", "ratio"]
    header += ["its second fit: s", "ratio", "same penalty"]
    grown = {who: memory[who]["extra_bytes"] / memory[who]["x_bytes"] for who in ("ours", "search")}
    return _table(header, lines) + (
        f"\n\nOver an X of {memory['ours']['x_bytes'] / 1e6:.0f} MB the process grew by "
        f"{grown['ours']:.0%} of X while two folds were trained at a time, a grid search of one "
        f"process by {grown['search']:.0%}."
    )


TABLES = {
    "training, SGD": training,
    "training, Adam": training,
    "inference": inference,
    "estimators": estimators,
    "penalty": penalty,
    "import": importing,
    "peak": peak,
    "rows": rows,
    "width": width,
    "optimizers": optimizers,
}
