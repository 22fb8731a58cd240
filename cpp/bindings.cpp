// The Python module around the core, one for each instruction set. No arithmetic here.

#include "core/math/elementwise.hpp"
#include "core/math/finite.hpp"
#include "core/training/prediction.hpp"
#include "core/training/trainer.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

namespace nb = nanobind;
namespace core = chainrule::CHAINRULE_ISA;
using namespace nb::literals;

// In the instruction set's namespace: nanobind tells types of different modules apart by their names.
namespace chainrule::CHAINRULE_ISA {

template <class T> using Array = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using MaybeArray = std::optional<Array<T>>;

template <class T> T* data_or_null(const MaybeArray<T>& array) {
  return array ? array->data() : nullptr;
}

// What a training changes, as Python holds it: theta, and what the optimizer remembers of it.
template <class T> struct HeldParameters {
  Array<T> theta;
  MaybeArray<T> first, second;

  bool fits(std::size_t n) const {
    return theta.shape(0) == n && (!first || first->shape(0) == n) &&
           (!second || second->shape(0) == n);
  }
};

// Rows of a sparse matrix (CSR), their columns and starts of one type.
template <class T> struct HeldSparseRows {
  Array<const T> values;
  std::variant<Array<const std::int32_t>, Array<const std::int64_t>> columns, starts;

  SparseRows<T> rows() const {
    SparseRows<T> rows;
    rows.values = values.data();
    if (const auto* narrow = std::get_if<0>(&columns)) {
      rows.columns32 = narrow->data();
      rows.starts32 = std::get<0>(starts).data();
    } else {
      rows.columns64 = std::get<1>(columns).data();
      rows.starts64 = std::get<1>(starts).data();
    }
    return rows;
  }
};

// Training examples, as Python holds them.
template <class T> struct HeldExamples {
  std::variant<Matrix<const T>, HeldSparseRows<T>> X;
  Matrix<const T> Y;
  MaybeArray<const T> weight;
  double total;                            // S
  MaybeArray<const std::int64_t> numbers;  // the row of X of each example

  std::ptrdiff_t n() const { return static_cast<std::ptrdiff_t>(Y.shape(0)); }
  bool is_sparse() const { return X.index() == 1; }

  bool fit(const Trainer<T>& trainer) const {
    const auto& sizes = trainer.architecture().sizes;
    const auto has = [](std::size_t length, std::ptrdiff_t n) {
      return static_cast<std::ptrdiff_t>(length) == n;
    };
    if (n() != trainer.n_examples() || !has(Y.shape(1), sizes.back())) return false;
    if (weight && !has(weight->shape(0), n())) return false;
    if (numbers && !(trainer.takes_numbers() && has(numbers->shape(0), n()))) return false;
    if (is_sparse()) return trainer.takes_sparse();
    const auto& dense = std::get<0>(X);
    return (numbers || has(dense.shape(0), n())) && has(dense.shape(1), sizes.front());
  }

  Examples<T> examples() const {
    const auto* dense = std::get_if<0>(&X);
    return {dense ? dense->data() : nullptr,
            dense ? SparseRows<T>{} : std::get<1>(X).rows(),
            Y.data(),
            data_or_null(weight),
            n(),
            total,
            data_or_null(numbers)};
  }
};

}  // namespace chainrule::CHAINRULE_ISA

namespace {

using core::Array;
using core::data_or_null;
using core::Matrix;

// Arguments that are accepted without conversion or refused: writes into a converted copy would be
// lost, and a copy of the rows would be a waste.
auto array(const char* name) { return nb::arg(name).noconvert(); }
auto array_or_none(const char* name) { return nb::arg(name).none().noconvert(); }

// The engine checks what it passes; this keeps a mistake there from becoming a stray write.
void require(bool fits) {
  if (!fits) throw nb::value_error("shapes that do not fit the network");
}

// The value of an enumeration whose names stand in the order of its values.
template <class Enum, std::size_t n>
Enum value_of(const std::array<const char*, n>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw nb::value_error("a name that the core does not know");
  return static_cast<Enum>(found - names.begin());
}

template <std::size_t n> nb::tuple tuple_of(const std::array<const char*, n>& names) {
  nb::list listed;
  for (const char* name : names) listed.append(name);
  return nb::tuple(listed);
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

// What is the same for both types of numbers: the network, the settings, how far training is.
void bind_settings(nb::module_& m) {
  m.attr("activations") = tuple_of(core::kActivationNames);
  m.attr("losses") = tuple_of(core::kLossNames);
  m.attr("rules") = tuple_of(core::kRuleNames);

  nb::class_<core::Architecture>(m, "Architecture")
      .def(
          "__init__",
          [](core::Architecture* self, const std::vector<std::ptrdiff_t>& sizes,
             const std::vector<std::string>& activations, const std::string& loss,
             const std::vector<double>& loss_numbers) {
            const auto kind = value_of<core::Loss>(core::kLossNames, loss);
            new (self) core::Architecture{sizes, {}, {kind, loss_numbers}};
            for (const std::string& g : activations)
              self->activations.push_back(value_of<core::Activation>(core::kActivationNames, g));
            require(sizes.size() == activations.size() + 2 && self->loss.fits(sizes.back()));
          },
          "sizes"_a, "activations"_a, "loss"_a, "loss_numbers"_a);

  using Rule = core::OptimizerSettings;
  nb::class_<Rule>(m, "UpdateRule")
      .def(
          "__init__",
          [](Rule* self, const std::string& name) {
            new (self) Rule{value_of<core::Optimizer>(core::kRuleNames, name)};
          },
          "name"_a)
      .def_rw("momentum", &Rule::momentum)
      .def_rw("beta_1", &Rule::beta_1)
      .def_rw("beta_2", &Rule::beta_2)
      .def_rw("epsilon", &Rule::epsilon)
      .def_rw("weight_decay", &Rule::weight_decay)
      .def_rw("momentum_decay", &Rule::momentum_decay)
      .def_rw("rho", &Rule::rho)
      .def_rw("eta_minus", &Rule::eta_minus)
      .def_rw("eta_plus", &Rule::eta_plus)
      .def_rw("min_step", &Rule::min_step)
      .def_rw("max_step", &Rule::max_step);

  using Settings = core::Settings;
  nb::class_<Settings>(m, "Settings")
      .def(nb::init<>())
      .def_rw("rule", &Settings::optimizer)
      .def_rw("l2", &Settings::l2)
      .def_rw("l1", &Settings::l1)
      .def_rw("max_grad_norm", &Settings::max_grad_norm)
      .def_rw("dropout", &Settings::dropout)
      .def_rw("seed", &Settings::seed)
      .def_rw("batch_size", &Settings::batch_size)
      .def_rw("shuffle", &Settings::shuffle)
      .def_rw("sparse", &Settings::sparse)
      .def_rw("numbered", &Settings::numbered)
      .def_rw("threads", &Settings::threads)
      .def_rw("fixed_threads", &Settings::fixed_threads);

  using Progress = core::Progress;
  nb::class_<Progress>(m, "Progress")
      .def(nb::init<>())
      .def_rw("step", &Progress::step)
      .def_rw("epoch", &Progress::epoch)
      .def_rw("examples", &Progress::examples)
      .def_rw("position", &Progress::position)
      .def_rw("epoch_cost", &Progress::epoch_cost)
      .def_rw("epoch_seconds", &Progress::epoch_seconds)
      .def_rw("momentum_product", &Progress::momentum_product);

  using Stopping = core::Stopping;
  nb::class_<Stopping>(m, "Stopping")
      .def(nb::init<>())
      .def_rw("active", &Stopping::active)
      .def_rw("tol", &Stopping::tol)
      .def_rw("n_iter_no_change", &Stopping::n_iter_no_change)
      .def_rw("best", &Stopping::best)
      .def_rw("without_improvement", &Stopping::without_improvement);
}

template <class T> void bind(nb::module_& m, const std::string& dtype) {
  const auto name = [&](const char* kind) { return kind + dtype; };
  using Parameters = core::HeldParameters<T>;
  nb::class_<Parameters>(m, name("Parameters").c_str())
      .def(
          "__init__",
          [](Parameters* self, Array<T> theta, core::MaybeArray<T> first,
             core::MaybeArray<T> second) {
            new (self) Parameters{std::move(theta), std::move(first), std::move(second)};
          },
          array("theta"), array_or_none("first"), array_or_none("second"));

  using Sparse = core::HeldSparseRows<T>;
  auto sparse_rows = nb::class_<Sparse>(m, name("SparseRows").c_str());
  const auto bind_indices = [&](auto index) {
    using Indices = Array<const decltype(index)>;
    sparse_rows.def(
        "__init__",
        [](Sparse* self, Array<const T> values, Indices columns, Indices starts) {
          new (self) Sparse{std::move(values), std::move(columns), std::move(starts)};
        },
        array("values"), array("columns"), array("starts"));
  };
  bind_indices(std::int32_t{});
  bind_indices(std::int64_t{});

  using Examples = core::HeldExamples<T>;
  auto examples_class = nb::class_<Examples>(m, name("Examples").c_str());
  const auto bind_examples = [&](auto* kind) {
    using Rows = std::remove_pointer_t<decltype(kind)>;
    examples_class.def(
        "__init__",
        [](Examples* self, Rows X, Matrix<const T> Y, core::MaybeArray<const T> weight,
           double total, core::MaybeArray<const std::int64_t> numbers) {
          new (self)
              Examples{std::move(X), std::move(Y), std::move(weight), total, std::move(numbers)};
        },
        array("X"), array("Y"), array_or_none("weight"), "total"_a, array_or_none("numbers"));
  };
  bind_examples(static_cast<Matrix<const T>*>(nullptr));
  bind_examples(static_cast<Sparse*>(nullptr));

  using Trainer = core::Trainer<T>;
  auto trainer_class = nb::class_<Trainer>(m, name("Trainer").c_str());
  trainer_class
      .def(
          "__init__",
          [](Trainer* self, const core::Architecture& net, const core::Settings& settings,
             std::ptrdiff_t n_examples) {
            require(settings.dropout.empty() || settings.dropout.size() + 1 == net.sizes.size());
            new (self) Trainer(net, settings, n_examples);
          },
          "architecture"_a, "settings"_a, "n_examples"_a)
      .def(
          "run",
          // Fills a record, a row of cost, norm and seconds, for each finished epoch, as many as there
          // are rows; returns 0, or the cost that is not finite.
          [](Trainer& self, Parameters& parameters, const Examples& examples,
             Array<const double> rates, core::Progress& progress, core::Stopping& stopping,
             Matrix<double> records, double seconds) {
            const auto n_parameters = static_cast<std::size_t>(self.architecture().n_parameters());
            require(parameters.fits(n_parameters) && examples.fit(self));
            require(rates.shape(0) > 0 && records.shape(1) == 3);
            require(progress.position == 0 ||
                    progress.position < static_cast<std::uint64_t>(examples.n()));
            const bool handles_signals = is_main_thread();
            const Deadline deadline(seconds);
            bool has_signal = false;
            const auto interrupted = [&] {
              has_signal = handles_signals && signalled();
              return has_signal || deadline.passed();
            };
            {
              const ReleaseGil released;
              self.run(parameters.theta.data(), data_or_null(parameters.first),
                       data_or_null(parameters.second), examples.examples(),
                       {rates.data(), rates.shape(0)}, progress, stopping,
                       reinterpret_cast<core::EpochRecord*>(records.data()),
                       static_cast<std::ptrdiff_t>(records.shape(0)), interrupted);
            }
            if (has_signal) throw nb::python_error();
            return self.status() == core::Status::kDiverged ? self.last_cost() : 0.0;
          },
          "parameters"_a, "examples"_a, array("rates"), "progress"_a, "stopping"_a,
          array("records"), "seconds"_a);

  trainer_class.def(
      "step_row",
      // One example, if x and y are rows of T (or y the index of a class): the cost before the
      // update, or None if they are something else, and need the full checks. Infinite
      // if the update became infinite.
      [](Trainer& self, nb::handle theta, nb::handle first, nb::handle second, nb::handle product,
         nb::handle x, nb::handle y, double rate, std::uint64_t step) -> std::optional<double> {
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
        self.run(
            parameters.data(), memory_1 ? memory_1.data() : nullptr,
            memory_2 ? memory_2.data() : nullptr, examples, {&rate, 1}, progress, never, &record, 1,
            [] { return false; }, false);
        if (momenta) *momenta.data() = progress.momentum_product;
        if (self.status() == core::Status::kDiverged) return self.last_cost();
        return core::all_finite(parameters.data(), P) ? record.cost : HUGE_VAL;
      },
      "theta"_a, "first"_a.none(), "second"_a.none(), "product"_a.none(), "x"_a.none(),
      "y"_a.none(), "rate"_a, "step"_a);

  using Predictor = core::Predictor<T>;
  nb::class_<Predictor>(m, name("Predictor").c_str())
      .def(
          "row",
          // Fills h for one row x of T; False if x or h is something else, or x is not finite.
          [](Predictor& self, nb::handle theta, nb::handle x, nb::handle h) {
            const auto& net = self.architecture();
            const auto& sizes = net.sizes;
            const Row<T> row(x, sizes.front(), false), out(h, sizes.back(), true),
                parameters(theta, net.n_parameters(), false);
            if (!row || !out || !parameters || !core::all_finite(row.data(), sizes.front()))
              return false;
            self.predict_row(parameters.data(), row.data(), out.data());
            return true;
          },
          "theta"_a, "x"_a.none(), "h"_a)
      .def(
          "__init__",
          [](Predictor* self, const core::Architecture& net) { new (self) Predictor(net); },
          "architecture"_a)
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
  bind_settings(m);
  bind<float>(m, "F32");
  bind<double>(m, "F64");
  m.def("apply", apply<float>, "name"_a, array("z"), array("out"));
  m.def("apply", apply<double>, "name"_a, array("z"), array("out"));
  m.def("all_finite", all_finite<float>, array("values"));
  m.def("all_finite", all_finite<double>, array("values"));
}
