#include "models/kernels/word_lookup.h"

#include <ATen/ops/_sparse_coo_tensor_unsafe.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "models/kernels/autograd.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {
namespace {

// The row of the table of each token, -1 without: int32 [tokens].
at::Tensor TableRows(const at::Tensor& ids, const WordRows& words, int64_t table_size,
                     int64_t tokens) {
  const int32_t* id = ids.const_data_ptr<int32_t>();
  const int32_t* row_of_word =
      table_size == 0 ? nullptr : words.table_rows.const_data_ptr<int32_t>();
  const int64_t size = words.vectors.size(0);
  at::Tensor rows = at::empty({tokens}, ids.options());
  int32_t* row = rows.mutable_data_ptr<int32_t>();
  for (int64_t token = 0; token < tokens; ++token) {
    TORCH_CHECK(id[token] >= 0 && id[token] < size, "WordLookup: id ", id[token], " of token ",
                token, " is outside of ", size, " words");
    row[token] = table_size == 0 ? -1 : row_of_word[id[token]];
    TORCH_CHECK(row[token] < table_size, "WordLookup: row ", row[token], " of word ", id[token],
                " is outside the table of ", table_size);
  }
  return rows;
}

at::Tensor Forward(const at::Tensor& ids, const at::Tensor& rows, const at::Tensor& vectors,
                   const at::Tensor& table) {
  const int64_t width = vectors.size(1), tokens = rows.size(0);
  at::Tensor result = at::empty({ids.size(0), width}, at::kFloat);
  const int32_t *id = ids.const_data_ptr<int32_t>(), *row = rows.const_data_ptr<int32_t>();
  const float* given = vectors.const_data_ptr<float>();
  const float* trained = table.defined() ? table.const_data_ptr<float>() : nullptr;
  float* target = result.mutable_data_ptr<float>();
  ParallelFor(tokens, RowGrain(width), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const float* source =
          row[token] < 0 ? given + id[token] * width : trained + row[token] * width;
      std::copy_n(source, width, target + token * width);
    }
  });
  std::fill(target + tokens * width, target + ids.size(0) * width, 0.0f);
  return result;
}

// The tokens that have a row of the table, by row, each row's in their order.
std::vector<int64_t> TokensByRow(const at::Tensor& rows) {
  const int32_t* row = rows.const_data_ptr<int32_t>();
  std::vector<int64_t> tokens;
  for (int64_t token = 0; token < rows.size(0); ++token) {
    if (row[token] >= 0) tokens.push_back(token);
  }
  std::stable_sort(tokens.begin(), tokens.end(),
                   [row](int64_t a, int64_t b) { return row[a] < row[b]; });
  return tokens;
}

at::Tensor Backward(const at::Tensor& rows, const at::Tensor& dy, int64_t table_size) {
  const std::vector<int64_t> tokens = TokensByRow(rows);
  const int32_t* row = rows.const_data_ptr<int32_t>();
  std::vector<size_t> begins;  // of each row's tokens, and their end
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i == 0 || row[tokens[i]] != row[tokens[i - 1]]) begins.push_back(i);
  }
  const auto count = static_cast<int64_t>(begins.size()), width = dy.size(1);
  begins.push_back(tokens.size());
  const at::Tensor indices = at::empty({1, count}, at::kLong);
  const at::Tensor values = at::zeros({count, width}, dy.options());
  const float* upstream = dy.const_data_ptr<float>();
  int64_t* index = indices.mutable_data_ptr<int64_t>();
  float* value = values.mutable_data_ptr<float>();
  ParallelFor(count, RowGrain(width), [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      index[r] = row[tokens[begins[r]]];
      for (size_t i = begins[r]; i < begins[r + 1]; ++i) {
        AddTo(value + r * width, upstream + tokens[i] * width, width);
      }
    }
  });
  return at::_sparse_coo_tensor_unsafe(indices, values, {table_size, width},
                                       dy.options().layout(at::kSparse),
                                       /*is_coalesced=*/true);
}

struct WordLookupFunction : torch::autograd::Function<WordLookupFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& ids, const at::Tensor& rows,
                            const at::Tensor& vectors, const at::Tensor& table) {
    context->saved_data["rows"] = rows;
    context->saved_data["table_size"] = table.size(0);
    return Forward(ids, rows, vectors, table);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {{},
            {},
            {},
            Backward(context->saved_data["rows"].toTensor(), Upstream(gradients),
                     context->saved_data["table_size"].toInt())};
  }
};

void CheckInts(const at::Tensor& x, int64_t size, const char* what) {
  TORCH_CHECK(x.scalar_type() == at::kInt && x.is_contiguous() && x.dim() == 1 &&
                  x.size(0) == size && x.device().is_cpu(),
              what, ": expected contiguous int32 [", size, "] on the CPU");
}

}  // namespace

at::Tensor WordLookup(const at::Tensor& ids, const WordRows& words, const at::Tensor& table,
                      const Segments& segments) {
  CheckInts(ids, ids.numel(), "WordLookup's ids");
  CheckSegments(segments, ids.size(0));
  CheckFloats(words.vectors, 2, "WordLookup's vectors");
  TORCH_CHECK(words.vectors.is_contiguous(), "WordLookup: expected contiguous vectors");
  if (table.defined()) {
    CheckInts(words.table_rows, words.vectors.size(0), "WordLookup's rows of the table");
    CheckFloats(table, 2, "WordLookup's table");
    TORCH_CHECK(table.is_contiguous() && table.size(1) == words.vectors.size(1),
                "WordLookup: expected a contiguous table of width ", words.vectors.size(1));
  }
  const at::Tensor rows =
      TableRows(ids, words, table.defined() ? table.size(0) : 0, segments.tokens);
  if (!RecordsGradient(table)) return Forward(ids, rows, words.vectors, table);
  return WordLookupFunction::apply(ids, rows, words.vectors, table);
}

}  // namespace graft
