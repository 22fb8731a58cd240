"""The inverse of the normal distribution function, with the same bits on every machine.

The logarithm of a machine's mathematical library may differ from another's in the last place. Here
everything uses only +, -, *, / and the square root, which IEEE 754 rounds in one way only.
"""

import math

import numpy as np

from chainrule.maths.arrays import Float

__all__ = ["inverse_normal"]

# Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics
# 37 (1988), PPND16: numerators and denominators, the highest power first.
_CENTER = (
    (
        2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
        13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.3871328727963666080,
    ),
    (
        5226.4952788528545610, 28729.085735721942674, 39307.895800092710610, 21213.794301586595867,
        5394.1960214247511077, 687.18700749205790830, 42.313330701600911252, 1.0,
    ),
)  # fmt: skip
_TAIL = (
    (
        7.74545014278341407640e-4, 0.0227238449892691845833, 0.241780725177450611770,
        1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
        4.63033784615654529590, 1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9, 5.47593808499534494600e-4, 0.0151986665636164571966,
        0.148103976427480074590, 0.689767334985100004550, 1.67638483018380384940,
        2.05319162663775882187, 1.0,
    ),
)  # fmt: skip
_FAR_TAIL = (
    (
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
        0.0265321895265761230930, 0.296560571828504891230, 1.78482653991729133580,
        5.46378491116411436990, 6.65790464350110377720,
    ),
    (
        2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
        7.86869131145613259100e-4, 0.0148753612908506148525, 0.136929880922735805310,
        0.599832206555887937690, 1.0,
    ),
)  # fmt: skip

_LN_2 = 0.6931471805599453094
_ARTANH = [1 / k for k in range(25, 0, -2)]  # v^12/25 + ... + v/3 + 1


def inverse_normal(p: Float) -> Float:
    """Return the x below which a standard normal number lies with probability p.

    Parameters
    ----------
    p : float64 array of shape (n,)
        Greater than 0 and less than 1.

    Returns
    -------
    float64 array of shape (n,)
        At most 6 units in the last place from the exact value.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.maths.normal import inverse_normal
    >>> inverse_normal(np.array([0.5, 0.975]))
    array([0.        , 1.95996398])
    """
    q = p - 0.5
    x = q * _ratio(0.180625 - q * q, _CENTER)
    outside = np.abs(q) > 0.425
    p, q = p[outside], q[outside]
    r = np.sqrt(-_log(np.minimum(p, 1 - p)))
    far = r > 5
    tail = _ratio(r - 1.6, _TAIL)
    tail[far] = _ratio(r[far] - 5, _FAR_TAIL)
    x[outside] = np.copysign(tail, q)
    return x


def _log(p: Float) -> Float:
    """Return log p of normal numbers that are not near 1."""
    m, exponent = np.frexp(p)
    below = m < math.sqrt(0.5)
    m = np.where(below, 2 * m, m)  # from sqrt(1/2) to sqrt(2)
    s = (m - 1) / (m + 1)
    return (exponent - below) * _LN_2 + 2 * s * _polynomial(s * s, _ARTANH)  # log m = 2 artanh s


def _ratio(x: Float, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Float:
    numerator, denominator = coefficients
    return _polynomial(x, numerator) / _polynomial(x, denominator)


def _polynomial(x: Float, coefficients: "tuple[float, ...] | list[float]") -> Float:
    """Return the polynomial's values (Horner)."""
    value = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        value *= x
        value += c
    return value
