"""Is chainrule's MLP as accurate as scikit-learn's? Paired: same folds, same seeds, same settings.

    nice env OMP_NUM_THREADS=1 python benchmarks/accuracy.py [--json FILE] [--quick]

Five tables of scikit-learn, standardized, 5 folds x 5 seeds, three settings. A cell is the mean of
25 differences ours - theirs (accuracy, or R^2 for diabetes), with its standard error. It fails
below -0.01: the exit code is then 1.
"""

import argparse
import json
import math
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn import neural_network as theirs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as ours

TABLES = ("iris", "wine", "breast_cancer", "digits", "diabetes")
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "lbfgs": {"solver": "lbfgs"},
    "sgd, adaptive": {"solver": "sgd", "learning_rate": "adaptive"},
}
ALLOWED = -0.01


def scores_of(library: Any, name: str, settings: dict[str, Any], seeds: int) -> list[float]:
    """Return one held-out score per seed and fold."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    regression = name == "diabetes"
    if regression:
        y = (y - y.mean()) / y.std()
    scores = []
    for seed in range(seeds):
        folds: Any = KFold if regression else StratifiedKFold
        for train, test in folds(5, shuffle=True, random_state=seed).split(X, y):
            kind = library.MLPRegressor if regression else library.MLPClassifier
            model = make_pipeline(StandardScaler(), kind(random_state=seed, **settings))
            with warnings.catch_warnings():
                # Both stop at max_iter=200 in many cells: that is part of the comparison.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X[train], y[train])
            scores.append(float(model.score(X[test], y[test])))
    return scores


def compare(name: str, label: str, seeds: int) -> dict[str, Any]:
    """Return one cell: both means, the paired difference, and its spread."""
    begin = time.perf_counter()
    mine = np.array(scores_of(ours, name, SETTINGS[label], seeds))
    middle = time.perf_counter()
    reference = np.array(scores_of(theirs, name, SETTINGS[label], seeds))
    end = time.perf_counter()
    difference = mine - reference
    return {
        "table": name,
        "setting": label,
        "scikit-learn": float(reference.mean()),
        "chainrule": float(mine.mean()),
        "difference": float(difference.mean()),
        "standard_error": float(difference.std(ddof=1) / math.sqrt(len(difference))),
        "lowest": float(difference.min()),
        "highest": float(difference.max()),
        "pairs": len(difference),
        "seconds": {"chainrule": middle - begin, "scikit-learn": end - middle},
        "holds": bool(difference.mean() >= ALLOWED),
    }


def row(cell: dict[str, Any]) -> str:
    """Return a cell as a row of the Markdown table."""
    return (
        f"| {cell['table']} | {cell['setting']} | {cell['scikit-learn']:.4f} "
        f"| {cell['chainrule']:.4f} | {cell['difference']:+.4f} ± {cell['standard_error']:.4f} "
        f"| {cell['lowest']:+.3f} … {cell['highest']:+.3f} | {'yes' if cell['holds'] else 'NO'} |"
    )


def main() -> int:
    """Print the table as it comes; return 1 if a cell fails."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the cells as JSON too")
    parser.add_argument("--quick", action="store_true", help="one seed instead of five")
    parser.add_argument("--table", action="append", choices=TABLES, help="only this one")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS), help="only this one")
    arguments = parser.parse_args()

    print("| table | setting | scikit-learn | chainrule | ours − theirs | range | ≥ −0.01 |")
    print("|---|---|---|---|---|---|---|", flush=True)
    cells = []
    for name in arguments.table or TABLES:
        for label in arguments.setting or SETTINGS:
            cells.append(compare(name, label, seeds=1 if arguments.quick else 5))
            print(row(cells[-1]), flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(cells, indent=1) + "\n", encoding="utf-8")
    return 0 if all(cell["holds"] for cell in cells) else 1


if __name__ == "__main__":
    sys.exit(main())
