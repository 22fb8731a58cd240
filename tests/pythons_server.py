"""What forks the Pythons of `pythons.py`: it imports once, and each fork goes on from there."""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
import types
import warnings

import chainrule.cli
import chainrule.estimators
import chainrule.files

BEGIN = list(warnings.filters)


def serve(link):
    """Fork for each request; return in the fork, with the request."""
    running = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select([link, woken], [], [])
        if woken in ready:
            os.read(woken, 1000)
            for pid, status in list(running.items()):
                ended, code = os.waitpid(pid, os.WNOHANG)
                if ended:
                    os.write(status, str(code).encode())
                    os.close(running.pop(pid))
        if link in ready:
            message, fds, _, _ = socket.recv_fds(link, 20, 5)
            if not message:
                sys.exit()
            request, status, *streams = fds
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                with open(request, "rb") as file:
                    file.seek(0)
                    asked = json.load(file)
                for each in (status, woken, wake, *running.values(), *streams):
                    os.close(each)
                link.close()
                return asked
            running[pid] = status
            for each in (request, *streams):
                os.close(each)
            link.send(str(pid).encode())


def become(request):
    """Run what a new Python with these arguments would run."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    args = request["args"]
    warnings.filters[:] = BEGIN
    if args[:2] == ["-W", "error"]:
        del args[:2]
        warnings.simplefilter("error")
    kind, what, *rest = args
    sys.path[0] = ""
    if kind == "-m":
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        assert kind == "-c", args
        sys.argv = ["-c", *rest]
        sys.modules["__main__"] = module = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), vars(module))


def end(request):
    """Run it, and end as Python does; but what was imported is not taken down, which is slow."""
    code = 0
    try:
        become(request)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else error.code is not None
        if not isinstance(error.code, int | None):
            sys.stderr.write(f"{error.code}\n")
    except BaseException as error:
        traceback.print_exception(error.with_traceback(error.__traceback__.tb_next.tb_next))
        code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for the tests
    for found in pkgutil.walk_packages(chainrule.cli.__path__, "chainrule.cli."):
        importlib.import_module(found.name)
    warnings.simplefilter("ignore", DeprecationWarning)  # Python's of fork beside BLAS' threads
    gc.freeze()  # what all forks share is not to be copied for them
    end(serve(socket.socket(fileno=int(sys.argv[1]))))
