// The part of graft.json that models over word vectors have (docs/formats.md).
#ifndef GRAFT_TASKS_WORD_MODEL_JSON_H_
#define GRAFT_TASKS_WORD_MODEL_JSON_H_

#include "absl/status/statusor.h"
#include "base/json.h"
#include "nlohmann/json_fwd.hpp"
#include "tasks/word_model.h"

namespace graft {

// The members `words`, `composer` and `dropout` of the file's object; InvalidArgument where they
// are missing, out of range or contradict one another. Thread-safe.
absl::StatusOr<WordModelSettings> ReadWordModelSettings(const JsonValue& root);

// Adds them.
void AddWordModelSettings(const WordModelSettings& settings, nlohmann::ordered_json& json);

}  // namespace graft

#endif  // GRAFT_TASKS_WORD_MODEL_JSON_H_
