// What the readers of components have in common. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_COMPONENT_ROW_H_
#define GRAFT_TOKENIZERS_FILES_COMPONENT_ROW_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/json.h"
#include "tokenizers/normalizers/normalizer.h"
#include "tokenizers/pre_tokenizers/pre_tokenizer.h"

namespace graft {

inline constexpr size_t kMaxSteps = 64;

// One type of component and the reader of its options.
template <typename Step>
struct StepReader {
  std::string_view type;
  absl::StatusOr<Step> (*read)(const JsonValue& object);
};

// Refuses a type that is not among these.
template <typename Reader>
absl::StatusOr<const Reader*> FindReader(const JsonValue& object, absl::Span<const Reader> readers,
                                         std::string_view also) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue type, object.Get("type"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view found, type.AsString());
  std::string known(also);
  for (const Reader& reader : readers) {
    if (reader.type == found) return &reader;
    absl::StrAppend(&known, known.empty() ? "" : ", ", reader.type);
  }
  return type.Error(absl::StrCat("expected one of ", known, ", found '", found, "'"));
}

// Appends the steps of a component; those of a Sequence stand in its member `list_key`.
template <typename Step>
absl::Status ReadSteps(const JsonValue& object, std::string_view list_key,
                       absl::Span<const StepReader<Step>> readers, std::vector<Step>& steps) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view type, object.GetString("type"));
  if (type == "Sequence") {
    ABSL_ASSIGN_OR_RETURN(const JsonValue list, object.Get(list_key));
    ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, list.AsArray());
    for (const JsonValue& entry : entries) {
      ABSL_RETURN_IF_ERROR(ReadSteps(entry, list_key, readers, steps));
    }
    return absl::OkStatus();
  }
  ABSL_ASSIGN_OR_RETURN(const StepReader<Step>* reader, FindReader(object, readers, "Sequence"));
  ABSL_ASSIGN_OR_RETURN(Step step, reader->read(object));
  if (steps.size() == kMaxSteps) {
    return object.Error(absl::StrCat("expected at most ", kMaxSteps, " steps, found more"));
  }
  steps.push_back(std::move(step));
  return absl::OkStatus();
}

// A member that must be there.
absl::StatusOr<bool> GetBool(const JsonValue& object, std::string_view key);
// {"String": "a"} or {"Regex": "a+"}
absl::StatusOr<Pattern> ReadPattern(const JsonValue& object);
// What replaces or stands before a text: a string of at most kMaxTokenBytes.
absl::StatusOr<std::string_view> GetInsertion(const JsonValue& object, std::string_view key);
// A string of one character; `absent` when there is none.
absl::StatusOr<char32_t> GetChar(const JsonValue& object, std::string_view key, char32_t absent);
// "always", "first" or "never"; files of old versions have `add_prefix_space` in its place.
absl::StatusOr<Metaspace::Prepend> ReadPrependScheme(const JsonValue& object);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_COMPONENT_ROW_H_
