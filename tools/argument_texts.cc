#include "tools/argument_texts.h"

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace graft::tools {

absl::Status CheckArgumentTexts(absl::Span<const std::string> texts, InvalidUtf8 policy) {
  if (policy == InvalidUtf8::kReplace) return absl::OkStatus();
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto bad = FindInvalidUtf8(texts[i]);
    if (!bad) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("text ", i + 1, " of the command line: byte ", *bad,
                     ": expected UTF-8, found an ill-formed sequence"));
  }
  return absl::OkStatus();
}

std::vector<std::string> ReplacedTexts(absl::Span<const std::string> texts) {
  std::vector<std::string> replaced;
  for (const std::string& text : texts) replaced.push_back(ReplaceInvalidUtf8(text));
  return replaced;
}

}  // namespace graft::tools
