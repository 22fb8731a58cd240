"""The core without Python: its own test programs, built with the compiler at hand."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import levels

CPP = Path(__file__).parents[2] / "cpp"
COMPILER = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
MARCH = {"v3": ["-march=x86-64-v3"], "v4": ["-march=x86-64-v4"], "neon": []}
FLAGS = ["-std=gnu++17", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fwrapv", "-pthread"]

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler"),
    pytest.mark.skipif(not levels(), reason="needs a processor that the core is for"),
]


def build(tmp_path, source, level, *more):
    program = tmp_path / source
    command = [COMPILER, *FLAGS, *MARCH[level], *more, CPP / "tests" / f"{source}.cpp"]
    subprocess.run([*command, "-o", program], check=True, timeout=300)
    return program


def run(program, *arguments):
    result = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_nothing_is_allocated_and_steps_are_given_up_whole(tmp_path):
    # Every malloc of the process is counted; with threads only those that make the threads. A step
    # is interrupted at every place where it asks.
    assert "all is well" in run(build(tmp_path, "test_core", levels()[-1]), "--quick")


@pytest.mark.soak
@pytest.mark.parametrize("level", levels())
def test_the_core_alone(level, tmp_path):
    warnings = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
    assert "all is well" in run(build(tmp_path, "test_core", level, "-O3", *warnings))


@pytest.mark.soak
def test_the_functions_have_the_same_checksums_on_every_instruction_set(tmp_path):
    checksums = {}
    for level in levels():
        (folder := tmp_path / level).mkdir()
        output = run(build(folder, "test_math", level, "-O3"), "--quick")
        checksums[level] = re.findall(r"^(\w+ +\w+).* ([0-9a-f]{16} [0-9a-f]{16}) ", output, re.M)
        assert len(checksums[level]) == 18
    assert len(set(map(tuple, checksums.values()))) == 1


def test_the_type_stub_is_that_of_the_module(tmp_path):
    from nanobind.stubgen import main

    stub = tmp_path / "stub.pyi"
    main(["-q", "-m", f"chainrule.engines._native_{levels()[-1]}", "-o", str(stub)])
    made = [line for line in stub.read_text().splitlines() if not line.startswith(("#", "isa"))]
    kept = (Path(__file__).parents[2] / "src/chainrule/engines/_native.pyi").read_text()
    assert made == [line for line in kept.splitlines() if not line.startswith(("#", "isa"))]
