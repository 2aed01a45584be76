// Time of every kernel at the shapes of MiniLM (H = 384, 12 heads, 1536 inside), next to the matrix
// products of the layer. SST-2-like batches hold texts of 25 tokens, long ones texts of 200; both
// 1,024 rows. GRAFT_THREADS sets the threads (default 2), GRAFT_CODE_PATH names a code path.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/code_path.h"
#include "models/kernels/activation.h"
#include "models/kernels/attention.h"
#include "models/kernels/dropout.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"
#include "models/kernels/optimizer_step.h"
#include "models/kernels/pooling.h"

namespace graft {
namespace {

constexpr int64_t kHidden = 384, kInner = 1536, kHeads = 12, kRows = 1024, kVocabulary = 30522;

Segments Texts(int64_t length) {
  std::vector<int> starts = {0}, text_ids;
  while (starts.back() + length <= kRows) {
    text_ids.push_back(static_cast<int>(text_ids.size()));
    starts.push_back(starts.back() + static_cast<int>(length));
  }
  return {.starts = at::tensor(starts, at::kInt),
          .text_ids = at::tensor(text_ids, at::kInt),
          .tokens = starts.back(),
          .longest = length};
}

DropoutKey Key(bool active) { return {.rate = active ? 0.1 : 0.0, .seed = 1, .site = 2}; }

at::Tensor Leaf(at::IntArrayRef sizes, bool gradients) {
  return at::randn(sizes).mul_(0.05).requires_grad_(gradients);
}

// Runs forward, and backward too when one of the leaves records gradients.
template <typename Operation>
void Measure(benchmark::State& state, const std::vector<at::Tensor>& leaves,
             const Operation& operation) {
  const bool gradients = leaves.front().requires_grad();
  const at::AutoGradMode mode(gradients);
  const at::Tensor upstream = at::ones_like(operation());
  for (auto _ : state) {
    const at::Tensor y = operation();
    if (gradients) y.backward(upstream);
    benchmark::DoNotOptimize(y.const_data_ptr());
    for (const at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor();
  }
}

void MatrixProduct(benchmark::State& state) {
  const int64_t rows = state.range(0), depth = state.range(1), width = state.range(2);
  const bool gradients = state.range(3) != 0;
  const at::Tensor x = at::randn({rows, depth}).requires_grad_(gradients);
  const at::Tensor weight = at::randn({width, depth}).requires_grad_(gradients);
  Measure(state, {x, weight}, [&] { return Linear(x, weight, {}); });
  const double operations = (gradients ? 6e-9 : 2e-9) * static_cast<double>(rows * depth * width);
  state.counters["GFLOP/s"] =
      benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(MatrixProduct)
    ->ArgNames({"rows", "depth", "width", "backward"})
    ->ArgsProduct({{kRows}, {kHidden}, {kHidden, 3 * kHidden, kInner}, {0, 1}})
    ->ArgsProduct({{kRows}, {kInner}, {kHidden}, {0, 1}})
    ->ArgsProduct({{1, 10, 40, 60, 100, 200}, {kHidden}, {kInner}, {0}})
    ->UseRealTime();

void RunAttention(benchmark::State& state) {
  const bool gradients = state.range(1) != 0;
  const Segments segments = Texts(state.range(0));
  const at::Tensor qkv = Leaf({kRows, 3 * kHidden}, gradients);
  const at::Tensor bias = Leaf({3 * kHidden}, gradients);
  Measure(state, {qkv, bias},
          [&] { return Attention(qkv, bias, segments, kHeads, {}, Key(state.range(2) != 0)); });
}
BENCHMARK(RunAttention)
    ->ArgNames({"tokens", "backward", "dropout"})
    ->ArgsProduct({{25, 200, 512}, {0}, {0}})
    ->ArgsProduct({{25, 200, 512}, {1}, {0, 1}})
    ->UseRealTime();

// Encoders that are not BERT, next to BERT's attention over the same texts (kind 0).
enum AttentionKind { kPlainAttention, kCausal, kWindowOf64, kMpnet, kDeberta };

void RunAttentionKind(benchmark::State& state) {
  const int64_t kind = state.range(0), tokens = state.range(1), distances = 2 * tokens - 1;
  const bool gradients = state.range(2) != 0;
  const Segments segments = Texts(tokens);
  const at::Tensor qkv = Leaf({kRows, 3 * kHidden}, gradients);
  const at::Tensor bias = Leaf({3 * kHidden}, gradients);
  AttentionOptions options;
  std::vector<at::Tensor> leaves = {qkv, bias};
  const auto table = [&](at::IntArrayRef sizes) {
    leaves.push_back(Leaf(sizes, gradients));
    return leaves.back();
  };
  if (kind == kCausal) options.after = 0;
  if (kind == kWindowOf64) options.before = options.after = 64;
  if (kind == kMpnet) options.scores = table({kHeads, distances});
  if (kind == kDeberta) {
    options.keys = table({distances, kHidden});
    options.queries = table({distances, kHidden});
  }
  Measure(state, leaves,
          [&] { return Attention(qkv, bias, segments, kHeads, options, Key(false)); });
}
BENCHMARK(RunAttentionKind)
    ->ArgNames({"kind", "tokens", "backward"})
    ->ArgsProduct({{kPlainAttention, kCausal}, {512}, {0, 1}})
    ->ArgsProduct({{kPlainAttention, kWindowOf64}, {1024}, {0, 1}})
    ->ArgsProduct({{kPlainAttention, kMpnet, kDeberta}, {128}, {0, 1}})
    ->ArgsProduct({{kPlainAttention, kMpnet, kDeberta}, {25}, {0, 1}})
    ->UseRealTime();

void RunBiasActivation(benchmark::State& state) {
  const bool gradients = state.range(0) != 0;
  // Without gradients the values stay what the last call made of them; the work is the same.
  const at::Tensor x = Leaf({kRows, kInner}, gradients), bias = Leaf({kInner}, gradients);
  Measure(state, {x, bias}, [&] { return BiasActivation(x, bias, Activation::kGelu); });
}
BENCHMARK(RunBiasActivation)->ArgName("backward")->Arg(0)->Arg(1)->UseRealTime();

void RunResidualLayerNorm(benchmark::State& state) {
  const bool gradients = state.range(0) != 0;
  const Segments segments = Texts(25);
  const at::Tensor x = Leaf({kRows, kHidden}, gradients), bias = Leaf({kHidden}, gradients);
  const at::Tensor residual = Leaf({kRows, kHidden}, gradients);
  const at::Tensor gamma = Leaf({kHidden}, gradients), beta = Leaf({kHidden}, gradients);
  Measure(state, {x, bias, residual, gamma, beta}, [&] {
    return ResidualLayerNorm(x, bias, residual, gamma, beta, 1e-12, segments,
                             Key(state.range(1) != 0));
  });
}
BENCHMARK(RunResidualLayerNorm)
    ->ArgNames({"backward", "dropout"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({1, 1})
    ->UseRealTime();

void RunDropout(benchmark::State& state) {
  const Segments segments = Texts(25);
  const at::Tensor x = Leaf({kRows, kHidden}, false);
  Measure(state, {x}, [&] { return Dropout(x, segments, Key(true)); });
}
BENCHMARK(RunDropout)->UseRealTime();

void RunEmbeddingSum(benchmark::State& state) {
  const bool gradients = state.range(0) != 0;
  const Segments segments = Texts(25);
  const at::Tensor ids = at::randint(kVocabulary, {kRows}, at::kInt);
  const at::Tensor positions = at::randint(512, {kRows}, at::kInt);
  const at::Tensor types = at::zeros({kRows}, at::kInt);
  const at::Tensor word = Leaf({kVocabulary, kHidden}, gradients);
  const at::Tensor position = Leaf({512, kHidden}, gradients);
  const at::Tensor type = Leaf({2, kHidden}, gradients);
  Measure(state, {word, position, type},
          [&] { return EmbeddingSum(ids, positions, types, word, position, type, segments); });
}
BENCHMARK(RunEmbeddingSum)->ArgName("backward")->Arg(0)->Arg(1)->UseRealTime();

void RunPool(benchmark::State& state) {
  const bool gradients = state.range(0) != 0;
  const Segments segments = Texts(25);
  const at::Tensor x = Leaf({kRows, kHidden}, gradients);
  Measure(state, {x}, [&] { return Pool(x, segments, Pooling::kMean); });
}
BENCHMARK(RunPool)->ArgName("backward")->Arg(0)->Arg(1)->UseRealTime();

// All 22.7 million parameters of MiniLM.
void RunAdamW(benchmark::State& state) {
  const at::Tensor parameter = at::randn({22'700'000}), gradient = at::randn({22'700'000});
  const at::Tensor first = at::zeros_like(parameter), second = at::zeros_like(parameter);
  int64_t step = 0;
  for (auto _ : state) AdamWStep(parameter, gradient, first, second, {}, 1, ++step);
}
BENCHMARK(RunAdamW)->UseRealTime();

void RunGlobalNorm(benchmark::State& state) {
  const std::vector<at::Tensor> gradients = {at::randn({22'700'000})};
  for (auto _ : state) benchmark::DoNotOptimize(GlobalNorm(gradients));
}
BENCHMARK(RunGlobalNorm)->UseRealTime();

}  // namespace
}  // namespace graft

int main(int argc, char** argv) {
  const char* threads = std::getenv("GRAFT_THREADS");
  at::set_num_threads(threads == nullptr ? 2 : std::atoi(threads));
  const char* wanted = std::getenv("GRAFT_CODE_PATH");
  for (graft::CodePath path : graft::SupportedCodePaths()) {
    if (wanted != nullptr && graft::CodePathName(path) == std::string(wanted)) {
      graft::ForceCodePath(path);
    }
  }
  benchmark::AddCustomContext("code path", graft::CodePathName(graft::ActiveCodePath()));
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
