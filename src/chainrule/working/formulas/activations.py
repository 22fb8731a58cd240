"""The hidden activations as formulas: g(z), g', and the lines that lead from one to the other.

Each formula is a function of expressions, so it is written once for symbols and for numbers. Where
a function has cases, the numbers take the case that holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from chainrule.maths.activations import (
    ACTIVATIONS,
    LEAK,
    SELU_ALPHA,
    SELU_SCALE,
    Activation,
)
from chainrule.working.formulas.document import Inline, say
from chainrule.working.formulas.expressions import (
    Call,
    Cases,
    Expression,
    Indicator,
    Like,
    Number,
    Symbol,
    as_expression,
    call,
    exp,
)

__all__ = ["Form", "form_of", "holding"]

Z, A = Symbol("z"), Symbol("a")
tanh, log, phi_sum, phi = call("tanh"), call("log"), call("Φ"), call("φ")


@final
@dataclass(frozen=True)
class Form:
    """An activation as formulas.

    Attributes
    ----------
    name : str
        The activation's name.
    symbolic : Expression
        g(z), of the symbol z.
    value : callable
        Returns g(z) of a number as an expression of numbers.
    derivation : tuple of Expression
        g'(z), step by step.
    slope : callable
        Returns g' of the numbers z and a as an expression of numbers.
    remark : tuple of inlines
        Its source and its properties.
    known : bool
        Whether the formula is written here; if not, the numbers are the function's own.
    """

    name: str
    symbolic: Expression
    value: Callable[[Number], Expression]
    derivation: tuple[Expression, ...]
    slope: Callable[[Number, Number], Expression]
    remark: tuple[Inline, ...]
    known: bool = True


def holding(formula: Expression, z: float) -> Expression:
    """Return the case of a formula that holds for a value of z."""
    if isinstance(formula, Cases):
        (above, _), (below, _) = formula.cases  # z > 0, z <= 0
        return above if z > 0 else below
    return formula


def logistic(z: Like) -> Expression:
    """1 / (1 + e^-z)."""
    return 1 / (1 + exp(-as_expression(z)))


def _max(z: Like) -> Expression:
    return Call("max", (Number(0.0), as_expression(z)))


def _softplus(z: Like) -> Expression:
    return log(1 + exp(z))


def _selu_low(z: Like) -> Expression:
    return Number(SELU_SCALE) * Number(SELU_ALPHA) * (exp(z) - 1)


def _selu_low_prime(z: Like) -> Expression:
    return Number(SELU_SCALE) * Number(SELU_ALPHA) * exp(z)


def _positive(z: Like) -> Expression:
    return Indicator(as_expression(z), ">", Number(0.0))


def _cases(above: Expression, below: Expression) -> Expression:
    return Cases(((above, "if z > 0"), (below, "if z ≤ 0")))


def _silu_prime(z: Like) -> Expression:
    return logistic(z) * (1 + as_expression(z) * (1 - logistic(z)))


def _mish_prime(z: Like) -> Expression:
    t = tanh(_softplus(z))
    return t + as_expression(z) * (1 - t**2) * logistic(z)


_SCALE, _ALPHA = Number(SELU_SCALE, 5), Number(SELU_ALPHA, 5)

_FORMS = (
    Form(
        "identity",
        Z,
        lambda z: z,
        (Number(1.0),),
        lambda z, a: Number(1.0),
        say("Layers with the identity compose to one linear layer, so they gain nothing."),
    ),
    Form(
        "logistic",
        logistic(Z),
        logistic,
        (
            exp(-Z) / (1 + exp(-Z)) ** 2,
            (1 + exp(-Z) - 1) / (1 + exp(-Z)) ** 2,
            1 / (1 + exp(-Z)) - (1 / (1 + exp(-Z))) ** 2,
            A * (1 - A),
        ),
        lambda z, a: a * (1 - a),
        say("Notes 7.2 and A.1, blog images 9 and 31. {} comes from the forward pass.", A),
    ),
    Form(
        "tanh",
        tanh(Z),
        tanh,
        (
            (call("cosh")(Z) ** 2 - call("sinh")(Z) ** 2) / call("cosh")(Z) ** 2,
            1 - tanh(Z) ** 2,
            1 - A**2,
        ),
        lambda z, a: 1 - a**2,
        say("Notes 7.3 and A.2: the quotient rule for {}.", call("sinh")(Z) / call("cosh")(Z)),
    ),
    Form(
        "relu",
        _max(Z),
        _max,
        (_positive(Z), _positive(A)),
        lambda z, a: _positive(a),
        say("Notes 7.4, the rectifier. It has a kink at 0, where the slope is set to 0."),
    ),
    Form(
        "step",
        Indicator(Z, "≥", Number(0.0)),
        lambda z: Indicator(z, "≥", Number(0.0)),
        (Number(0.0),),
        lambda z, a: Number(0.0),
        say("Notes 7.1, the perceptron's activation: a node fires, or it does not."),
    ),
    Form(
        "leaky_relu",
        _cases(Z, Number(LEAK) * Z),
        lambda z: z if z.value > 0 else Number(LEAK) * z,
        (_cases(Number(1.0), Number(LEAK)),),
        lambda z, a: Number(1.0 if z.value > 0 else LEAK),
        say("A rectifier that leaks, so that no node is ever dead."),
    ),
    Form(
        "elu",
        _cases(Z, exp(Z) - 1),
        lambda z: z if z.value > 0 else exp(z) - 1,
        (_cases(Number(1.0), exp(Z)),),
        lambda z, a: Number(1.0) if z.value > 0 else exp(z),
        say("The exponential linear unit."),
    ),
    Form(
        "selu",
        _cases(_SCALE * Z, _SCALE * _ALPHA * (exp(Z) - 1)),
        lambda z: Number(SELU_SCALE) * z if z.value > 0 else _selu_low(z),
        (_cases(_SCALE, _SCALE * _ALPHA * exp(Z)),),
        lambda z, a: Number(SELU_SCALE) if z.value > 0 else _selu_low_prime(z),
        say(
            "Its two constants, rounded here, keep the mean of the activations at 0 and their "
            "variance at 1 (Klambauer et al. 2017)."
        ),
    ),
    Form(
        "softplus",
        _softplus(Z),
        _softplus,
        (exp(Z) / (1 + exp(Z)), logistic(Z)),
        lambda z, a: logistic(z),
        say("The smooth rectifier; its slope is the logistic function."),
    ),
    Form(
        "silu",
        Z * logistic(Z),
        lambda z: z * logistic(z),
        (
            Symbol("s") + Z * Symbol("s") * (1 - Symbol("s")),
            Symbol("s") * (1 + Z * (1 - Symbol("s"))),
        ),
        lambda z, a: _silu_prime(z),
        say(
            "By the product rule, where {} is the logistic function of {}, whose slope is {}.",
            Symbol("s"),
            Z,
            Symbol("s") * (1 - Symbol("s")),
        ),
    ),
    Form(
        "gelu",
        Z * phi_sum(Z),
        lambda z: z * phi_sum(z),
        (phi_sum(Z) + Z * phi(Z),),
        lambda z, a: phi_sum(z) + z * phi(z),
        say(
            "By the product rule, where {} is the standard normal distribution function and {} "
            "its density.",
            phi_sum(Z),
            phi(Z),
        ),
    ),
    Form(
        "mish",
        Z * tanh(_softplus(Z)),
        lambda z: z * tanh(_softplus(z)),
        (Symbol("t") + Z * (1 - Symbol("t") ** 2) * logistic(Z),),
        lambda z, a: _mish_prime(z),
        say("By the product rule, where {} is {}.", Symbol("t"), tanh(_softplus(Z))),
    ),
)

_BY_NAME = {form.name: form for form in _FORMS}


def form_of(activation: Activation) -> Form:
    """Return an activation's formulas; for a user's own, calls of its functions."""
    built_in = ACTIVATIONS.get(activation.name) is activation
    if built_in and activation.name in _BY_NAME:
        return _BY_NAME[activation.name]
    name = activation.name
    taken = Z if activation.takes == "z" else A

    def slope(z: Number, a: Number) -> Expression:
        return Call(name, (z if activation.takes == "z" else a,), prime=True)

    return Form(
        name,
        Call(name, (Z,)),
        lambda z: Call(name, (z,)),
        (Call(name, (taken,), prime=True),),
        slope,
        say(
            "{} and {} are your own functions; the page shows the values that they return.",
            Call(name, (Z,)),
            Call(name, (taken,), prime=True),
        ),
        known=False,
    )
