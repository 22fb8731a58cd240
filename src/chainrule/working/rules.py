"""The optimizers' update rules as formulas, in one small table.

Each rule says, step by step, what it makes of a parameter theta and its derivative g. A rule that
is not in the table is explained by what it does: by how much it moves each parameter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from chainrule.optimizers import SGD, Adam, Optimizer
from chainrule.working.document import Inline, say
from chainrule.working.expressions import Expression, Number, Sqrt, Symbol

__all__ = ["Rule", "Step", "rule_of"]

Terms: TypeAlias = Mapping[str, Expression]
"""What a step's formula may use: "theta", "g", and the names of the steps before."""


@final
@dataclass(frozen=True)
class Step:
    """One line of a rule.

    Attributes
    ----------
    name : str
        What it makes: "theta" in the last step.
    letter : str
        What that is called.
    state : str
        The optimizer's array that holds it from step to step; empty for what is made anew.
    symbols, numbers : callable
        The formula, of the terms: with the settings as letters, and as numbers.
    """

    name: str
    letter: str
    state: str
    symbols: Callable[[Terms], Expression]
    numbers: Callable[[Terms], Expression]
    hat: bool = False


@final
@dataclass(frozen=True)
class Rule:
    """An update rule as formulas.

    Attributes
    ----------
    name : str
        What it is called in a sentence.
    settings : tuple of (letter, value)
    steps : tuple of Step
        Empty for a rule that is not in the table.
    remark : tuple of inlines
    """

    name: str
    settings: tuple[tuple[Symbol, float], ...]
    steps: tuple[Step, ...]
    remark: tuple[Inline, ...] = ()


ALPHA, MU, EPSILON = Symbol("α"), Symbol("μ"), Symbol("ε")
BETA_1, BETA_2, T = Symbol("β", ("1",)), Symbol("β", ("2",)), Symbol("t")


def rule_of(optimizer: Optimizer, rate: float, t: int) -> Rule:
    """Return an optimizer's rule for its step number t."""
    if type(optimizer) is SGD:
        return _momentum(optimizer, rate) if optimizer.momentum else _descent(rate)
    if type(optimizer) is Adam:
        return _adam(optimizer, rate, t)
    return Rule(
        type(optimizer).__name__,
        ((ALPHA, rate),),
        (),
        say(
            f"The rule of `{type(optimizer).__name__}` is not written out here; what it does to "
            "each parameter is."
        ),
    )


def _step(
    name: str,
    letter: str,
    formula: Callable[..., Expression],
    settings: Mapping[str, tuple[Expression, float]],
    state: str = "",
    hat: bool = False,
) -> Step:
    """Return a step whose formula is written once, for letters and for numbers."""
    letters = {key: symbol for key, (symbol, _) in settings.items()}
    values = {key: Number(value) for key, (_, value) in settings.items()}
    return Step(
        name,
        letter,
        state,
        lambda terms: formula(**terms, **letters),
        lambda terms: formula(**terms, **values),
        hat,
    )


def _descent(rate: float) -> Rule:
    settings: Any = {"alpha": (ALPHA, rate)}
    step = _step("theta", "w", lambda theta, g, alpha: theta - alpha * g, settings)
    return Rule(
        "gradient descent",
        ((ALPHA, rate),),
        (step,),
        say("A step against the gradient, as long as the learning rate {} says.", ALPHA),
    )


def _momentum(optimizer: SGD, rate: float) -> Rule:
    mu = optimizer.momentum
    settings: Any = {"alpha": (ALPHA, rate), "mu": (MU, mu)}
    velocity = _step(
        "v", "v", lambda theta, g, v, alpha, mu: mu * v + g, settings, state="velocity"
    )
    if optimizer.nesterov:
        move = _step(
            "theta", "w", lambda theta, g, v, alpha, mu: theta - alpha * (g + mu * v), settings
        )
        remark = say(
            "The gradients add up in a velocity {}, of which each step keeps the part {}. "
            "Nesterov's rule looks ahead: it moves by the gradient and by what is kept of the "
            "velocity that already has it.",
            Symbol("v"),
            MU,
        )
    else:
        move = _step("theta", "w", lambda theta, g, v, alpha, mu: theta - alpha * v, settings)
        remark = say(
            "The gradients add up in a velocity {}, of which each step keeps the part {}: where "
            "they agree, steps grow longer; where they alternate, they cancel.",
            Symbol("v"),
            MU,
        )
    kind = "Nesterov's momentum" if optimizer.nesterov else "momentum"
    return Rule(
        f"gradient descent with {kind}", ((ALPHA, rate), (MU, mu)), (velocity, move), remark
    )


def _adam(optimizer: Adam, rate: float, t: int) -> Rule:
    settings: Any = {
        "alpha": (ALPHA, rate),
        "beta_1": (BETA_1, optimizer.beta_1),
        "beta_2": (BETA_2, optimizer.beta_2),
        "epsilon": (EPSILON, optimizer.epsilon),
        "t": (T, float(t)),
    }

    def mean(*, g: Expression, m: Expression, beta_1: Expression, **_: Expression) -> Expression:
        return beta_1 * m + (1 - beta_1) * g

    def square(*, g: Expression, v: Expression, beta_2: Expression, **_: Expression) -> Expression:
        return beta_2 * v + (1 - beta_2) * g**2

    def hat_m(*, m: Expression, beta_1: Expression, t: Expression, **_: Expression) -> Expression:
        return m / (1 - beta_1**t)

    def hat_v(*, v: Expression, beta_2: Expression, t: Expression, **_: Expression) -> Expression:
        return v / (1 - beta_2**t)

    def move(
        *,
        theta: Expression,
        alpha: Expression,
        m_hat: Expression,
        v_hat: Expression,
        epsilon: Expression,
        **_: Expression,
    ) -> Expression:
        return theta - alpha * m_hat / (Sqrt(v_hat) + epsilon)

    return Rule(
        "Adam",
        tuple((symbol, value) for symbol, value in settings.values()),
        (
            _step("m", "m", mean, settings, state="mean"),
            _step("v", "v", square, settings, state="square"),
            _step("m_hat", "m", hat_m, settings, hat=True),
            _step("v_hat", "v", hat_v, settings, hat=True),
            _step("theta", "w", move, settings),
        ),
        say(
            "{} is the running mean of the gradient (not an example here) and {} that of its "
            "square; both start from 0, which dividing by {} and {} makes up for at step {}. Each "
            "parameter's step is scaled by its gradient's own size.",
            Symbol("m"),
            Symbol("v"),
            1 - BETA_1**T,
            1 - BETA_2**T,
            T,
        ),
    )
