// The Python module around the core, one for each instruction set. No arithmetic here.

#include "core/elementwise.hpp"
#include "core/finite.hpp"
#include "core/trainer.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <thread>

namespace nb = nanobind;
namespace core = chainrule::CHAINRULE_ISA;
using namespace nb::literals;

namespace {

template <class T> using Array = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using MaybeArray = std::optional<Array<T>>;

// Arguments that are taken as they are or refused: what is written into a converted copy is lost, and
// a copy of the rows is what nobody asked for.
auto array(const char* name) { return nb::arg(name).noconvert(); }
auto array_or_none(const char* name) { return nb::arg(name).none().noconvert(); }

template <class T> T* data_or_null(const MaybeArray<T>& array) {
  return array ? array->data() : nullptr;
}

// The engine checks what it passes; this keeps a mistake there from becoming a stray write.
void require(bool fits) {
  if (!fits) throw nb::value_error("shapes that do not fit the network");
}

core::Architecture architecture(const std::vector<std::ptrdiff_t>& sizes,
                                const std::vector<int>& activations, int loss,
                                const std::vector<double>& numbers) {
  core::Architecture net{sizes, {}, {static_cast<core::Loss>(loss), numbers}};
  require(net.loss.fits(sizes.back()));
  for (const int g : activations) net.activations.push_back(static_cast<core::Activation>(g));
  return net;
}

// A rule's settings come in the order of core::OptimizerSettings, 0 where it has none.
core::OptimizerSettings rule_of(int kind, const std::vector<double>& s) {
  require(s.size() == 11);
  return {static_cast<core::Optimizer>(kind), s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8],
          s[9], s[10]};
}

// Lets go of the GIL for a while. A daemon thread that wants it back when the interpreter has ended
// would be ended there, in the middle of C++, which ends the process; it is left waiting instead.
class ReleaseGil {
 public:
  ReleaseGil() : state_(PyEval_SaveThread()) {}
  ~ReleaseGil() {
    while (finalizing()) std::this_thread::sleep_for(std::chrono::hours(1));
    PyEval_RestoreThread(state_);
  }
  ReleaseGil(const ReleaseGil&) = delete;
  ReleaseGil& operator=(const ReleaseGil&) = delete;

 private:
  static bool finalizing() {
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
  }
  PyThreadState* state_;
};

// Whether this is Python's main thread, the only one that handles signals. Another one must not ask
// for the GIL in the middle of a call: when the interpreter ends, that would end the thread there.
bool is_main_thread() {
  const nb::object main = nb::module_::import_("threading").attr("main_thread")();
  return nb::cast<unsigned long>(main.attr("ident")) == PyThread_get_thread_ident();
}

// Python's signals, Ctrl-C above all, are handled by the thread that called.
bool signalled() {
  const nb::gil_scoped_acquire gil;
  const core::UsualMode mode;  // a handler may compute
  return PyErr_CheckSignals() != 0;
}

// What the core asks about every 50 ms whether to stop.
std::function<bool()> asks_for_signals() {
  return is_main_thread() ? signalled : [] { return false; };
}

// When a call is to come back, finished or not: some seconds from now, or never if they are infinite.
class Deadline {
 public:
  explicit Deadline(double seconds) : begin_(Clock::now()), seconds_(seconds) {}
  bool passed() const {
    return std::chrono::duration<double>(Clock::now() - begin_).count() >= seconds_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin_;
  const double seconds_;
};

// A one-dimensional contiguous buffer of T, if the object is one of that length; looked at through
// Python's buffer protocol, which costs less than making an nb::ndarray.
template <class T> class Row {
 public:
  Row(nb::handle object, std::ptrdiff_t n, bool writable) {
    if (object.is_none()) return;
    const int flags = PyBUF_ND | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    held_ = PyObject_GetBuffer(object.ptr(), &view_, flags) == 0;
    if (!held_) {
      PyErr_Clear();
      return;
    }
    const char expected = sizeof(T) == 4 ? 'f' : 'd';
    fits_ = view_.ndim == 1 && view_.shape[0] == n && view_.format && view_.format[0] == expected &&
            view_.format[1] == 0;
  }
  ~Row() {
    if (held_) PyBuffer_Release(&view_);
  }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

  explicit operator bool() const { return fits_; }
  T* data() const { return static_cast<T*>(view_.buf); }

 private:
  Py_buffer view_;
  bool held_ = false, fits_ = false;
};

template <class T> void bind(nb::module_& m, const char* trainer, const char* predictor) {
  using Trainer = core::Trainer<T>;
  auto trainer_class = nb::class_<Trainer>(m, trainer);
  trainer_class
      .def(
          "__init__",
          [](Trainer* self, const std::vector<std::ptrdiff_t>& sizes,
             const std::vector<int>& activations, int loss,
             const std::vector<double>& loss_numbers, int optimizer,
             const std::vector<double>& rule, double l2, double l1, double max_grad_norm,
             const std::vector<double>& dropout, std::uint64_t seed, std::ptrdiff_t batch_size,
             bool shuffle, bool sparse, bool numbered, int threads, bool fixed_threads,
             std::ptrdiff_t n_examples) {
            core::Settings settings;
            settings.optimizer = rule_of(optimizer, rule);
            settings.l2 = l2;
            settings.l1 = l1;
            settings.max_grad_norm = max_grad_norm;
            settings.dropout = dropout;
            settings.seed = seed;
            settings.batch_size = batch_size;
            settings.shuffle = shuffle;
            settings.sparse = sparse;
            settings.numbered = numbered;
            settings.threads = threads;
            settings.fixed_threads = fixed_threads;
            require(dropout.empty() || dropout.size() + 1 == sizes.size());
            new (self) Trainer(architecture(sizes, activations, loss, loss_numbers), settings,
                               n_examples);
          },
          "sizes"_a, "activations"_a, "loss"_a, "loss_numbers"_a, "optimizer"_a, "rule"_a, "l2"_a,
          "l1"_a, "max_grad_norm"_a, "dropout"_a, "seed"_a, "batch_size"_a,
          "shuffle"_a, "sparse"_a, "numbered"_a, "threads"_a,
          "fixed_threads"_a, "n_examples"_a)
      .def(
          "run",
          [](Trainer& self, Array<T> theta, const MaybeArray<T>& first, const MaybeArray<T>& second,
             const MaybeArray<double>& product, const std::optional<Matrix<const T>>& X, const MaybeArray<const T>& values,
             const MaybeArray<const std::int32_t>& columns32,
             const MaybeArray<const std::int32_t>& starts32,
             const MaybeArray<const std::int64_t>& columns64,
             const MaybeArray<const std::int64_t>& starts64,
             const MaybeArray<const std::int64_t>& numbers, Matrix<const T> Y,
             const MaybeArray<const T>& weight, double total,
             Array<const double> rates, Array<std::uint64_t> progress, Array<double> partial, Array<double> stopping,
             Matrix<double> records, double seconds) {
            const auto& net = self.architecture();
            const auto n = static_cast<std::ptrdiff_t>(Y.shape(0));
            const auto P = static_cast<std::size_t>(net.n_parameters());
            require(theta.shape(0) == P && (!first || first->shape(0) == P) &&
                    (!second || second->shape(0) == P));
            require(!numbers || (self.takes_numbers() &&
                                 static_cast<std::ptrdiff_t>(numbers->shape(0)) == n));
            require(!X || ((numbers || static_cast<std::ptrdiff_t>(X->shape(0)) == n) &&
                           static_cast<std::ptrdiff_t>(X->shape(1)) == net.sizes.front()));
            require(static_cast<std::ptrdiff_t>(Y.shape(1)) == net.sizes.back() &&
                    n == self.n_examples());
            require(!weight || static_cast<std::ptrdiff_t>(weight->shape(0)) == n);
            require(X || (self.takes_sparse() && values && ((columns32 && starts32) || (columns64 && starts64))));
            require(progress.shape(0) == 5 && partial.shape(0) == 2 && stopping.shape(0) == 4 &&
                    records.shape(1) == 3);
            require(rates.shape(0) > 0 && (!product || product->shape(0) == 1));
            require(progress(3) == 0 || progress(3) < static_cast<std::uint64_t>(n));
            const core::SparseRows<T> sparse{data_or_null(values), data_or_null(columns32),
                                             data_or_null(starts32), data_or_null(columns64),
                                             data_or_null(starts64)};
            const core::Examples<T> examples{X ? X->data() : nullptr,
                                             sparse,
                                             Y.data(),
                                             data_or_null(weight),
                                             n,
                                             total,
                                             data_or_null(numbers)};
            core::Progress done{progress(0), progress(1), progress(2),
                                progress(3), partial(0),  partial(1), product ? (*product)(0) : 1.0};
            core::Stopping rule{stopping(0) >= 0, stopping(0), stopping(1), stopping(2),
                                stopping(3)};
            const bool handles_signals = is_main_thread();
            const Deadline deadline(seconds);
            bool has_signal = false;
            const auto interrupted = [&] {
              has_signal = handles_signals && signalled();
              return has_signal || deadline.passed();
            };
            {
              const ReleaseGil released;
              progress(4) = static_cast<std::uint64_t>(self.run(
                  theta.data(), data_or_null(first), data_or_null(second), examples,
                  {rates.data(), rates.shape(0)}, done, rule,
                  reinterpret_cast<core::EpochRecord*>(records.data()),
                  static_cast<std::ptrdiff_t>(records.shape(0)), interrupted));
            }
            progress(0) = done.step;
            progress(1) = done.epoch;
            progress(2) = done.examples;
            progress(3) = done.position;
            partial(0) = done.epoch_cost;
            partial(1) = done.epoch_seconds;
            if (product) (*product)(0) = done.momentum_product;
            stopping(2) = rule.best;
            stopping(3) = rule.without_improvement;
            if (has_signal) throw nb::python_error();
            return self.status() == core::Status::kDiverged ? self.last_cost() : 0.0;
          },
          array("theta"), array_or_none("first"), array_or_none("second"), array_or_none("product"),
          array_or_none("X"), array_or_none("values"), array_or_none("columns32"),
          array_or_none("starts32"), array_or_none("columns64"), array_or_none("starts64"),
          array_or_none("numbers"), array("Y"), array_or_none("weight"), "total"_a, array("rates"),
          array("progress"), array("partial"), array("stopping"), array("records"), "seconds"_a);

  trainer_class.def(
      "step_row",
      // One example, if x and y are rows of T (or y the index of a class): the cost before the
      // update, or None if they are something else, and have to be looked at more closely. Infinite
      // if the update went to infinity.
      [](Trainer& self, nb::handle theta, nb::handle first, nb::handle second,
         nb::handle product, nb::handle x, nb::handle y, double rate, std::uint64_t step) -> std::optional<double> {
        const auto& net = self.architecture();
        const std::ptrdiff_t K = net.sizes.back(), P = net.n_parameters();
        const Row<T> row(x, net.sizes[0], false), parameters(theta, P, true),
            memory_1(first, P, true), memory_2(second, P, true);
        const Row<double> momenta(product, 1, true);
        if (!row || !parameters || !core::all_finite(row.data(), net.sizes[0])) return std::nullopt;
        T one_hot[64] = {};
        std::optional<Row<T>> targets;
        const T* Y = one_hot;
        if (net.loss.loss == core::Loss::kLogLoss && K <= 64 && PyIndex_Check(y.ptr())) {
          const std::ptrdiff_t k = PyNumber_AsSsize_t(y.ptr(), nullptr);
          if (k == -1 && PyErr_Occurred()) PyErr_Clear();
          if (k < 0 || k >= K) return std::nullopt;
          one_hot[k] = 1;
        } else if (core::takes_numbers(net.loss.loss)) {
          targets.emplace(y, K, false);
          if (!*targets || !core::all_finite(targets->data(), K)) return std::nullopt;
          Y = targets->data();
        } else {
          return std::nullopt;
        }
        const core::Examples<T> examples{row.data(), {}, Y, nullptr, 1, 1.0};
        core::Progress progress{step, 0, 0};
        if (momenta) progress.momentum_product = *momenta.data();
        core::Stopping never;
        core::EpochRecord record;
        self.run(parameters.data(), memory_1 ? memory_1.data() : nullptr,
                 memory_2 ? memory_2.data() : nullptr, examples, {&rate, 1}, progress, never,
                 &record, 1, [] { return false; }, false);
        if (momenta) *momenta.data() = progress.momentum_product;
        if (self.status() == core::Status::kDiverged) return self.last_cost();
        return core::all_finite(parameters.data(), P) ? record.cost : HUGE_VAL;
      },
      "theta"_a, "first"_a.none(), "second"_a.none(), "product"_a.none(), "x"_a.none(),
      "y"_a.none(), "rate"_a,
      "step"_a);

  using Predictor = core::Predictor<T>;
  nb::class_<Predictor>(m, predictor)
      .def(
          "row",
          // Fills h for one row x of T; False if x or h is something else, or x is not finite.
          [](Predictor& self, nb::handle theta, nb::handle x, nb::handle h) {
            const auto& net = self.architecture();
            const auto& sizes = net.sizes;
            const Row<T> row(x, sizes.front(), false), out(h, sizes.back(), true),
                parameters(theta, net.n_parameters(), false);
            if (!row || !out || !parameters || !core::all_finite(row.data(), sizes.front())) return false;
            self.predict_row(parameters.data(), row.data(), out.data());
            return true;
          },
          "theta"_a, "x"_a.none(), "h"_a)
      .def(
          "__init__",
          [](Predictor* self, const std::vector<std::ptrdiff_t>& sizes,
             const std::vector<int>& activations, int loss,
             const std::vector<double>& loss_numbers) {
            new (self) Predictor(architecture(sizes, activations, loss, loss_numbers));
          },
          "sizes"_a, "activations"_a, "loss"_a, "loss_numbers"_a)
      .def(
          "predict",
          [](Predictor& self, Array<const T> theta, Matrix<const T> X, Matrix<T> H, int threads) {
            const auto& net = self.architecture();
            require(static_cast<std::ptrdiff_t>(theta.shape(0)) == net.n_parameters() &&
                    static_cast<std::ptrdiff_t>(X.shape(1)) == net.sizes.front() &&
                    static_cast<std::ptrdiff_t>(H.shape(1)) == net.sizes.back() &&
                    X.shape(0) == H.shape(0));
            const auto n = static_cast<std::ptrdiff_t>(X.shape(0));
            std::function<bool()> interrupted;  // none for one block of rows
            if (n > core::kRowBlock) interrupted = asks_for_signals();
            bool whole;
            {
              const ReleaseGil released;
              whole = self.predict(theta.data(), X.data(), H.data(), n, threads, interrupted);
            }
            if (!whole) throw nb::python_error();
          },
          array("theta"), array("X"), array("H"), "threads"_a);
}

// One of the core's elementwise functions over an array, with the caller's mode for subnormals.
template <class T> void apply(const std::string& name, Array<const T> z, Array<T> out) {
  const core::Elementwise<T> function = core::elementwise<T>(name);
  if (!function) throw nb::value_error("no such function");
  function(z.data(), out.data(), static_cast<std::ptrdiff_t>(z.shape(0)));
}

template <class T> bool all_finite(Array<const T> values) {
  const ReleaseGil released;
  return core::all_finite(values.data(), static_cast<std::ptrdiff_t>(values.shape(0)));
}

}  // namespace

#define CHAINRULE_STRING_(x) #x
#define CHAINRULE_STRING(x) CHAINRULE_STRING_(x)

NB_MODULE(CHAINRULE_MODULE, m) {
  nb::set_leak_warnings(false);  // a daemon thread may still train when the interpreter ends
  m.attr("isa") = CHAINRULE_STRING(CHAINRULE_ISA);
  bind<float>(m, "TrainerF32", "PredictorF32");
  bind<double>(m, "TrainerF64", "PredictorF64");
  m.def("apply", apply<float>, "name"_a, array("z"), array("out"));
  m.def("apply", apply<double>, "name"_a, array("z"), array("out"));
  m.def("all_finite", all_finite<float>, array("values"));
  m.def("all_finite", all_finite<double>, array("values"));
}
