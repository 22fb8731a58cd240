// Trains a network on numbers that nothing rounds, and prints the bits of theta, of the costs and of
// the predictions: so that an instruction set that this machine has not, run by an emulator, can be
// compared with one that it has (tests/engines/test_native_cross.py).
//
//   train <f32|f64> <sizes> <activations> <loss> <optimizer> <rows> <batch> <threads>
//
// Sizes and activations are separated by commas; activation, loss and optimizer are the core's numbers.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../core/training/prediction.hpp"
#include "../core/training/trainer.hpp"

namespace core = chainrule::CHAINRULE_ISA;
using core::Index;

namespace {

std::vector<Index> numbers(const std::string& text) {
  std::vector<Index> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    found.push_back(std::stol(text.substr(at, end - at)));
    at = end + 1;
  }
  return found;
}

template <class T> void print(const char* what, const std::vector<T>& values) {
  std::printf("%s ", what);
  for (const T value : values) {
    unsigned char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    for (const unsigned char byte : bytes) std::printf("%02x", byte);
  }
  std::printf("\n");
}

template <class T> T target(core::Loss loss, Index row, Index k, Index K) {
  if (loss == core::Loss::kLogLoss) return row % K == k;
  if (loss == core::Loss::kCrossEntropy) return static_cast<T>((row + k) % 2);
  if (loss == core::Loss::kPoisson) return static_cast<T>((row + k) % 3);
  return static_cast<T>((row * K + k) * 5 % 16) / 8 - 1;
}

template <class T> int train(char** argv) {
  core::Architecture net{numbers(argv[2]), {}, {static_cast<core::Loss>(std::atoi(argv[4])), {}}};
  for (const Index g : numbers(argv[3]))
    net.activations.push_back(static_cast<core::Activation>(g));
  const Index n = std::atoi(argv[6]), N = net.sizes.front(), K = net.sizes.back();
  core::Settings settings;
  settings.optimizer = {static_cast<core::Optimizer>(std::atoi(argv[5])), 0.9, 0.9, 0.999, 1e-8};
  settings.l2 = 0.1;
  settings.l1 = 0.01;
  settings.dropout.assign(net.sizes.size() - 1, 0.25);
  settings.dropout[0] = 0;  // that of the input
  settings.seed = 7;
  settings.batch_size = std::atoi(argv[7]);
  settings.threads = std::atoi(argv[8]);

  std::vector<T> X, Y, weight, theta;
  for (Index i = 0; i < n * N; ++i) X.push_back(static_cast<T>(i * 37 % 64 - 32) / 32);
  for (Index i = 0; i < n * K; ++i) Y.push_back(target<T>(net.loss.loss, i / K, i % K, K));
  double total = 0;
  for (Index i = 0; i < n; ++i) {
    weight.push_back(static_cast<T>(2 + i % 4) / 4);
    total += static_cast<double>(weight.back());
  }
  for (Index i = 0; i < net.n_parameters(); ++i)
    theta.push_back(static_cast<T>(i * 29 % 64 - 32) / 128);
  std::vector<T> first(theta.size()), second(theta.size());

  constexpr Index kEpochs = 10;
  const double rate = 1e-3;
  core::Trainer<T> trainer(net, settings, n);
  core::Progress progress;
  core::Stopping never;
  std::vector<core::EpochRecord> records(kEpochs);
  trainer.run(theta.data(), first.data(), second.data(),
              {X.data(), {}, Y.data(), weight.data(), n, total}, {&rate, 1}, progress, never,
              records.data(), kEpochs, [] { return false; });
  if (trainer.status() != core::Status::kFinished) return 1;  // the bits of NaN prove nothing
  std::vector<double> costs;
  for (const auto& record : records) costs.push_back(record.cost);
  std::vector<T> H(static_cast<std::size_t>(n * K));
  core::Predictor<T>(net).predict(theta.data(), X.data(), H.data(), n, settings.threads, {});
  print("theta", theta);
  print("costs", costs);
  print("H", H);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) return 2;
  return std::string(argv[1]) == "f32" ? train<float>(argv) : train<double>(argv);
}
