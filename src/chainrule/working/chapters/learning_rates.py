"""The learning rate of one step, from its schedule's formula."""

from collections.abc import Callable
from dataclasses import replace

from chainrule.optimizers import (
    Adaptive,
    Constant,
    Cosine,
    ExponentialDecay,
    InverseScaling,
    OneCycle,
    Schedule,
    StepDecay,
    Warmup,
)
from chainrule.optimizers.schedules import FromFunction
from chainrule.working.formulas.document import Code, Inline, say
from chainrule.working.formulas.expressions import PI, Equal, Expression, Number, Symbol, call
from chainrule.working.formulas.rules import ALPHA, Line, Part
from chainrule.working.numbers.update import Progress

__all__ = ["rate_part"]

FIRST, LAST = Symbol("α", ("0",)), Symbol("α", ("T",))
DONE, LENGTH = Symbol("τ"), Symbol("T")
cos = call("cos")


def rate_part(schedule: Schedule, progress: Progress, rate: float) -> Part:
    """Return the derivation of a step's learning rate.

    Parameters
    ----------
    schedule : Schedule
    progress : Progress
        The progress of the training.
    rate : float
        The rate.

    Returns
    -------
    Part
    """
    name = Code(type(schedule).__name__)
    if isinstance(schedule, Warmup):
        return _warmup(schedule, progress, rate, name)
    if schedule.is_open and progress.schedule is not None and not progress.schedule.is_open:
        return rate_part(progress.schedule, progress, rate)
    if schedule.is_open:
        words = "The learning rate follows {}, whose length is that of a fit: {} is its first rate."
        return Part(say(words, name, ALPHA))
    return _formula(schedule, progress, rate, name)


def _formula(schedule: Schedule, progress: Progress, rate: float, name: Code) -> Part:
    makers: dict[type[Schedule], Callable[..., Part]] = {
        Adaptive: _adaptive,
        InverseScaling: _inverse,
        StepDecay: _falls,
        ExponentialDecay: _exponential,
        Cosine: _cosine,
        OneCycle: _cycle,
    }
    if type(schedule) in makers:
        return makers[type(schedule)](schedule, progress, rate, name)
    if isinstance(schedule, Constant):
        return Part(say("The learning rate is constant."))
    own = "your own function" if isinstance(schedule, FromFunction) else "your own schedule {}"
    words = f"The learning rate is what {own} returns for this step, after {{}} others."
    named = () if isinstance(schedule, FromFunction) else (name,)
    return Part(say(words, *named, Number(float(progress.steps))))


def _part(words: tuple[Inline, ...], symbols: Expression, numbers: Expression, rate: float) -> Part:
    return Part(words, (Line(ALPHA, symbols, numbers, rate, brief=False),))


def _steps(progress: Progress) -> Expression:
    return Equal(DONE, Number(float(progress.steps)))


def _adaptive(schedule: Adaptive, progress: Progress, rate: float, name: Code) -> Part:
    r, times = Symbol("r"), float(progress.reductions)
    words = say(
        "The learning rate follows {}: it starts from {} and is divided by 5 when the cost no "
        "longer falls, {} times so far.",
        name,
        Equal(FIRST, Number(schedule.initial)),
        Equal(r, Number(times)),
    )
    five = Number(5.0)
    return _part(words, FIRST / five**r, Number(schedule.initial) / five ** Number(times), rate)


def _inverse(schedule: InverseScaling, progress: Progress, rate: float, name: Code) -> Part:
    seen, p = Symbol("u"), Symbol("p")
    words = say(
        "The learning rate follows {}: it starts from {} and falls with the number of examples "
        "seen, {} so "
        "far, to the power {}.",
        name,
        Equal(FIRST, Number(schedule.initial)),
        Equal(seen, Number(float(progress.examples))),
        Equal(p, Number(schedule.power)),
    )
    below = (Number(float(progress.examples)) + 1) ** Number(schedule.power)
    return _part(words, FIRST / (seen + 1) ** p, Number(schedule.initial) / below, rate)


def _falls(schedule: StepDecay, progress: Progress, rate: float, name: Code) -> Part:
    assert schedule.every is not None
    f, r, times = Symbol("f"), Symbol("r"), float(progress.steps // schedule.every)
    words = say(
        "The learning rate follows {}: it starts from {} and is multiplied by {} after every {} "
        "steps. Of these {} are done, so it has fallen {} times.",
        name,
        Equal(FIRST, Number(schedule.initial)),
        Equal(f, Number(schedule.factor)),
        Number(float(schedule.every)),
        _steps(progress),
        Equal(r, Number(times)),
    )
    numbers = Number(schedule.initial) * Number(schedule.factor) ** Number(times)
    return _part(words, FIRST * f**r, numbers, rate)


def _exponential(schedule: ExponentialDecay, progress: Progress, rate: float, name: Code) -> Part:
    assert schedule.steps is not None
    f = Symbol("f")
    words = say(
        "The learning rate follows {}: it starts from {} and falls by the same factor in each "
        "step, to {} of "
        "it after {} steps. {} are done.",
        name,
        Equal(FIRST, Number(schedule.initial)),
        Equal(f, Number(schedule.factor)),
        Equal(LENGTH, Number(float(schedule.steps))),
        _steps(progress),
    )
    way = Number(float(progress.steps)) / Number(float(schedule.steps))
    numbers = Number(schedule.initial) * Number(schedule.factor) ** way
    return _part(words, FIRST * f ** (DONE / LENGTH), numbers, rate)


def _cosine(schedule: Cosine, progress: Progress, rate: float, name: Code) -> Part:
    assert schedule.steps is not None
    words = say(
        "The learning rate follows {}: along half a cosine from {} to {}, in {} steps.",
        name,
        Equal(FIRST, Number(schedule.initial)),
        Equal(LAST, Number(schedule.final)),
        Equal(LENGTH, Number(float(schedule.steps))),
    )
    if progress.steps >= schedule.steps:
        return _part((*words, *_over()), LAST, Number(schedule.final), rate)
    words = (*words, *say(" {} are done.", _steps(progress)))
    symbols = _down(LAST, FIRST, DONE / LENGTH)
    way = Number(float(progress.steps)) / Number(float(schedule.steps))
    return _part(words, symbols, _down(Number(schedule.final), Number(schedule.initial), way), rate)


def _over() -> tuple[Inline, ...]:
    return say(" These are done, and it stays there:")


def _down(low: Expression, high: Expression, way: Expression) -> Expression:
    """Return the way down from high to low, along half a cosine."""
    return low + (high - low) * (1 + cos(PI * way)) / 2


def _up(low: Expression, high: Expression, way: Expression) -> Expression:
    return low + (high - low) * (1 - cos(PI * way)) / 2


def _cycle(schedule: OneCycle, progress: Progress, rate: float, name: Code) -> Part:
    assert schedule.steps is not None
    highest, peak_at, last_step = Symbol("α", ("max",)), Symbol("τ", ("max",)), Symbol("τ", ("T",))
    top = max(schedule.pct_start * schedule.steps - 1, 0.0)
    end = float(schedule.steps - 1)
    first = schedule.peak / schedule.div_factor
    last = first / schedule.final_div_factor
    words = say(
        "The learning rate follows {}: along half a cosine up from {} to {} at step {}, and along "
        "another down to {} at step {}, steps counted from 0.",
        name,
        Equal(FIRST, Number(first)),
        Equal(highest, Number(schedule.peak)),
        Equal(peak_at, Number(top)),
        Equal(LAST, Number(last)),
        Equal(last_step, Number(end)),
    )
    t = float(progress.steps)
    if t > end:
        return _part((*words, *_over()), LAST, Number(last), rate)
    words = (*words, *say(" This is step {}.", _steps(progress)))
    at, low, high = Number(t), Number(first), Number(schedule.peak)
    if t <= top and top > 0:
        return _part(words, _up(FIRST, highest, DONE / peak_at), _up(low, high, at / top), rate)
    if t <= top:
        return _part(words, highest, high, rate)
    way = (DONE - peak_at) / (last_step - peak_at)
    of_way = (at - Number(top)) / (Number(end) - Number(top))
    return _part(words, _down(LAST, highest, way), _down(Number(last), high, of_way), rate)


def _warmup(schedule: Warmup, progress: Progress, rate: float, name: Code) -> Part:
    inner = schedule.after
    after = inner
    if progress.schedule is not None and isinstance(progress.schedule, Warmup):
        after = progress.schedule.after
    if progress.steps >= schedule.steps:
        rest = replace(progress, steps=progress.steps - schedule.steps, schedule=None)
        part = rate_part(after, rest, rate)
        steps = f"{schedule.steps} step{'' if schedule.steps == 1 else 's'}"
        before = say(f"{{}} has raised the rate, in {steps} that are no longer counted. ", name)
        return Part((*before, *part.words), part.lines)
    goal, length = after.rate(0, progress.reductions), float(schedule.steps)
    words = say(
        "The learning rate rises linearly to {}, the first rate of the schedule that follows {}, "
        "in {} "
        "steps. {} are done.",
        Equal(FIRST, Number(goal)),
        name,
        Equal(LENGTH, Number(length)),
        _steps(progress),
    )
    t = Number(float(progress.steps))
    numbers = Number(goal) * (t + 1) / (Number(length) + 1)
    return _part(words, FIRST * (DONE + 1) / (LENGTH + 1), numbers, rate)
