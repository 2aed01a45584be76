#include "tokenizers/models/wordpiece.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/log/absl_check.h"
#include "base/utf8.h"

namespace graft {

WordPiece::WordPiece(Vocabulary vocabulary, Options options)
    : vocabulary_(std::move(vocabulary)),
      options_(std::move(options)),
      prefix_hash_(Vocabulary::Extend(Vocabulary::kEmptyHash, options_.continuing_subword_prefix)) {
  ABSL_CHECK(!vocabulary_.duplicate().has_value());
  ABSL_CHECK_LT(static_cast<size_t>(options_.unknown_id), vocabulary_.size());
  unknown_token_ = vocabulary_.token(options_.unknown_id);
}

std::optional<std::string_view> WordPiece::IdToToken(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= vocabulary_.size()) return std::nullopt;
  return vocabulary_.token(id);
}

void WordPiece::Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const {
  std::vector<int32_t> ids;
  AppendIds(word, ids);
  uint32_t at = 0;
  for (const int32_t id : ids) {
    const size_t end = ids.size() == 1 ? word.size() : at + PieceLength(id, at == 0);
    tokens.push_back({id, {at, static_cast<uint32_t>(end)}});
    at = static_cast<uint32_t>(end);
  }
}

void WordPiece::AppendIds(std::string_view word, std::vector<int32_t>& ids) const {
  if (word.empty()) return;
  const size_t before = ids.size();
  const bool fits = word.size() <= options_.max_input_chars_per_word ||
                    CountUtf8(word) <= options_.max_input_chars_per_word;
  for (size_t at = 0; fits && at < word.size();) {
    const int32_t id = LongestPiece(word, at);
    if (id < 0) {
      ids.resize(before);
      break;
    }
    at += PieceLength(id, at == 0);
    ids.push_back(id);
  }
  if (ids.size() == before) ids.push_back(options_.unknown_id);
}

int32_t WordPiece::LongestPiece(std::string_view word, size_t at) const {
  const bool first = at == 0;
  const std::string_view prefix = first ? "" : std::string_view(options_.continuing_subword_prefix);
  if (vocabulary_.longest() <= prefix.size()) return -1;
  const std::string_view rest = word.substr(at);
  const size_t most = std::min(rest.size(), vocabulary_.longest() - prefix.size());
  absl::InlinedVector<Vocabulary::Hash, 64> hashes(most);
  Vocabulary::Hash hash = first ? Vocabulary::kEmptyHash : prefix_hash_;
  for (size_t i = 0; i < most; ++i) {
    hash = Vocabulary::Extend(hash, rest[i]);
    hashes[i] = hash;
  }
  for (size_t length = most; length > 0; --length) {
    const int32_t id = vocabulary_.Find(hashes[length - 1], prefix, rest.substr(0, length));
    if (id >= 0) return id;
  }
  return -1;
}

}  // namespace graft
