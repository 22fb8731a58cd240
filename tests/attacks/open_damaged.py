"""Opens damaged files, in a process of its own: ``open_damaged.py KIND SEEDS`` (0-300,417).

It may use so much memory and so much of a processor, starts nothing, imports nothing, writes
nothing. What happened is printed as JSON; anything that must not is a line to stderr and exit 1.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path

import bases
import mutations
import numpy as np

import chainrule as cr
from chainrule.errors import ChainruleError

SECONDS = 2.0  # of processor time, which does not depend on what else the machine does
BEYOND = 100 * 2**20  # memory beyond twice the file
ALARMING = (
    "exec", "import", "ctypes", "marshal", "pickle", "os.exec", "os.fork", "os.kill", "os.putenv",
    "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "shutil", "socket", "subprocess",
    "tempfile", "urllib", "webbrowser", "cpython.run", "glob", "ftplib", "http", "smtplib",
    "code.__new__", "function.__new__",
)  # fmt: skip
CHANGING = (
    "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.utime",
)  # fmt: skip

folder = ""  # where a training may write its checkpoints
watching = False
seen: list[str] = []


def watch(event: str, args: tuple) -> None:
    """Note whatever a file must not bring about."""
    if not watching:
        return
    if event == "open":
        path, mode, flags = args
        if not (
            (mode and set(mode) & set("wax+")) or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            return
        if not (isinstance(path, int) or (folder and str(path).startswith(folder))):
            seen.append(f"writes {path!r}")
    elif event in CHANGING:
        if not (folder and str(args[0]).startswith(folder)):
            seen.append(f"{event} {args!r}"[:200])
    elif event.startswith(ALARMING):
        seen.append(f"{event} {args!r}"[:200])


class TooLong(BaseException):
    """A file that took more than its time."""


def too_long(*_: object) -> None:
    raise TooLong


def limit_memory(beyond: int | None) -> None:
    """Allow so many bytes more than there are in use; None: as many as one likes."""
    statm = Path("/proc/self/statm")
    if not statm.exists():  # no Linux: what is in use is not told
        return
    pages = int(statm.read_text().split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = hard if beyond is None else pages * resource.getpagesize() + beyond
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def use(kind: str, model: object) -> str:
    """Do with a model what it is for, and say how that went."""
    answer = "valid"
    try:
        if isinstance(model, cr.Learner):
            net = model.net
            rows = np.zeros((4, net.sizes[0]), net.theta.dtype)
            targets = np.zeros((4, net.sizes[-1]), net.theta.dtype)
            targets[:, 0] = 1
            model.step(rows, targets)
        elif isinstance(model, cr.Network):
            model(np.zeros((2, model.sizes[0])))
        else:
            bases.answers(model)
    except ChainruleError:
        answer = "valid, and says what is wrong"
    except Exception as error:
        # Parts that are scikit-learn's own can be set to what they cannot use.
        if kind in mutations.TENSOR_KINDS:
            raise
        answer = f"valid, but {type(error).__name__}"
    return answer


def main(kind: str, seeds: list[int]) -> None:
    global folder, watching  # noqa: PLW0603 - the hook cannot be given anything
    content = bases.content_of(kind)
    kinds = list(bases.KINDS)
    others = kinds[kinds.index(kind) - 1]
    other = bases.content_of(others)
    signal.signal(signal.SIGPROF, too_long)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    sys.addaudithook(watch)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "file")
        folder = place if kind == "checkpoint" else ""
        for sound in (other, content):  # whatever is loaded when first needed
            path.write_bytes(sound)
            model = bases.opened(kind if sound is content else others, path)
            original = bases.answers(model)
            repr(model)
        path.with_name("file.previous").unlink(missing_ok=True)
        for seed in seeds:
            damaged, blind = mutations.mutated(kind, content, other, seed)
            path.write_bytes(damaged)
            limit_memory(2 * len(damaged) + BEYOND)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            watching = True
            where = f"{kind} {seed}"
            try:
                model = bases.opened(kind, path)
                limit_memory(None)
                same = blind and np.array_equal(bases.answers(model), original)
                outcome = use(kind, model)
            except ChainruleError as error:
                outcome = type(error).__name__
                text = str(error)
                if not (text.endswith(".") and "\n" not in text and len(text) < 1000):
                    raise AssertionError(f"{where}: no sentence: {text!r}") from None
            except BaseException as error:
                raise AssertionError(f"{where}: {type(error).__name__}") from error
            finally:
                watching = False
                limit_memory(None)
                signal.setitimer(signal.ITIMER_PROF, 0)
            if seen:
                raise AssertionError(f"{where}: {seen}")
            if blind and outcome.startswith("valid"):
                if not same:
                    raise AssertionError(f"{where}: another model")
                outcome = "the same model"
            left = {*os.listdir(place)} - {"file"}
            if left - ({"file.previous"} if kind == "checkpoint" else set()):
                raise AssertionError(f"{where}: left {left}")
            path.with_name("file.previous").unlink(missing_ok=True)
            outcomes[outcome] += 1
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    ranges = [part.split("-") for part in sys.argv[2].split(",")]
    try:
        main(sys.argv[1], [n for r in ranges for n in range(int(r[0]), int(r[-1]) + 1)])
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
