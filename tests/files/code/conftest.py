"""Compilers and Node as the judges: every row of X through every program."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")


def run(*command, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def need(tool: str) -> str:
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    return found


def by_c(compiler: str, nets: Sequence[cr.Network], X, folder: Path) -> list[np.ndarray]:
    """Compile one program a network, and return the hypotheses, after the programs' own tests."""
    compiler = need(compiler)
    declared, calls = [], []
    for i, net in enumerate(nets):
        (folder / f"n{i}.c").write_text(cr.to_c(net, name=f"n{i}"))
        real, (n_in, *_, n_out) = ("float", "double")[net.theta.itemsize == 8], net.sizes
        declared.append(f"void n{i}_predict(const {real} *, {real} *); int n{i}_test(void);")
        calls.append(
            f"  for (r = 0; r < ROWS; ++r) {{ {real} x[{n_in}], h[{n_out}]; double v;\n"
            f"    for (k = 0; k < {n_in}; ++k) x[k] = ({real})X[r * {n_in} + k];\n"
            f"    n{i}_predict(x, h);\n"
            f"    for (k = 0; k < {n_out}; ++k) {{ v = h[k]; fwrite(&v, 8, 1, out); }} }}\n"
            f"  failed += n{i}_test();\n"
        )
    np.ascontiguousarray(X, np.float64).tofile(folder / "x.bin")
    (folder / "main.c").write_text(
        f"#include <stdio.h>\n#define ROWS {len(X)}\nstatic double X[{np.size(X)}];\n"
        + "\n".join(declared)
        + '\nint main(void) {\n  int r, k, failed = 0;\n  FILE *in = fopen("x.bin", "rb"), *out;\n'
        + f"  if (!in || fread(X, 8, {np.size(X)}, in) != {np.size(X)}) return 1;\n  fclose(in);\n"
        + f'  out = fopen("h.bin", "wb");\n{"".join(calls)}  fclose(out);\n  return failed;\n}}\n'
    )
    sources = [f"n{i}.c" for i in range(len(nets))]
    run(compiler, *STRICT, *sources, "main.c", "-o", "main", "-lm", cwd=folder)
    run("./main", cwd=folder)
    return split(np.fromfile(folder / "h.bin"), nets, len(X))


def by_node(nets: Sequence[cr.Network], X, folder: Path) -> list[np.ndarray]:
    """Load one module a network, and return the hypotheses, after the modules' own tests."""
    node = need("node")
    for i, net in enumerate(nets):
        (folder / f"n{i}.mjs").write_text(cr.to_js(net))
    np.ascontiguousarray(X, np.float64).tofile(folder / "x.bin")
    (folder / "main.mjs").write_text(
        "import fs from 'fs';\n"
        "const bytes = fs.readFileSync('x.bin'), out = [];\n"
        f"const X = new Float64Array(bytes.buffer, bytes.byteOffset, {np.size(X)});\n"
        f"for (let i = 0; i < {len(nets)}; ++i) {{\n"
        "  const m = await import(`./n${i}.mjs`);\n"
        "  if (m.test()) process.exit(1);\n"
        "  for (let r = 0; r < X.length; r += m.INPUTS)\n"
        "    out.push(...m.predict(X.subarray(r, r + m.INPUTS)));\n"
        "}\n"
        "fs.writeFileSync('h.bin', new Uint8Array(Float64Array.from(out).buffer));\n"
    )
    run(node, "main.mjs", cwd=folder)
    return split(np.fromfile(folder / "h.bin"), nets, len(X))


def split(h: np.ndarray, nets: Sequence[cr.Network], n: int) -> list[np.ndarray]:
    ends = np.cumsum([n * net.sizes[-1] for net in nets])
    assert len(h) == ends[-1]
    return [part.reshape(n, -1) for part in np.split(h, ends[:-1])]


JUDGES = {
    "gcc": lambda *given: by_c("gcc", *given),
    "clang": lambda *given: by_c("clang", *given),
    "node": by_node,
}


@pytest.fixture(params=JUDGES)
def judge(request, tmp_path):
    return lambda nets, X: JUDGES[request.param](nets, X, tmp_path)


@pytest.fixture
def self_test(tmp_path):
    """Compile a program with its own main, and return the exit code of its test."""

    def call(source: str, *flags: str) -> int:
        (tmp_path / "net.c").write_text(source)
        run(need("gcc"), *STRICT, *flags, "net.c", "-o", "net", "-lm", cwd=tmp_path)
        return subprocess.run([tmp_path / "net"], check=False).returncode

    return call


@pytest.fixture
def in_node(tmp_path):
    """Import a module as m and return the JSON of an expression."""

    def call(source: str, expression: str) -> object:
        (tmp_path / "net.mjs").write_text(source)
        script = f"import * as m from './net.mjs'; console.log(JSON.stringify({expression}));"
        (tmp_path / "main.mjs").write_text(script)
        return json.loads(run(need("node"), "main.mjs", cwd=tmp_path))

    return call
