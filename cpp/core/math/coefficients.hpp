// Polynomials of math*.hpp, lowest power first. Written by tools/fit_polynomials.py, which
// says what each one approximates; change them there. The remark gives the largest error left,
// in units of the working precision (2^-24, 2^-53), before any rounding of the evaluation.
#pragma once

#include "simd.hpp"

namespace chainrule::CHAINRULE_ISA {

template <class T> struct Coefficients;

template <> struct Coefficients<float> {
  // 0.29
  static constexpr float kExp[] = {0.49999997f, 0.16666543f, 0.0416672f, 0.008366532f,
                                   0.0013882535f};
  // 0.015
  static constexpr float kLog[] = {0.66666776f, 0.3997752f, 0.29872307f};
  // 0.048
  static constexpr float kErf[] = {0.12837917f, -0.37612608f, 0.112828225f, -0.026757186f,
                                   0.004717995f};
  // 0.47
  static constexpr float kNormalTail[] = {
      0.76919305f,  -0.6653825f,  0.4953064f,    -0.31353396f,   0.16500673f,
      -0.06911594f, 0.020876575f, -0.002961384f, -0.0009715083f, 0.00040501964f};
  static constexpr float kNormalTailMiddle = 5.0f;
  static constexpr float kNormalTailEnd = 14.5f;
};

template <> struct Coefficients<double> {
  // 0.3
  static constexpr double kExp[] = {
      0.5000000000000006,     0.16666666666666588,    0.04166666666657663,  0.008333333333389602,
      0.001388888893160885,   0.00019841269718963892, 2.48015052173014e-05, 2.7557407511427846e-06,
      2.7626061593649214e-07, 2.505380902027694e-08};
  // 0.018
  static constexpr double kLog[] = {0.6666666666666735, 0.3999999999941315,  0.2857142874276129,
                                    0.2222219853160558, 0.18183566644950727, 0.1531398739471661,
                                    0.14796618230831182};
  // 0.12
  static constexpr double kErf[] = {
      0.12837916709551256,    -0.37612638903183465,    0.11283791670924812,
      -0.026866170632715635,  0.005223977370325436,    -0.0008548297524401174,
      0.00012053324316760185, -1.4845583866506153e-05, 1.4723217031323785e-06};
  // 0.32
  static constexpr double kNormalTail[] = {
      0.7737696342764068,     -0.6851834205743381,     0.5355964890624947,
      -0.3670490652936198,    0.21787243285795865,     -0.10970308995871818,
      0.04509758081490952,    -0.013923510565679633,   0.0024429826743550026,
      0.0002696040008759317,  -0.0003245226508544916,  7.141485101782048e-05,
      1.6319979496508754e-05, -1.2118899342865744e-05, 4.4635260122296563e-07,
      1.4838655753073218e-06, -2.677754466215647e-07,  -1.7759529282242058e-07,
      5.02511361272453e-08,   2.2939745102375592e-08,  -5.6528331813239815e-09,
      -2.57999856110204e-09};
  static constexpr double kNormalTailMiddle = 5.5;
  static constexpr double kNormalTailEnd = 39.0;
};

}  // namespace chainrule::CHAINRULE_ISA
