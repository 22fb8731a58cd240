// Trains and predicts with the core alone, without Python: the same bits for any number of threads,
// dense or sparse, at once or epoch by epoch; nothing allocated while it runs. Meant to be built
// with the sanitizers, too (`make sanitize`).
//
//   test_core [--quick]
//
// The exit code is 1 if anything is wrong.
#include <cerrno>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "../core/training/prediction.hpp"
#include "../core/training/trainer.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHAINRULE_COUNTS 0  // the sanitizers have an allocator of their own
#else
#define CHAINRULE_COUNTS 1
#endif

// ---- every allocation of the process is counted ----

namespace {
std::atomic<long> allocations{0};
}

#if CHAINRULE_COUNTS
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(p, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, n);
}
void* memalign(std::size_t alignment, std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  *p = __libc_memalign(alignment, n);
  return *p ? 0 : ENOMEM;
}
}
#endif

namespace core = chainrule::CHAINRULE_ISA;
using core::Index;

namespace {

int failures = 0;

void expect(bool holds, const char* what, const char* where) {
  if (holds) return;
  ++failures;
  std::printf("FAILED  %s: %s\n", where, what);
}

// ---- a network, data, a run ----

struct Case {
  const char* name;
  std::vector<Index> sizes;
  core::Activation activation;
  core::LossSettings loss;
  core::Optimizer optimizer;
  Index n, batch;
  double dropout, l2, l1;
  bool shuffle, weighted;
  double max_grad_norm = 0;
};

const Case kCases[] = {
    {"no hidden layer",
     {3, 2},
     core::Activation::kRelu,
     core::Loss::kSquaredError,
     core::Optimizer::kSGD,
     50,
     16,
     0,
     0,
     0,
     true,
     false},
    {"online",
     {4, 10, 3},
     core::Activation::kRelu,
     core::Loss::kLogLoss,
     core::Optimizer::kMomentum,
     30,
     1,
     0.3,
     0.1,
     0.01,
     true,
     true},
    {"small",
     {4, 10, 3},
     core::Activation::kTanh,
     core::Loss::kCrossEntropy,
     core::Optimizer::kAdam,
     50,
     16,
     0.2,
     0.1,
     0.01,
     true,
     false},
    {"batch descent",
     {15, 17, 1},
     core::Activation::kGelu,
     core::Loss::kPoisson,
     core::Optimizer::kNesterov,
     101,
     101,
     0.3,
     0.1,
     0,
     true,
     true},
    {"in order",
     {1, 31, 33, 16},
     core::Activation::kMish,
     core::Loss::kLogisticSquaredError,
     core::Optimizer::kAdam,
     130,
     100,
     0.5,
     0,
     0.01,
     false,
     true},
    {"wide",
     {257, 33, 257, 2},
     core::Activation::kSilu,
     core::Loss::kLogLoss,
     core::Optimizer::kAdam,
     67,
     50,
     0.3,
     0.1,
     0.01,
     true,
     false},
    {"all kinds of layers",
     {5, 3, 16, 7, 20, 9, 4, 11, 2, 6, 8, 3},
     core::Activation::kIdentity,
     core::Loss::kSquaredError,
     core::Optimizer::kAdam,
     40,
     17,
     0.1,
     0.1,
     0.01,
     true,
     true},
    {"clipped",
     {257, 33, 257, 2},
     core::Activation::kTanh,
     core::Loss::kCrossEntropy,
     core::Optimizer::kAdamW,
     67,
     50,
     0.3,
     0.1,
     0.01,
     true,
     false,
     0.1},
    {"clipped, by columns, few inputs",
     {40, 300, 300, 9, 3},
     core::Activation::kRelu,
     core::Loss::kLogLoss,
     core::Optimizer::kAdamW,
     421,
     420,
     0,
     0.1,
     0,
     true,
     true,
     0.1},
    {"clipped and shared out by columns",
     {400, 300, 300, 3},
     core::Activation::kRelu,
     core::Loss::kLogLoss,
     core::Optimizer::kNadam,
     67,
     50,
     0,
     0.1,
     0,
     true,
     true,
     0.1},
    {"whole batches",
     {15, 17, 1},
     core::Activation::kGelu,
     core::Loss::kPoisson,
     core::Optimizer::kRprop,
     101,
     101,
     0.3,
     0.1,
     0,
     true,
     true},
    {"absolute",
     {4, 10, 3},
     core::Activation::kTanh,
     core::Loss::kAbsoluteError,
     core::Optimizer::kAdam,
     50,
     16,
     0,
     0,
     0,
     true,
     true},
    {"Huber",
     {4, 10, 17},
     core::Activation::kTanh,
     {core::Loss::kHuber, {0.3}},
     core::Optimizer::kSGD,
     50,
     16,
     0,
     0,
     0,
     true,
     true},
    {"quantiles",
     {4, 10, 9},
     core::Activation::kTanh,
     {core::Loss::kQuantile, {0.1, 0.5, 0.9}},
     core::Optimizer::kAdam,
     50,
     16,
     0,
     0,
     0,
     true,
     true},
    {"smoothed, few classes",
     {4, 10, 3},
     core::Activation::kTanh,
     {core::Loss::kLogLoss, {0.1}},
     core::Optimizer::kAdam,
     50,
     16,
     0,
     0,
     0,
     true,
     true},
    {"smoothed, many",
     {4, 10, 33},
     core::Activation::kTanh,
     {core::Loss::kLogLoss, {0.1}},
     core::Optimizer::kAdam,
     50,
     16,
     0,
     0,
     0,
     true,
     true},
    {"smoothed, one-vs-all",
     {4, 10, 3},
     core::Activation::kTanh,
     {core::Loss::kCrossEntropy, {0.1}},
     core::Optimizer::kAdam,
     50,
     16,
     0,
     0,
     0,
     true,
     true},
    // Groups end and begin inside vectors, and the last one at the end of the row.
    {"groups",
     {4, 10, 41},
     core::Activation::kTanh,
     {core::Loss::kGroupedLogLoss, {0.1, 3, 17, 2, 19}},
     core::Optimizer::kAdam,
     50,
     16,
     0,
     0,
     0,
     true,
     true},
};

core::Architecture architecture(const Case& c) {
  core::Architecture net{c.sizes, {}, c.loss};
  const core::Activation kinds[] = {
      core::Activation::kIdentity, core::Activation::kLogistic,  core::Activation::kTanh,
      core::Activation::kRelu,     core::Activation::kLeakyRelu, core::Activation::kElu,
      core::Activation::kSelu,     core::Activation::kSoftplus,  core::Activation::kSilu,
      core::Activation::kGelu,     core::Activation::kMish};
  for (std::size_t l = 0; l + 2 < c.sizes.size(); ++l)
    net.activations.push_back(c.sizes.size() > 10 ? kinds[l % 11] : c.activation);
  return net;
}

core::Settings settings(const Case& c, int threads, bool sparse = false) {
  core::Settings s;
  s.optimizer = {c.optimizer, 0.9, 0.9, 0.999, 1e-8};
  s.l2 = c.l2;
  s.l1 = c.l1;
  s.max_grad_norm = c.max_grad_norm;
  if (c.dropout > 0) {
    s.dropout.assign(c.sizes.size() - 1, c.dropout);
    s.dropout[0] = c.dropout / 10;  // inputs are few
  }
  s.seed = 7;
  s.batch_size = c.batch;
  s.shuffle = c.shuffle;
  s.sparse = sparse;
  s.threads = threads;
  return s;
}

// Numbers in [-1, 1) from the core's own generator.
template <class T> std::vector<T> numbers(std::size_t n, std::uint32_t layer) {
  const core::Stream stream{99, core::Purpose::kInitialize, layer, 0};
  std::vector<T> values(n);
  for (std::size_t i = 0; i < n; ++i)
    values[i] = static_cast<T>(stream.block(static_cast<std::uint32_t>(i / 4))[i % 4]) *
                    static_cast<T>(0x1p-31) -
                1;
  return values;
}

// Exactly as long as it has to be, on the heap: so that the address sanitizer sees a step too far.
template <class T> struct Data {
  std::vector<T> X, Y, weight, values;
  std::vector<std::int32_t> columns32, starts32;
  std::vector<std::int64_t> columns64, starts64;
  double total = 0;

  explicit Data(const Case& c) {
    const auto n = static_cast<std::size_t>(c.n), N = static_cast<std::size_t>(c.sizes.front()),
               K = static_cast<std::size_t>(c.sizes.back());
    X = numbers<T>(n * N, 1);
    Y = numbers<T>(n * K, 2);
    if (c.weighted) weight = numbers<T>(n, 3);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < K; ++k) {
        T& y = Y[i * K + k];
        if (c.loss.loss == core::Loss::kLogLoss) y = k == i % K;
        if (c.loss.loss == core::Loss::kGroupedLogLoss) y = k == 2 || k == 19 || k == 20 || k == 40;
        if (c.loss.loss == core::Loss::kCrossEntropy) y = y > 0;
        if (c.loss.loss == core::Loss::kPoisson) y = std::floor(2 * std::fabs(y));
      }
      if (c.weighted) weight[i] = i % 5 == 0 ? 0 : 1 + weight[i] / 2;
      total += c.weighted ? static_cast<double>(weight[i]) : 1.0;
      starts64.push_back(static_cast<std::int64_t>(values.size()));
      // From the last column to the first, in two halves each, and some explicit zeros.
      for (std::size_t j = N; j-- > 0;) {
        T& x = X[i * N + j];
        if (x < static_cast<T>(-0.5)) x = 0;
        if (x == 0 && j % 3) continue;
        for (int half = 0; half < 2; ++half) {
          values.push_back(x / 2);
          columns64.push_back(static_cast<std::int64_t>(j));
        }
      }
    }
    starts64.push_back(static_cast<std::int64_t>(values.size()));
    columns32.assign(columns64.begin(), columns64.end());
    starts32.assign(starts64.begin(), starts64.end());
  }

  enum Form { kDense, kSparse32, kSparse64 };
  core::Examples<T> examples(const Case& c, Form form) const {
    const T* w = weight.empty() ? nullptr : weight.data();
    if (form == kDense) return {X.data(), {}, Y.data(), w, c.n, total};
    core::SparseRows<T> rows;
    rows.values = values.data();
    if (form == kSparse32) {
      rows.columns32 = columns32.data();
      rows.starts32 = starts32.data();
    } else {
      rows.columns64 = columns64.data();
      rows.starts64 = starts64.data();
    }
    return {nullptr, rows, Y.data(), w, c.n, total};
  }
};

constexpr double kRate = 1e-3;

template <class T> struct Model {
  std::vector<T> theta, first, second;
  std::vector<double> costs, norms;
  core::Progress progress;

  explicit Model(const Case& c) {
    const auto n = static_cast<std::size_t>(architecture(c).n_parameters());
    theta = numbers<T>(n, 4);
    for (T& p : theta) p *= static_cast<T>(0.2);
    first.resize(core::optimizer_slots(c.optimizer) > 0 ? n : 0);
    second.resize(core::optimizer_slots(c.optimizer) > 1 ? n : 0);
  }

  Index run(core::Trainer<T>& trainer, const core::Examples<T>& examples, Index epochs,
            const std::function<bool()>& interrupted) {
    const std::size_t before = costs.size();
    costs.resize(before + static_cast<std::size_t>(epochs));
    std::vector<core::EpochRecord> records(static_cast<std::size_t>(epochs));
    core::Stopping never;
    const Index done = trainer.run(theta.data(), first.empty() ? nullptr : first.data(),
                                   second.empty() ? nullptr : second.data(), examples, {&kRate, 1},
                                   progress, never, records.data(), epochs, interrupted);
    costs.resize(before + static_cast<std::size_t>(done));
    norms.resize(costs.size());
    for (std::size_t e = 0; e < static_cast<std::size_t>(done); ++e) {
      costs[before + e] = records[e].cost;
      norms[before + e] = records[e].gradient_norm;
    }
    return done;
  }
};

template <class A> bool same_bits(const A& a, const A& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

template <class T> bool same(const Model<T>& a, const Model<T>& b) {
  return same_bits(a.theta, b.theta) && same_bits(a.first, b.first) &&
         same_bits(a.second, b.second) && same_bits(a.costs, b.costs) &&
         same_bits(a.norms, b.norms) && a.progress.step == b.progress.step &&
         a.progress.epoch == b.progress.epoch && a.progress.examples == b.progress.examples;
}

const std::function<bool()> kNever = [] { return false; };
constexpr Index kEpochs = 4;

template <class T>
Model<T> trained(const Case& c, const Data<T>& data, int threads, typename Data<T>::Form form,
                 Index epochs_a_call) {
  core::Trainer<T> trainer(architecture(c), settings(c, threads, form != Data<T>::kDense), c.n);
  Model<T> model(c);
  const core::Examples<T> examples = data.examples(c, form);
  for (Index e = 0; e < kEpochs; e += epochs_a_call)
    model.run(trainer, examples, epochs_a_call, kNever);
  return model;
}

// ---- what is tested ----

template <class T> void test_bits(const Case& c) {
  const Data<T> data(c);
  const Model<T> expected = trained(c, data, 1, Data<T>::kDense, kEpochs);
  expect(static_cast<Index>(expected.costs.size()) == kEpochs, "runs all its epochs", c.name);
  expect(expected.costs.back() < expected.costs.front(), "learns", c.name);
  for (const T p : expected.theta)
    if (!std::isfinite(p)) {
      expect(false, "stays finite", c.name);
      break;
    }
  for (const int threads : {2, 3})
    expect(same(trained(c, data, threads, Data<T>::kDense, kEpochs), expected),
           threads == 2 ? "2 threads, same bits" : "3 threads, same bits", c.name);
  for (const auto form : {Data<T>::kSparse32, Data<T>::kSparse64})
    for (const int threads : {1, 3})
      expect(same(trained(c, data, threads, form, kEpochs), expected), "sparse, same bits", c.name);
  expect(same(trained(c, data, 1, Data<T>::kDense, 1), expected), "many calls, same bits", c.name);
  expect(same(trained(c, data, 3, Data<T>::kSparse32, 2), expected), "all of it, same bits",
         c.name);

  // Predictions of all rows by several threads, of some, of each alone.
  const auto N = static_cast<std::size_t>(c.sizes.front()),
             K = static_cast<std::size_t>(c.sizes.back()), n = static_cast<std::size_t>(c.n);
  core::Predictor<T> predictor(architecture(c));
  std::vector<T> H(n * K), other(n * K);
  predictor.predict(expected.theta.data(), data.X.data(), H.data(), c.n, 1, kNever);
  predictor.predict(expected.theta.data(), data.X.data(), other.data(), c.n, 3, kNever);
  expect(same_bits(H, other), "predictions by 3 threads, same bits", c.name);
  std::fill(other.begin(), other.end(), T(-7));
  for (std::size_t i = 0; i < n; ++i)
    predictor.predict_row(expected.theta.data(), data.X.data() + i * N, other.data() + i * K);
  expect(same_bits(H, other), "predictions of single rows, same bits", c.name);
  std::fill(other.begin(), other.end(), T(-7));
  for (std::size_t i = 0; i < n; ++i)
    predictor.predict(expected.theta.data(), data.X.data() + i * N, other.data() + i * K, 1, 1,
                      kNever);
  expect(same_bits(H, other), "predictions row by row, same bits", c.name);
}

template <class T> void test_allocations(const Case& c) {
#if CHAINRULE_COUNTS
  const Data<T> data(c);
  for (const auto form : {Data<T>::kDense, Data<T>::kSparse32}) {
    const core::Examples<T> examples = data.examples(c, form);
    for (const int threads : {1, 3}) {
      core::Trainer<T> trainer(architecture(c), settings(c, threads, form != Data<T>::kDense), c.n);
      Model<T> model(c);
      std::vector<core::EpochRecord> records(60);
      core::Stopping never;
      auto allocated_in = [&](Index epochs) {
        const long before = allocations.load();
        trainer.run(model.theta.data(), model.first.empty() ? nullptr : model.first.data(),
                    model.second.empty() ? nullptr : model.second.data(), examples, {&kRate, 1},
                    model.progress, never, records.data(), epochs, kNever);
        return allocations.load() - before;
      };
      if (threads == 1) {
        expect(allocated_in(1) == 0, "allocates nothing, the first call included", c.name);
        expect(allocated_in(8) == 0, "allocates nothing", c.name);
      } else {
        // Making the threads does: as often for many epochs as for one.
        allocated_in(1);
        const long once = allocated_in(1);
        const long often = allocated_in(8);
        expect(once <= 16, "allocates little to make threads", c.name);
        expect(often <= once, "allocates nothing in its epochs", c.name);
      }
    }
  }
  core::Predictor<T> predictor(architecture(c));
  const Model<T> model(c);
  std::vector<T> H(static_cast<std::size_t>(c.n * c.sizes.back()));
  predictor.predict(model.theta.data(), data.X.data(), H.data(), c.n, 1, kNever);
  const long before = allocations.load();
  for (int i = 0; i < 10; ++i) {
    predictor.predict(model.theta.data(), data.X.data(), H.data(), c.n, 1, kNever);
    predictor.predict_row(model.theta.data(), data.X.data(), H.data());
  }
  expect(allocations.load() == before, "predicts without allocating", c.name);
#else
  (void)c;
#endif
}

template <class T> void test_interruption(const Case& c, int threads) {
  const Data<T> data(c);
  const core::Examples<T> examples = data.examples(c, Data<T>::kDense);
  core::Trainer<T> trainer(architecture(c), settings(c, threads), c.n);
  Model<T> model(c);
  int asked = 0;
  const Index done = model.run(trainer, examples, 1'000'000, [&] { return ++asked == 2; });
  expect(asked == 2 && done < 1'000'000, "asks whether to stop, and stops", c.name);
  expect(trainer.status() == core::Status::kInterrupted, "says it was interrupted", c.name);
  expect(static_cast<Index>(model.progress.epoch) == done, "counts the finished epochs", c.name);
  const auto per_epoch = static_cast<std::uint64_t>((c.n + c.batch - 1) / c.batch);
  expect(model.progress.step / per_epoch == model.progress.epoch,
         "an epoch ends with its last step", c.name);
  model.run(trainer, examples, 1, kNever);
  expect(trainer.status() == core::Status::kFinished, "goes on", c.name);
}

// A large step asks on its way, and is given up: interrupted at each of its questions, in the rows and
// in the weights, training is in the state after the last step, and continues as if nothing had happened.
template <class T> void test_giving_up(int threads) {
  const Case c = {"given up",
                  {40, 97, 33},
                  core::Activation::kTanh,
                  core::Loss::kSquaredError,
                  core::Optimizer::kAdam,
                  300,
                  300,
                  0.3,
                  0.1,
                  0.01,
                  true,
                  false};
  const Data<T> data(c);
  const core::Examples<T> examples = data.examples(c, Data<T>::kDense);
  core::Settings always = settings(c, threads);
  always.ask_every = std::chrono::milliseconds(0);
  constexpr Index steps = 3;

  core::Trainer<T> once(architecture(c), settings(c, 1), c.n);
  std::vector<Model<T>> expected{Model<T>(c)};
  for (Index s = 0; s < steps; ++s) {
    expected.push_back(expected.back());
    expected.back().run(once, examples, 1, kNever);
  }

  core::Trainer<T> trainer(architecture(c), always, c.n);
  int given_up[steps + 1] = {};
  for (int at = 1; at <= 100; ++at) {
    Model<T> model(c);
    int asked = 0;
    const Index done = model.run(trainer, examples, steps, [&] { return ++asked == at; });
    if (asked < at) continue;  // there were no more questions: how many depends on the threads
    ++given_up[done];
    expect(asked == at, "asks no more when it is to stop", c.name);
    expect(trainer.status() == core::Status::kInterrupted, "says it was interrupted", c.name);
    expect(same(model, expected[static_cast<std::size_t>(done)]), "the last finished step", c.name);
    model.run(trainer, examples, steps - done, kNever);
    expect(same(model, expected[steps]), "goes on as if nothing had happened", c.name);
  }
  // 4 blocks of rows a step if one thread has them all, and in the weights at least 3 pieces.
  for (Index s = 0; s < steps; ++s)
    expect(given_up[s] >= (threads == 1 ? 7 : 1), "asks often", c.name);
}

// Wherever it is interrupted, also inside an epoch, a resumed run ends with the same bits.
template <class T> void test_going_on(Case c, int threads) {
  c.batch = 16;
  const Data<T> data(c);
  const core::Examples<T> examples = data.examples(c, Data<T>::kDense);
  core::Settings often = settings(c, threads);
  often.ask_every = std::chrono::milliseconds(0);
  core::Trainer<T> trainer(architecture(c), often, c.n);
  constexpr Index kMany = 60;
  Model<T> expected(c), model(c);
  expected.run(trainer, examples, kMany, kNever);
  Index done = 0;
  int inside = 0;
  while (done < kMany) {
    done += model.run(trainer, examples, kMany - done, [] { return true; });
    inside += model.progress.position > 0;
  }
  expect(inside > 0, "is interrupted inside epochs", c.name);
  expect(model.progress.position == 0, "ends with an epoch", c.name);
  expect(same(expected, model), "the same bits in parts", c.name);
}

template <class T> void test_divergence(const Case& c, int threads) {
  const Data<T> data(c);
  core::Trainer<T> trainer(architecture(c), settings(c, threads), c.n);
  Model<T> model(c);
  for (T& p : model.theta) p = std::numeric_limits<T>::infinity();
  const Index done = model.run(trainer, data.examples(c, Data<T>::kDense), 1000, kNever);
  expect(done == 0 && trainer.status() == core::Status::kDiverged, "says it diverged", c.name);
  expect(!std::isfinite(trainer.last_cost()), "the cost tells why", c.name);
}

// Teams that change during training, from one thread to four and back.
template <class T> void test_changing_teams(const Case& c) {
  const Data<T> data(c);
  const core::Examples<T> examples = data.examples(c, Data<T>::kDense);
  core::Settings several = settings(c, 4);
  several.fixed_threads = false;
  core::Trainer<T> one(architecture(c), settings(c, 1), c.n), many(architecture(c), several, c.n);
  Model<T> expected(c), model(c);
  expected.run(one, examples, 300, kNever);
  model.run(many, examples, 100, kNever);
  model.run(many, examples, 200, kNever);
  expect(same(model, expected), "changing teams, same bits", c.name);
}

// Several callers at once, of trainers of their own, of one trainer, of one predictor.
template <class T> void test_callers(const Case& c) {
  const Data<T> data(c);
  const Model<T> expected = trained(c, data, 1, Data<T>::kDense, kEpochs);
  const core::Examples<T> examples = data.examples(c, Data<T>::kDense);
  core::Trainer<T> shared(architecture(c), settings(c, 2), c.n);
  core::Predictor<T> predictor(architecture(c));
  std::vector<T> H(static_cast<std::size_t>(c.n * c.sizes.back()));
  predictor.predict(expected.theta.data(), data.X.data(), H.data(), c.n, 1, kNever);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&, t] {
      wrong += !same(trained(c, data, 1 + t % 2, Data<T>::kDense, kEpochs), expected);
      Model<T> mine(c);
      mine.run(shared, examples, kEpochs, kNever);
      wrong += !same(mine, expected);
      std::vector<T> other(H.size());
      for (int i = 0; i < 5; ++i) {
        predictor.predict(expected.theta.data(), data.X.data(), other.data(), c.n, 1 + t % 2,
                          kNever);
        wrong += !same_bits(H, other);
      }
    });
  for (auto& caller : callers) caller.join();
  expect(wrong == 0, "several callers at once, same bits", c.name);
}

void test_mode() {
  volatile double least = std::numeric_limits<double>::min();
  expect(least / 2 != 0, "subnormal numbers are there before", "mode");
  const Case& c = kCases[2];
  const Data<double> data(c);
  trained(c, data, 1, Data<double>::kDense, kEpochs);
  trained(c, data, 3, Data<double>::kDense, kEpochs);
  expect(least / 2 != 0, "subnormal numbers are there after", "mode");
  {
    const core::FlushSubnormals mode;
    expect(least / 2 == 0, "subnormal numbers are 0 in a call", "mode");
  }
}

// The shuffle is the sorting by random words that the reference describes.
void test_shuffle() {
  for (const std::size_t n : {1u, 2u, 3u, 7u, 64u, 1000u, 4097u, 100003u}) {
    core::Shuffle shuffle;
    shuffle.resize(n);
    std::vector<Index> order(n), expected(n);
    shuffle.fill(order.data(), 0x123456789abcdefu, 0xfedcba9876543210u);
    const core::Stream stream{0x123456789abcdefu, core::Purpose::kShuffle, 0, 0xfedcba9876543210u};
    std::vector<std::uint64_t> keys(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto w = stream.block(static_cast<std::uint32_t>(i / 2));
      keys[i] = w[2 * (i % 2)] | std::uint64_t{w[2 * (i % 2) + 1]} << 32;
      expected[i] = static_cast<Index>(i);
    }
    std::stable_sort(expected.begin(), expected.end(), [&](Index a, Index b) {
      return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
    });
    expect(order == expected, "sorted by words", "shuffle");
  }
}

// Known answers from the authors' own vectors (Random123, kat_vectors: philox4x32 10).
void test_philox() {
  const core::Stream ones{0xffffffffffffffffu, static_cast<core::Purpose>(0xffff), 0xffff,
                          0xffffffffffffffffu};
  const std::array<std::uint32_t, 4> of_ones = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  const std::array<std::uint32_t, 4> of_zeros = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  expect(ones.block(0xffffffffu) == of_ones, "all ones", "philox");
  expect(core::Stream{0, core::Purpose::kInitialize, 0, 0}.block(0) == of_zeros, "all zeros",
         "philox");
}

template <class T> void test_all(bool quick) {
  for (const Case& c : kCases) {
    test_allocations<T>(c);
    if (!quick) test_bits<T>(c);
  }
  for (const int threads : {1, 3}) test_giving_up<T>(threads);
  if (quick) return;
  for (const int threads : {1, 3}) {
    test_interruption<T>(kCases[2], threads);
    test_interruption<T>(kCases[3], threads);
    test_going_on<T>(kCases[5], threads);
    test_divergence<T>(kCases[2], threads);
    test_divergence<T>(kCases[5], threads);
  }
  test_changing_teams<T>(kCases[2]);
  test_changing_teams<T>(kCases[5]);
  test_callers<T>(kCases[2]);
  test_callers<T>(kCases[5]);
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
#if CHAINRULE_COUNTS
  const long before = allocations.load();
  void* volatile some = std::malloc(1);  // volatile: a compiler may leave out what nobody uses
  std::free(some);
  auto* volatile more = new std::vector<int>(3);
  delete more;
  expect(allocations.load() > before + 1, "counts allocations", "this test");
#endif
  test_philox();
  test_shuffle();
  test_mode();
  test_all<float>(quick);
  test_all<double>(quick);
  std::printf("%s\n", failures ? "failed" : "all is well");
  return failures ? 1 : 0;
}
