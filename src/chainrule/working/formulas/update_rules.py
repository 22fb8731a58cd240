"""The table of update rules: each optimizer's step as formulas (notes 10, and the papers)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chainrule.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, Optimizer, RMSprop, Rprop
from chainrule.working.formulas.document import say
from chainrule.working.formulas.expressions import Cases, Expression, Number, Sqrt, Symbol, call
from chainrule.working.formulas.rules import ALPHA, Line, Part, Rule, Settings, Step, make_step

__all__ = ["rule_of"]

MU, EPSILON, DECAY, RHO = Symbol("μ"), Symbol("ε"), Symbol("d"), Symbol("ρ")
BETA_1, BETA_2, T = Symbol("β", ("1",)), Symbol("β", ("2",)), Symbol("t")
M, V = Symbol("m"), Symbol("v")


def rule_of(optimizer: Optimizer, rate: float, t: int, remembered: Mapping[str, float]) -> Rule:
    """Return an optimizer's rule for one step.

    Parameters
    ----------
    optimizer : Optimizer
    rate : float
        The learning rate of the step.
    t : int
        Its number, 1 for the first.
    remembered : mapping of str to float
        The optimizer's state for all parameters together, before the step.

    Returns
    -------
    Rule
    """
    makers: dict[type[Optimizer], Callable[..., Rule]] = {
        SGD: _descent,
        Adam: _adam,
        AdamW: _adamw,
        Nadam: partial(_nadam, product=remembered.get("momentum_product", 1.0)),
        RMSprop: _rmsprop,
        Adagrad: _adagrad,
        Rprop: _rprop,
    }
    if type(optimizer) in makers:
        return makers[type(optimizer)](optimizer, rate, t)
    return Rule(
        type(optimizer).__name__,
        ((ALPHA, rate),),
        (),
        say(
            f"The rule of `{type(optimizer).__name__}` is not written out here; what it does to "
            "each parameter is."
        ),
    )


def _listed(settings: Settings) -> tuple[tuple[Symbol, float], ...]:
    return tuple(settings.values())


# --- gradient descent -----------------------------------------------------------------------------


def _descent(optimizer: SGD, rate: float, t: int) -> Rule:
    if optimizer.momentum:
        return _momentum(optimizer, rate)
    settings: Settings = {"alpha": (ALPHA, rate)}
    return Rule(
        "gradient descent",
        _listed(settings),
        (make_step("theta", "w", lambda theta, g, alpha: theta - alpha * g, settings),),
        say("A step against the gradient, whose length is set by the learning rate {}.", ALPHA),
        tag="notes 10.1",
        linear=True,
    )


def _momentum(optimizer: SGD, rate: float) -> Rule:
    settings: Settings = {"alpha": (ALPHA, rate), "mu": (MU, optimizer.momentum)}
    velocity = make_step(
        "v", "v", lambda theta, g, v, alpha, mu: mu * v + g, settings, state="velocity"
    )
    if optimizer.nesterov:
        move = make_step(
            "theta", "w", lambda theta, g, v, alpha, mu: theta - alpha * (g + mu * v), settings
        )
        words = say(
            "The gradients add up in a velocity {}, of which each step keeps the fraction {}. "
            "Nesterov's rule looks ahead: it moves by the gradient and by the kept part of the "
            "velocity that already includes it.",
            V,
            MU,
        )
    else:
        move = make_step("theta", "w", lambda theta, g, v, alpha, mu: theta - alpha * v, settings)
        words = say(
            "The gradients add up in a velocity {}, of which each step keeps the fraction {}: "
            "where "
            "they agree, steps grow longer; where they alternate, they cancel.",
            V,
            MU,
        )
    kind = "Nesterov's momentum" if optimizer.nesterov else "momentum"
    return Rule(
        f"gradient descent with {kind}",
        _listed(settings),
        (velocity, move),
        words,
        tag="notes 10.4",
        linear=True,
    )


# --- rules that scale each parameter's step -------------------------------------------------------


def _mean(*, g: Expression, m: Expression, beta_1: Expression, **_: Expression) -> Expression:
    return beta_1 * m + (1 - beta_1) * g


def _square(*, g: Expression, v: Expression, beta_2: Expression, **_: Expression) -> Expression:
    return beta_2 * v + (1 - beta_2) * g**2


def _hat_m(*, m: Expression, beta_1: Expression, t: Expression, **_: Expression) -> Expression:
    return m / (1 - beta_1**t)


def _hat_v(*, v: Expression, beta_2: Expression, t: Expression, **_: Expression) -> Expression:
    return v / (1 - beta_2**t)


def _scaled_move(
    *,
    theta: Expression,
    alpha: Expression,
    m_hat: Expression,
    v_hat: Expression,
    epsilon: Expression,
    **_: Expression,
) -> Expression:
    return theta - alpha * m_hat / (Sqrt(v_hat) + epsilon)


def _moments(optimizer: Adam | AdamW | Nadam, rate: float, t: int) -> Settings:
    return {
        "alpha": (ALPHA, rate),
        "beta_1": (BETA_1, optimizer.beta_1),
        "beta_2": (BETA_2, optimizer.beta_2),
        "epsilon": (EPSILON, optimizer.epsilon),
        "t": (T, float(t)),
    }


def _means(settings: Settings) -> tuple[Step, ...]:
    return (
        make_step("m", "m", _mean, settings, state="mean"),
        make_step("v", "v", _square, settings, state="square"),
        make_step("m_hat", "m", _hat_m, settings, mark="hat"),
        make_step("v_hat", "v", _hat_v, settings, mark="hat"),
    )


_ADAM_WORDS = say(
    "{} is the running mean of the gradient (not an example here) and {} that of its square; both "
    "start from 0, which the division by {} and {} corrects at step {}. Each parameter's step is "
    "scaled by its gradient's own size.",
    M,
    V,
    1 - BETA_1**T,
    1 - BETA_2**T,
    T,
)


def _adam(optimizer: Adam, rate: float, t: int) -> Rule:
    settings = _moments(optimizer, rate, t)
    move = make_step("theta", "w", _scaled_move, settings)
    return Rule("Adam", _listed(settings), (*_means(settings), move), _ADAM_WORDS)


def _adamw(optimizer: AdamW, rate: float, t: int) -> Rule:
    settings = {**_moments(optimizer, rate, t), "decay": (DECAY, optimizer.weight_decay)}

    def move(
        *, theta: Expression, alpha: Expression, decay: Expression, **others: Expression
    ) -> Expression:
        return _scaled_move(theta=(1 - alpha * decay) * theta, alpha=alpha, **others)

    means = _means(settings)
    words = say(
        " In addition, each weight shrinks by the fraction {} of itself, which is not part of the "
        "cost {} and of its gradient, and so is not scaled (decoupled weight decay).",
        ALPHA * DECAY,
        Symbol("J"),
    )
    return Rule(
        "AdamW",
        _listed(settings),
        (*means, make_step("theta", "w", move, settings)),
        (*_ADAM_WORDS, *words),
        of_biases=(*means, make_step("theta", "w", _scaled_move, settings)),
        biases="without the decay",
    )


def _nadam(optimizer: Nadam, rate: float, t: int, *, product: float) -> Rule:
    mu_t, mu_next = Symbol("μ", ("t",)), Symbol("μ", ("t+1",))
    before, after = Symbol("P", ("t-1",)), Symbol("P", ("t",))
    psi = Symbol("ψ")
    settings = _moments(optimizer, rate, t)

    def momentum(beta_1: Expression, step: Expression, decay: Expression) -> Expression:
        return beta_1 * (1 - Number(0.96) ** (step * decay) / 2)

    beta_1, decay = Number(optimizer.beta_1), Number(optimizer.momentum_decay)
    mus = [
        optimizer.beta_1 * (1 - 0.5 * 0.96 ** (step * optimizer.momentum_decay))
        for step in (t, t + 1)
    ]
    total = product * mus[0]
    lines = (
        Line(mu_t, momentum(BETA_1, T, psi), momentum(beta_1, Number(float(t)), decay), mus[0]),
        Line(
            mu_next,
            momentum(BETA_1, T + 1, psi),
            momentum(beta_1, Number(float(t + 1)), decay),
            mus[1],
        ),
        Line(after, before * mu_t, Number(product) * Number(mus[0]), total),
    )
    once: Settings = {
        **settings,
        "mu": (mu_t, mus[0]),
        "mu_next": (mu_next, mus[1]),
        "product": (after, total),
    }

    def ahead(
        *,
        g: Expression,
        m: Expression,
        mu: Expression,
        mu_next: Expression,
        product: Expression,
        **_: Expression,
    ) -> Expression:
        return mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)

    mean, square, _, hat_v = _means(settings)
    return Rule(
        "Nadam",
        (*_listed(settings), (psi, optimizer.momentum_decay)),
        (
            mean,
            square,
            make_step("m_hat", "m", ahead, once, mark="hat"),
            hat_v,
            make_step("theta", "w", _scaled_move, settings),
        ),
        say(
            "Adam that looks ahead, as Nesterov's rule does: {} and {} are the running means of "
            "the gradient and of its square, and the step combines the gradient itself and "
            "the mean that already includes it, weighted by the momenta of this step and "
            "of the next, which grow slowly to {}.",
            M,
            V,
            BETA_1,
        ),
        (
            Part(
                say(
                    "The momenta of this step and the next, and {}, the product of all momenta up "
                    "to this step, are the same for every parameter:",
                    after,
                ),
                lines,
            ),
        ),
    )


def _rmsprop(optimizer: RMSprop, rate: float, t: int) -> Rule:
    settings: Settings = {
        "alpha": (ALPHA, rate),
        "rho": (RHO, optimizer.rho),
        "epsilon": (EPSILON, optimizer.epsilon),
    }

    def square(*, g: Expression, v: Expression, rho: Expression, **_: Expression) -> Expression:
        return rho * v + (1 - rho) * g**2

    return Rule(
        "RMSprop",
        _listed(settings),
        (
            make_step("v", "v", square, settings, state="square"),
            make_step("theta", "w", _move_by_root("v"), settings),
        ),
        say(
            "{} is the running mean of the gradient's square: each parameter's step is scaled by "
            "its gradient's own size.",
            V,
        ),
    )


def _adagrad(optimizer: Adagrad, rate: float, t: int) -> Rule:
    settings: Settings = {"alpha": (ALPHA, rate), "epsilon": (EPSILON, optimizer.epsilon)}

    def total(*, g: Expression, s: Expression, **_: Expression) -> Expression:
        return s + g**2

    return Rule(
        "Adagrad",
        _listed(settings),
        (
            make_step("s", "s", total, settings, state="sum"),
            make_step("theta", "w", _move_by_root("s"), settings),
        ),
        say(
            "{} adds up the gradient's squares over all steps, so that each parameter's rate falls "
            "with its past gradients; one that is rarely used keeps long steps.",
            Symbol("s"),
        ),
    )


def _move_by_root(under: str) -> Callable[..., Expression]:
    def move(
        *,
        theta: Expression,
        g: Expression,
        alpha: Expression,
        epsilon: Expression,
        **others: Expression,
    ) -> Expression:
        return theta - alpha * g / (Sqrt(others[under]) + epsilon)

    return move


# --- Rprop ----------------------------------------------------------------------------------------


def _rprop(optimizer: Rprop, rate: float, t: int) -> Rule:
    eta_minus, eta_plus = Symbol("η", ("-",)), Symbol("η", ("+",))
    least, most = Symbol("s", ("min",)), Symbol("s", ("max",))
    settings: Settings = {
        "eta_minus": (eta_minus, optimizer.eta_minus),
        "eta_plus": (eta_plus, optimizer.eta_plus),
        "least": (least, optimizer.min_step),
        "most": (most, optimizer.max_step),
    }

    def factor_in_letters(terms: Mapping[str, Expression]) -> Expression:
        return Cases(
            (
                (eta_plus, "where the sign is that of the step before"),
                (eta_minus, "where it has changed"),
                (Number(1.0), "where either is 0"),
            )
        )

    def factor(terms: Mapping[str, Any]) -> Expression:
        agree = terms["g"].value * terms["p"].value
        return Number(optimizer.eta_plus if agree > 0 else optimizer.eta_minus if agree else 1.0)

    def kept_in_letters(terms: Mapping[str, Expression]) -> Expression:
        return Cases(
            ((Number(0.0), "where the sign has changed"), (terms["g"], "where it has not"))
        )

    def kept(terms: Mapping[str, Any]) -> Expression:
        return Number(0.0) if terms["f"].value == optimizer.eta_minus else terms["g"]

    def size(
        *, s: Expression, f: Expression, least: Expression, most: Expression, **_: Expression
    ) -> Expression:
        return call("clip")(f * s, least, most)

    def move(*, theta: Expression, p: Expression, s: Expression, **_: Expression) -> Expression:
        return theta - call("sign")(p) * s

    return Rule(
        "Rprop",
        _listed(settings),
        (
            Step("f", "f", factor_in_letters, factor, tabled=True),
            make_step("s", "s", size, settings, state="step_size"),
            Step("p", "p", kept_in_letters, kept, state="previous"),
            make_step("theta", "w", move, settings),
        ),
        say(
            "Only the sign of the gradient counts. Each parameter has its own step size {}, "
            "which grows while the sign stays, and shrinks where it has changed since the step "
            "before, whose gradient is {}: there a minimum was passed, the parameter does not "
            "move, and "
            "the gradient is set to 0. Signs of single batches change by chance, so the rule is "
            "meant for all examples at once, which these examples stand for here.",
            Symbol("s"),
            Symbol("p"),
        ),
    )
