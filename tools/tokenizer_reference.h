// What another tokenizer made of a text, as a file (docs/formats.md).
#ifndef GRAFT_TOOLS_TOKENIZER_REFERENCE_H_
#define GRAFT_TOOLS_TOKENIZER_REFERENCE_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"
#include "base/text_input.h"
#include "tokenizers/encoding.h"
#include "tokenizers/tokenizer.h"
#include "tools/line_texts.h"

namespace graft::tools {

// What a reference may say of every token.
enum class TokenField { kIds, kTokens, kOffsets, kWordIds, kTypeIds, kSpecialTokensMask };
inline constexpr std::string_view kTokenFieldNames[] = {
    "ids", "tokens", "offsets", "word_ids", "type_ids", "special_tokens_mask"};
inline constexpr size_t kTokenFields = std::size(kTokenFieldNames);

struct ReferenceHeader {
  LineForm form = LineForm::kText;
  EncodeOptions options;
  OffsetUnit offsets = OffsetUnit::kCodePoints;
  std::vector<TokenField> fields;                // in the order of the enumeration, kIds among them
  std::map<std::string, std::string> made_with;  // versions, by package
};

// One encoding; vectors of fields that the header does not name are empty.
struct ReferenceTokens {
  Encoding encoding;
  std::vector<std::string> tokens;
};

// What stands for one line: the encoding, and its windows with the option `stride`.
using ReferenceRecord = std::vector<ReferenceTokens>;

// Reads records one by one. Move-only, one thread.
class TokenizerReference {
 public:
  // Reads the header. NotFound when there is no such file; InvalidArgument for another format, an
  // unknown version and unknown members of the options; DataLoss for malformed text.
  static absl::StatusOr<TokenizerReference> Open(const std::string& path);

  const ReferenceHeader& header() const { return header_; }
  // The next record; false at the end. Errors name file, line and JSON path.
  absl::StatusOr<bool> Next(ReferenceRecord& record);
  // "reference.jsonl:17": the record that Next() gave last.
  std::string Place() const;

 private:
  explicit TokenizerReference(TextInput input) : input_(std::move(input)) {}
  // The next line; nullopt at the end.
  absl::StatusOr<std::optional<JsonDocument>> NextDocument();

  TextInput input_;
  std::string line_;
  ReferenceHeader header_;
};

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_TOKENIZER_REFERENCE_H_
