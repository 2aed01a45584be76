// The model of a tokenizer.json. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_MODELS_JSON_H_
#define GRAFT_TOKENIZERS_FILES_MODELS_JSON_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "tokenizers/models/model.h"
#include "tokenizers/vocabulary.h"

namespace graft {

struct ModelOfJson {
  std::string type;
  std::unique_ptr<const TokenModel> model;
};

// `object` is the member `model`; `vocabulary` what its member `vocab` holds, when that is an
// object. InvalidArgument with the JSON path for a model that is not as its type demands.
absl::StatusOr<ModelOfJson> ReadModel(const JsonValue& object,
                                      std::optional<Vocabulary> vocabulary);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_MODELS_JSON_H_
