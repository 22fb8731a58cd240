// The elementwise functions of the core, on vectors: exp, expm1, log, log1p, tanh, logistic,
// softplus, erf, normal_cdf.
//
// Each is branch-free and uses only exact IEEE operations, fma and whole numbers, so that a lane's
// bits depend on that lane alone, not on the vector's width or the compiler. (Of a NaN only that it
// is one is kept.) Subnormal arguments and results are right, unless the CPU's mode flushes them to
// 0. tests/test_math.cpp measures the errors, in units of the last place of the result.
#pragma once

#include "erf.hpp"
#include "exp.hpp"
#include "log.hpp"
