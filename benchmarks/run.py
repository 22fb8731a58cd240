"""Times chainrule beside its peers, all in one run and in turn, and prints Markdown tables.

    make bench                                   # everything, about 20 minutes
    .venv-bench/bin/python benchmarks/run.py --quick      # under 2 minutes, fewer rounds and peers
    .venv-bench/bin/python benchmarks/run.py --only inference --doc docs/performance.md

Every run writes results/latest.json. --doc also renews the tables in a Markdown file, between the
lines ``<!-- NAME -->`` and ``<!-- end -->``.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import report
from harness import Team

_HERE = Path(__file__).parent
Measured = list[dict[str, Any]]
_ROWS = {"task": "rows", "sizes": [20, 64, 64, 3], "chunk": 8192}


def training(team: Team, quick: bool, optimizer: str) -> Measured:
    """Time a training step through Learner.fit."""
    contenders = [("ours", 0)]
    peers = ("pytorch", "jax_scan") if quick else ("pytorch", "compiled", "jax_scan", "scikit")
    contenders += [(peer, threads) for peer in peers for threads in (1, 2)]
    chosen = cases.training(optimizer)
    if quick:
        chosen = [case | {"rows": min(case["rows"], 2048)} for case in chosen]
        chosen = chosen[0:6:2] if optimizer == "adam" else chosen
    rounds, budget = (5, 0.05) if quick else (9, 0.3)
    measured = []
    for case in chosen:
        # Products large enough for MKL's kernels to matter.
        more = [("pytorch_mkl", n) for n in (1, 2)] if case["sizes"][1] >= 256 else []
        measured.append(team.measure(case, contenders + more, rounds, budget))
    return measured


def inference(team: Team, quick: bool) -> Measured:
    """Time one row, one update, and many rows."""
    rounds, budget = (9, 0.04) if quick else (15, 0.2)
    row = {"task": "row", "sizes": [4, 10, 3], "rows": 150}
    peers = [("onnx_session", 1), ("numpy_lines", 1), ("pytorch", 1)]
    many = _ROWS | {"rows": 100_000 if quick else 1_000_000}
    both = [(name, n) for name in ("onnx_session", "numpy_lines", "pytorch") for n in (1, 2)]
    return [
        team.measure(row, [("ours", 0), *peers], rounds, budget),
        team.measure(row | {"task": "step", "batch": 1}, [("ours", 0)], rounds, budget),
        team.measure(many, [("ours", 0), *both], 5 if quick else 9, budget),
    ]


def estimators(team: Team, quick: bool) -> Measured:
    """Time whole fits of the classifier, with the same epochs and with the plain defaults."""
    contenders = [("ours", 0), ("scikit", 1), ("scikit", 2)]
    same = {"tol": 0.0, "n_iter_no_change": 10**9}
    measured = []
    for table, epochs in ("iris", 200), ("digits", 20 if quick else 200):
        for settings in ({"max_iter": epochs, **same}, {}):
            if quick and table == "digits" and not settings:
                continue
            case = {"task": "estimator", "table": table, "settings": settings}
            measured.append(team.measure(case, contenders, 3 if quick else 5, 0.05))
    return measured


def importing(team: Team, quick: bool) -> Measured:
    """Time `import chainrule` in a new process, beside an empty one."""
    del team
    programs = {"ours": "import chainrule", "numpy": "import numpy", "python": "pass"}
    times = {name: list[float]() for name in programs}
    for _ in range(5 if quick else 15):
        for name, program in programs.items():
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            times[name].append(time.perf_counter() - begin)
    return [
        {
            "case": {"task": "import"},
            "times": [{"contender": n, "threads": 0, "seconds": s} for n, s in times.items()],
        }
    ]


def machine(team: Team, quick: bool) -> Measured:
    """Time each shape on 1 and 2 threads in turn with the machine's peak on as many."""
    rounds, budget = (3, 0.05) if quick else (7, 0.2)
    measured = []
    for case in cases.training("sgd"):
        counts = (1, 2) if case["sizes"][0] > 4 else (1,)
        contenders = [(name, n) for n in counts for name in ("ours", "peak")]
        measured.append(team.measure(case, contenders, rounds, budget))
    return measured


def rows(team: Team, quick: bool) -> Measured:
    """Time an epoch, and its memory in a process of its own, against the number of rows."""
    del team
    net = {"task": "train", "sizes": [20, 64, 64, 3], "batch": 128, "epochs": 1, "optimizer": "sgd"}
    measured = []
    for n in (1_000, 10_000, 100_000) if quick else (1_000, 10_000, 100_000, 1_000_000):
        own = Team()  # the largest memory of a process never falls
        case = net | {"rows": n // 128 * 128}
        contenders = [("ours", 0), ("pytorch", 1), ("jax_scan", 1)]
        measured.append(own.measure(case, contenders, 3 if quick else 5, 0.05))
        own.close()
    return measured


def width(team: Team, quick: bool) -> Measured:
    """Time a step against the hidden layers' width."""
    net = {"task": "train", "batch": 128, "rows": 2048, "epochs": 1, "optimizer": "sgd"}
    widths = (16, 64, 256, 1024) if quick else (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
    contenders = [("ours", 0), ("ours", 1), ("peak", 1)]
    contenders += [(peer, n) for peer in ("pytorch_mkl", "jax_scan") for n in (1, 2)]
    return [
        team.measure(net | {"sizes": [64, w, w, 10]}, contenders, 3, 0.05 if quick else 0.2)
        for w in widths
    ]


def optimizers(team: Team, quick: bool) -> Measured:
    """Time a step of each optimizer in turn with a step of plain gradient descent."""
    net = {"task": "train", "sizes": [100, 256, 256, 10], "batch": 128, "rows": 4096, "epochs": 4}
    contenders = [(name, n) for n in (1, 0) for name in ("ours_plain", "ours")]
    rounds, budget = (5, 0.05) if quick else (15, 0.2)
    return [
        team.measure(net | {"optimizer": name}, contenders, rounds, budget)
        for name in cases.OPTIMIZERS
    ]


def penalty(team: Team, quick: bool) -> Measured:
    """Time the choice among 10 penalties on 5 folds, beside a grid search, and its memory."""
    del team
    script, measured = str(_HERE / "penalty.py"), list[dict[str, Any]]()

    def ask(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-W", "ignore", script, *arguments]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    for epochs in ("20",) if quick else ("20", "200"):
        rounds = {"ours": list[dict[str, Any]](), "search": list[dict[str, Any]]()}
        for _ in range(1 if quick else 3):
            for who, answers in rounds.items():
                answers.append(ask(who, "time", epochs))
        measured.append({"case": {"task": "penalty", "epochs": int(epochs)}, **rounds})
    memory = {who: ask(who, "memory", "1") for who in ("ours", "search")}
    return [*measured, {"case": {"task": "penalty", "epochs": 0}, **memory}]


SECTIONS: dict[str, Callable[[Team, bool], Measured]] = {
    "training, SGD": lambda team, quick: training(team, quick, "sgd"),
    "training, Adam": lambda team, quick: training(team, quick, "adam"),
    "inference": inference,
    "estimators": estimators,
    "penalty": penalty,
    "import": importing,
    "peak": machine,
    "rows": rows,
    "width": width,
    "optimizers": optimizers,
}


def main() -> None:
    """Run the sections that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, peers and sizes")
    parser.add_argument("--only", nargs="+", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--json", type=Path, default=_HERE / "results" / "latest.json")
    parser.add_argument("--doc", type=Path, help="a Markdown file whose tables to renew")
    arguments = parser.parse_args()
    chosen = [s for s in SECTIONS if not arguments.only or any(o in s for o in arguments.only)]
    if not chosen:
        parser.error(f"--only takes parts of {', '.join(SECTIONS)}")

    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    team, begin = Team(), time.perf_counter()
    results: dict[str, Any] = {"quick": arguments.quick, "machine": report.machine()}
    print(report.heading(results), flush=True)
    tables = {}
    try:
        for name in chosen:
            results[name] = SECTIONS[name](team, arguments.quick)
            tables[name] = report.TABLES[name](results[name])
            print(f"\n## {name}\n\n{tables[name]}", flush=True)
    finally:
        team.close()
    results["machine"]["load afterwards"] = report.load()
    print(f"\n{time.perf_counter() - begin:.0f} s, load {results['machine']['load afterwards']}")
    arguments.json.parent.mkdir(exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.doc:
        tables["machine"] = report.heading(results)
        renew(arguments.doc, tables)


def renew(path: Path, tables: dict[str, str]) -> None:
    """Put the tables in the places that are marked for them."""
    text = path.read_text()
    for name, table in tables.items():
        pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)"
        new = table.replace("\\", "\\\\")
        text, found = re.subn(pattern, rf"\g<1>\n{new}\n\n\g<2>", text, flags=re.S)
        if not found:
            print(f"{path} has no place for {name}", file=sys.stderr)
    path.write_text(text)


if __name__ == "__main__":
    main()
