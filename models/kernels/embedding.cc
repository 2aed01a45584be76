#include "models/kernels/embedding.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "models/kernels/autograd.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {

namespace {

// One table and the row of it that each token takes.
struct Lookup {
  const int32_t* ids;  // [R]
  const float* table;  // [V, width]
  int64_t width;

  const float* Row(int64_t token) const { return table + ids[token] * width; }
};

Lookup MakeLookup(const at::Tensor& ids, const at::Tensor& table) {
  return {ids.const_data_ptr<int32_t>(), table.const_data_ptr<float>(), table.size(1)};
}

void Check(const at::Tensor& ids, const at::Tensor& table, int64_t rows, int64_t tokens,
           const char* what) {
  TORCH_CHECK(ids.scalar_type() == at::kInt && ids.is_contiguous() && ids.dim() == 1 &&
                  ids.size(0) == rows && tokens <= rows && ids.device().is_cpu(),
              what, ": expected contiguous int32 [", rows, "] on the CPU");
  CheckFloats(table, 2, what);
  TORCH_CHECK(table.is_contiguous(), what, ": expected a contiguous table");
  const int32_t* id = ids.const_data_ptr<int32_t>();
  const int64_t size = table.size(0);
  for (int64_t token = 0; token < tokens; ++token) {
    TORCH_CHECK(id[token] >= 0 && id[token] < size, what, ": id ", id[token], " of token ", token,
                " is outside the table of ", size);
  }
}

// Rows of no text become zero; their ids are not read.
at::Tensor Forward(const std::vector<Lookup>& lookups, int64_t rows, int64_t tokens) {
  const int64_t width = lookups[0].width;
  at::Tensor sum = at::empty({rows, width}, at::kFloat);
  float* target = sum.mutable_data_ptr<float>();
  ParallelFor(tokens, RowGrain(width), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      std::copy_n(lookups[0].Row(token), width, target + token * width);
      for (size_t i = 1; i < lookups.size(); ++i) {
        AddTo(target + token * width, lookups[i].Row(token), width);
      }
    }
  });
  std::fill(target + tokens * width, target + rows * width, 0.0f);
  return sum;
}

// Every thread owns some columns and goes through the tokens in order: the same sums in the same
// order for every number of threads.
at::Tensor Backward(const at::Tensor& ids, int64_t table_rows, const at::Tensor& dy,
                    int64_t tokens) {
  const int64_t width = dy.size(1);
  at::Tensor gradient = at::zeros({table_rows, width}, dy.options());
  const float* upstream = dy.const_data_ptr<float>();
  const int32_t* id = ids.const_data_ptr<int32_t>();
  float* target = gradient.mutable_data_ptr<float>();
  constexpr int64_t kColumns = 16;  // a cache line
  const int64_t groups = (width + kColumns - 1) / kColumns;
  ParallelFor(groups, 4, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * kColumns, count = std::min(width, end * kColumns) - first;
    for (int64_t token = 0; token < tokens; ++token) {
      AddTo(target + id[token] * width + first, upstream + token * width + first, count);
    }
  });
  return gradient;
}

// Index tensors int32 [R]; those of tables that are left out may be undefined.
struct Indices {
  at::Tensor ids, positions, type_ids;
};

struct EmbeddingFunction : torch::autograd::Function<EmbeddingFunction> {
  static at::Tensor forward(AutogradContext* context, const Indices& indices,
                            const at::Tensor& word, const std::optional<at::Tensor>& position,
                            const std::optional<at::Tensor>& type, int64_t tokens) {
    std::vector<Lookup> lookups = {MakeLookup(indices.ids, word)};
    if (position.has_value()) lookups.push_back(MakeLookup(indices.positions, *position));
    if (type.has_value()) lookups.push_back(MakeLookup(indices.type_ids, *type));
    context->save_for_backward({indices.ids, indices.positions, indices.type_ids});
    context->saved_data["tokens"] = tokens;
    context->saved_data["sizes"] =
        std::vector<int64_t>{word.size(0), position.has_value() ? position->size(0) : 0,
                             type.has_value() ? type->size(0) : 0};
    return Forward(lookups, indices.ids.size(0), tokens);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list indices = context->get_saved_variables();
    const std::vector<int64_t> sizes = context->saved_data["sizes"].toIntVector();
    const at::Tensor dy = Upstream(gradients);
    variable_list result(5);
    size_t edge = 0;  // counts the tables that are there
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0 || !context->needs_input_grad(edge++)) continue;
      result[i + 1] = Backward(indices[i], sizes[i], dy, context->saved_data["tokens"].toInt());
    }
    return result;
  }
};

}  // namespace

at::Tensor EmbeddingSum(const at::Tensor& ids, const at::Tensor& positions,
                        const at::Tensor& type_ids, const at::Tensor& word,
                        const at::Tensor& position, const at::Tensor& type,
                        const Segments& segments) {
  const int64_t tokens = segments.tokens, rows = ids.size(0);
  Check(ids, word, rows, tokens, "word embeddings");
  std::vector<Lookup> lookups = {MakeLookup(ids, word)};
  const auto add = [&](const at::Tensor& indices, const at::Tensor& table, const char* what) {
    if (!table.defined()) return;
    Check(indices, table, rows, tokens, what);
    TORCH_CHECK(table.size(1) == word.size(1), what, ": width ", table.size(1), ", words have ",
                word.size(1));
    lookups.push_back(MakeLookup(indices, table));
  };
  add(positions, position, "position embeddings");
  add(type_ids, type, "type embeddings");
  if (!RecordsGradient(word, position, type)) return Forward(lookups, rows, tokens);
  return EmbeddingFunction::apply(Indices{ids, positions, type_ids}, word, IfDefined(position),
                                  IfDefined(type), tokens);
}

}  // namespace graft
