// A text's numbers do not depend on its company: the same bits alone, first, last, in any order.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/kernels/activation.h"
#include "models/kernels/attention.h"
#include "models/kernels/dropout.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"
#include "models/kernels/pooling.h"
#include "models/kernels/rotary.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

constexpr int64_t kHidden = 96, kHeads = 3;
const std::vector<int> kLengths = {25, 1, 60, 7, 2, 131, 16, 48, 3};

// An operation on a packed batch: [R, 3H] of inputs, [R] ids, segments to [R or B, ...].
using Operation = std::function<at::Tensor(const at::Tensor&, const at::Tensor&, const Segments&)>;

struct Named {
  std::string name;
  bool per_text;  // one row a text
  Operation run;
};

std::vector<std::pair<std::string, AttentionOptions>> AttentionKinds() {
  const int64_t distances = 2 * 140 - 1;
  const at::Tensor scores = Random({kHeads, distances}), keys = Random({distances, kHidden});
  const at::Tensor queries = Random({distances, kHidden});
  return {{"causal", {.after = 0}},
          {"a window", {.before = 20, .after = 9}},
          {"scores by distance", {.scores = scores}},
          {"keys by distance", {.keys = keys}},
          {"queries by distance", {.queries = queries}},
          {"all", {.before = 30, .after = 50, .scores = scores, .keys = keys, .queries = queries}}};
}

std::vector<Named> Operations() {
  const at::Tensor vector = Random({kHidden}), wide = Random({3 * kHidden});
  const at::Tensor weight = Random({200, 3 * kHidden}), table = Random({40, kHidden});
  const auto first = [](const at::Tensor& x) { return x.narrow(1, 0, kHidden).clone(); };
  const DropoutKey dropout = {.rate = 0.3, .seed = 11, .site = 3};
  std::vector<Named> operations;
  const auto add = [&](std::string name, bool per_text, Operation run) {
    operations.push_back({std::move(name), per_text, std::move(run)});
  };
  add("Linear", false, [=](const at::Tensor& x, const at::Tensor&, const Segments&) {
    return Linear(x, weight, {});
  });
  for (const Activation kind : {Activation::kGelu, Activation::kGeluTanh, Activation::kTanh}) {
    add("BiasActivation " + std::to_string(static_cast<int>(kind)), false,
        [=](const at::Tensor& x, const at::Tensor&, const Segments&) {
          return BiasActivation(x.clone(), wide, kind);
        });
  }
  add("GatedActivation", false, [=](const at::Tensor& x, const at::Tensor&, const Segments&) {
    return GatedActivation(x.narrow(1, 0, 2 * kHidden), {}, Activation::kGelu);
  });
  const RotaryTables rotary = MakeRotaryTables(RotaryFrequencies(1000, 1, kHidden / kHeads), 40);
  add("Rotate", false, [=](const at::Tensor& x, const at::Tensor& ids, const Segments&) {
    return Rotate(x.clone(), wide, ids, rotary.cosine, rotary.sine, kHeads);
  });
  add("EmbeddingSum", false, [=](const at::Tensor&, const at::Tensor& ids, const Segments& s) {
    return EmbeddingSum(ids, ids, {}, table, table, {}, s);
  });
  for (const DropoutKey& key : {DropoutKey(), dropout}) {
    const std::string suffix = key.active() ? " with dropout" : "";
    add("Attention" + suffix, false,
        [=](const at::Tensor& x, const at::Tensor&, const Segments& s) {
          return Attention(x, wide, s, kHeads, {}, key);
        });
    for (const auto& [name, options] : AttentionKinds()) {
      add("Attention, " + name + suffix, false,
          [=](const at::Tensor& x, const at::Tensor&, const Segments& s) {
            return Attention(x, wide, s, kHeads, options, key);
          });
    }
    add("ResidualLayerNorm" + suffix, false,
        [=](const at::Tensor& x, const at::Tensor&, const Segments& s) {
          return ResidualLayerNorm(first(x), vector, x.narrow(1, kHidden, kHidden).contiguous(),
                                   vector, vector, 1e-12, s, key);
        });
    add("Dropout" + suffix, false, [=](const at::Tensor& x, const at::Tensor&, const Segments& s) {
      return Dropout(x, s, key);
    });
  }
  for (Pooling pooling : {Pooling::kCls, Pooling::kMean, Pooling::kMax, Pooling::kLast}) {
    add("Pool", true, [=](const at::Tensor& x, const at::Tensor&, const Segments& s) {
      return Pool(x, s, pooling);
    });
  }
  return operations;
}

// The texts of a batch with random rows, to be put together in any order.
struct Texts {
  std::vector<at::Tensor> rows;  // [T, 3H] each
  std::vector<at::Tensor> ids;   // int32 [T] each

  Texts() {
    for (int length : kLengths) {
      rows.push_back(Random({length, 3 * kHidden}));
      ids.push_back(at::randint(40, {length}, at::kInt));
    }
  }

  // What the operation gives for these texts, one tensor a text. Rows of no text hold `filling`.
  std::vector<at::Tensor> Run(const Named& operation, const std::vector<int>& order,
                              float filling) const {
    std::vector<at::Tensor> packed, packed_ids;
    std::vector<int> lengths;
    for (int text : order) {
      packed.push_back(rows[text]);
      packed_ids.push_back(ids[text]);
      lengths.push_back(kLengths[text]);
    }
    const Segments segments = MakeSegments(lengths, order);
    const int64_t tail = 5;
    packed.push_back(at::full({tail, 3 * kHidden}, filling));
    packed_ids.push_back(at::zeros({tail}, at::kInt));
    const at::Tensor out = operation.run(at::cat(packed), at::cat(packed_ids), segments);
    EXPECT_TRUE(at::isfinite(out).all().item<bool>());
    std::vector<at::Tensor> results;
    int64_t row = 0;
    for (int length : lengths) {
      const int64_t count = operation.per_text ? 1 : length;
      results.push_back(out.narrow(0, row, count));
      row += count;
    }
    return results;
  }
};

const std::vector<std::vector<int>> kOrders = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8}, {8, 7, 6, 5, 4, 3, 2, 1, 0}, {4, 5, 1}, {1, 5, 4, 2}};

TEST(CompanyTest, EveryOperationGivesATextTheSameBitsAloneAndInAnyCompany) {
  const at::NoGradGuard no_grad;
  OnEveryCodePath([] {
    const Texts texts;
    for (const Named& operation : Operations()) {
      SCOPED_TRACE(operation.name);
      std::vector<at::Tensor> alone;
      for (int text = 0; text < static_cast<int>(kLengths.size()); ++text) {
        alone.push_back(texts.Run(operation, {text}, 0).front());
      }
      for (const std::vector<int>& order : kOrders) {
        const std::vector<at::Tensor> together = texts.Run(operation, order, 1e4f);
        for (size_t i = 0; i < order.size(); ++i) {
          EXPECT_TRUE(SameBits(together[i], alone[order[i]])) << "text " << order[i];
        }
      }
    }
  });
}

TEST(CompanyTest, EveryOperationGivesTheSameBitsForEveryNumberOfThreads) {
  const at::NoGradGuard no_grad;
  OnEveryCodePath([] {
    const Texts texts;
    for (const Named& operation : Operations()) {
      SCOPED_TRACE(operation.name);
      const std::vector<at::Tensor> expected = texts.Run(operation, kOrders[0], 0);
      WithThreads([&] {
        const std::vector<at::Tensor> found = texts.Run(operation, kOrders[0], 0);
        for (size_t i = 0; i < found.size(); ++i) {
          EXPECT_TRUE(SameBits(found[i], expected[i])) << "text " << i;
        }
      });
    }
  });
}

TEST(CompanyTest, TrainingGivesTheForwardBitsOfInference) {
  const Texts texts;
  for (const Named& operation : Operations()) {
    SCOPED_TRACE(operation.name);
    std::vector<at::Tensor> inference;
    {
      const at::NoGradGuard no_grad;
      inference = texts.Run(operation, kOrders[0], 0);
    }
    Texts training = texts;
    for (at::Tensor& rows : training.rows) rows = Leaf(rows);
    const std::vector<at::Tensor> found = training.Run(operation, kOrders[0], 0);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_TRUE(SameBits(found[i].detach(), inference[i])) << "text " << i;
    }
  }
}

}  // namespace
}  // namespace graft
