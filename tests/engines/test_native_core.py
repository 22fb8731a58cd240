"""The core without Python: its own test programs, built with the compilers at hand."""

import os
import re
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import levels

CPP = Path(__file__).parents[2] / "cpp"
COMPILER = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
CLANG = next(
    filter(None, map(shutil.which, ["clang++", *(f"clang++-{n}" for n in range(24, 11, -1))])), None
)
CROSS = shutil.which("aarch64-linux-gnu-g++")
EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
MARCH = {"v3": ["-march=x86-64-v3"], "v4": ["-march=x86-64-v4"], "neon": []}
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
FLAGS = ["-std=gnu++17", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fwrapv", "-pthread"]

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler"),
    pytest.mark.skipif(not levels(), reason="needs a processor that the core is for"),
]


def build(tmp_path, source, level, *more, compiler=COMPILER):
    program = tmp_path / f"{source}-{level}"
    command = [compiler, *FLAGS, *MARCH[level], *more, CPP / "tests" / f"{source}.cpp"]
    subprocess.run([*command, "-o", program], check=True, timeout=300)
    return program


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_nothing_is_allocated_and_steps_are_given_up_whole(tmp_path):
    # Every malloc of the process is counted; with threads only those that make the threads. A step
    # is interrupted at every place where it asks.
    program = build(tmp_path, "test_core", levels()[-1], "-Og")  # compiled in half the time
    assert "all is well" in run(program, "--quick")


@pytest.mark.soak
@pytest.mark.parametrize("level", levels())
def test_the_core_alone(level, tmp_path):
    assert "all is well" in run(build(tmp_path, "test_core", level, "-O3", *WARNINGS))


@pytest.mark.soak
@pytest.mark.skipif(CLANG is None, reason="needs Clang")
@pytest.mark.parametrize("level", levels())
def test_the_core_with_clang(level, tmp_path):
    program = build(tmp_path, "test_core", level, "-O2", *WARNINGS, compiler=CLANG)
    assert "all is well" in run(program)
    nanobind = pytest.importorskip("nanobind")
    paths = [nanobind.include_dir(), sysconfig.get_path("include")]
    headers = [option for path in paths for option in ("-isystem", path)]
    options = [*FLAGS, *MARCH[level], *WARNINGS, *headers, "-DCHAINRULE_MODULE=core"]
    run(CLANG, "-fsyntax-only", *options, CPP / "bindings.cpp")


# What cpp/tests/train.cpp takes: sizes, activations, loss, optimizer, rows, batch.
RUNS = [
    ("f32", "5,3,16,7,20,9,4,11,2,6,8,3", "2,1,3,5,6,7,8,9,10,11", "2", "3", "40", "17"),
    ("f64", "5,3,16,7,20,9,4,11,2,6,8,3", "2,1,3,5,6,7,8,9,10,11", "2", "3", "40", "17"),
    ("f32", "33,17,31,1", "3,11", "1", "1", "67", "50"),
    ("f64", "1,15,257,2", "8,10", "3", "2", "30", "1"),
    ("f32", "31,16", "", "0", "0", "97", "97"),
]


@pytest.mark.skipif(CROSS is None, reason="needs Debian's g++-aarch64-linux-gnu")
@pytest.mark.skipif(EMULATOR is None, reason="needs Debian's qemu-user-static")
def test_neon_has_the_same_bits(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        here = pool.submit(build, tmp_path, "train", levels()[0])
        there = pool.submit(build, tmp_path, "train", "neon", "-static", *WARNINGS, compiler=CROSS)
    for case in RUNS:
        expected = run(here.result(), *case, "1")
        assert len(expected) > 1000
        for threads in ("1", "3"):
            assert run(EMULATOR, there.result(), *case, threads) == expected, case


@pytest.mark.soak
def test_the_functions_have_the_same_checksums_on_every_instruction_set(tmp_path):
    checksums = {}
    for level in levels():
        (folder := tmp_path / level).mkdir()
        output = run(build(folder, "test_math", level, "-O3"), "--quick")
        checksums[level] = re.findall(r"^(\w+ +\w+).* ([0-9a-f]{16} [0-9a-f]{16}) ", output, re.M)
        assert len(checksums[level]) == 18
    assert len(set(map(tuple, checksums.values()))) == 1


VARIABLES = ("#", "isa", "activations", "losses", "rules")  # typed by hand


def test_the_type_stub_is_that_of_the_module(tmp_path):
    from nanobind.stubgen import main

    stub = tmp_path / "stub.pyi"
    main(["-q", "-m", f"chainrule.engines._native_{levels()[-1]}", "-o", str(stub)])
    made = [line for line in stub.read_text().splitlines() if not line.startswith(VARIABLES)]
    kept = (Path(__file__).parents[2] / "src/chainrule/engines/_native.pyi").read_text()
    assert made == [line for line in kept.splitlines() if not line.startswith(VARIABLES)]
