// The tokens that the files beside a vocabulary name. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_FOLDER_TOKENS_H_
#define GRAFT_TOKENIZERS_FILES_FOLDER_TOKENS_H_

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"
#include "tokenizers/added_tokens.h"

namespace graft {

// The named tokens, in the order in which transformers adds them.
enum class TokenName { kBos, kEos, kUnk, kSep, kPad, kCls, kMask };
inline constexpr std::string_view kTokenKeys[] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};
inline constexpr size_t kTokenNames = std::size(kTokenKeys);

// A token as a file gives it: a plain string, or an object with flags. The difference shows when a
// token is named twice.
struct FolderToken {
  AddedToken token;
  bool plain = false;

  const std::string& content() const { return token.content; }
};

// {"content": "[MASK]", "lstrip": true, ...}, as every file writes tokens; `special` holds where it
// does not say. What is special is not normalized unless it says so. The id is left to the caller.
absl::StatusOr<AddedToken> ReadTokenObject(const JsonValue& object, bool special);

// A token that a plain string stands for.
FolderToken PlainToken(std::string_view content);

// A JSON file that may be absent: nullopt then. Errors as JsonDocument::Load's.
absl::StatusOr<std::optional<JsonDocument>> LoadOptionalJson(const std::string& path);

// The JSON files of a folder; nullopt where a file is not there.
struct FolderFiles {
  std::optional<JsonDocument> config;              // config.json
  std::optional<JsonDocument> tokenizer_config;    // tokenizer_config.json
  std::optional<JsonDocument> special_tokens_map;  // special_tokens_map.json
  std::optional<JsonDocument> added_tokens;        // added_tokens.json
};

// What transformers 5 knows of a folder's tokens before it builds the tokenizer.
struct FolderTokens {
  // `added_tokens_decoder` of tokenizer_config.json, else added_tokens.json; by id.
  std::vector<AddedToken> listed;
  std::array<std::optional<FolderToken>, kTokenNames> named;
  // Other keys that end with _token.
  std::vector<FolderToken> own;
  // nullopt where the files say nothing: what the vocabulary marks is then taken.
  std::optional<std::vector<FolderToken>> extra;
  // additional_special_tokens of special_tokens_map.json, which only counts without the above.
  std::optional<std::vector<FolderToken>> additional;

  const std::optional<FolderToken>& operator[](TokenName name) const {
    return named[static_cast<size_t>(name)];
  }
  // Sets a token that no file has named.
  void SetDefault(TokenName name, FolderToken token);
};

// InvalidArgument with file and JSON path for what is no token.
absl::StatusOr<FolderTokens> ReadFolderTokens(const FolderFiles& files);

// The tokens to be added, with their ids and in their order: where a token comes twice, its last
// flags are taken. Ids are those of the vocabulary, behind which the others follow.
std::vector<AddedToken> AddedTokensOf(
    const FolderTokens& tokens, size_t vocabulary_size,
    const std::function<std::optional<int32_t>(std::string_view)>& vocabulary_id);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_FOLDER_TOKENS_H_
