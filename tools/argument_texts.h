// Texts of the command line.
#ifndef GRAFT_TOOLS_ARGUMENT_TEXTS_H_
#define GRAFT_TOOLS_ARGUMENT_TEXTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/text_input.h"

namespace graft::tools {

// Whether they are UTF-8, which the command line alone shows; with kReplace they need not be.
absl::Status CheckArgumentTexts(absl::Span<const std::string> texts, InvalidUtf8 policy);

// Ill-formed parts as U+FFFD.
std::vector<std::string> ReplacedTexts(absl::Span<const std::string> texts);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_ARGUMENT_TEXTS_H_
