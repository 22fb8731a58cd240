"""The contenders: one file each, every one in its best form.

Each has ``prepare(case, threads) -> (run, units)``: what is timed, and how many steps, calls or
rows one ``run()`` makes; or None for a case that it does not enter.
"""
