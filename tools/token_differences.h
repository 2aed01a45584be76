// Where an encoding is not the expected one.
#ifndef GRAFT_TOOLS_TOKEN_DIFFERENCES_H_
#define GRAFT_TOOLS_TOKEN_DIFFERENCES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/encoding.h"
#include "tokenizers/tokenizer.h"
#include "tools/tokenizer_reference.h"

namespace graft::tools {

// The first token that differs in one field. A token behind the last one is "the end".
struct TokenDifference {
  std::string_view field;
  size_t window = 0;
  size_t token = 0;
  std::string expected, found;
};

// One difference for each of the fields that differ, in their order.
std::vector<TokenDifference> FindDifferences(const ReferenceTokens& expected, const Encoding& found,
                                             absl::Span<const TokenField> fields,
                                             const Tokenizer& tokenizer);

// The same for ids alone, named `field`.
std::optional<TokenDifference> FindIdDifference(std::string_view field,
                                                absl::Span<const int32_t> expected,
                                                absl::Span<const int32_t> found,
                                                const Tokenizer& tokenizer);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_TOKEN_DIFFERENCES_H_
