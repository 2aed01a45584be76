// graft.json: what graft knows about a model folder and the formats of others cannot say
// (docs/formats.md).
#ifndef GRAFT_TASKS_GRAFT_JSON_H_
#define GRAFT_TASKS_GRAFT_JSON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/kernels/pooling.h"
#include "tasks/word_model.h"

namespace graft {

inline constexpr int64_t kGraftJsonVersion = 1;

struct GraftJson {
  std::vector<std::string> labels;  // by class
  Pooling pooling = Pooling::kCls;
  bool pooler = true;      // the head of the family's own checkpoints (BERT: with its pooler)
  int64_t max_length = 0;  // tokens, special tokens counted
  std::map<std::string, std::string> training;  // how it was trained, for people
  // Of a model over word vectors, which has no pooling and no pooler.
  std::optional<WordModelSettings> words = {};
};

// Another format or version than this one's is refused. Thread-safe.
absl::StatusOr<GraftJson> ReadGraftJson(const std::string& path);

// The text of the file.
std::string FormatGraftJson(const GraftJson& settings);

}  // namespace graft

#endif  // GRAFT_TASKS_GRAFT_JSON_H_
