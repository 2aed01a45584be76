// Follows transformers 5.23 (tokenization_utils_base.py, tokenization_utils_tokenizers.py), whose
// folders these are.
#include "tokenizers/files/folder_tokens.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tokenizers/files/component_row.h"
#include "tokenizers/files/vocabulary_file.h"

namespace graft {
namespace {

constexpr int64_t kMaxId = static_cast<int64_t>(2 * kMaxTokens);
constexpr size_t kMaxListedTokens = 100'000;

// What a token object has but its `special`: what is special is not normalized unless it says so.
absl::StatusOr<AddedToken> ReadObject(const JsonValue& object, bool special) {
  AddedToken token;
  ABSL_ASSIGN_OR_RETURN(const std::string_view content, GetInsertion(object, "content"));
  token.content = content;
  token.special = special;
  ABSL_ASSIGN_OR_RETURN(token.single_word, object.GetBool("single_word", false));
  ABSL_ASSIGN_OR_RETURN(token.lstrip, object.GetBool("lstrip", false));
  ABSL_ASSIGN_OR_RETURN(token.rstrip, object.GetBool("rstrip", false));
  ABSL_ASSIGN_OR_RETURN(token.normalized, object.GetBool("normalized", !special));
  return token;
}

// A string or an object.
absl::StatusOr<FolderToken> ReadToken(const JsonValue& value, bool special) {
  if (value.is_object()) {
    ABSL_ASSIGN_OR_RETURN(AddedToken token, ReadTokenObject(value, special));
    return FolderToken{std::move(token), false};
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view content, value.AsString());
  return PlainToken(content);
}

absl::StatusOr<std::vector<FolderToken>> ReadList(const JsonValue& list, bool special) {
  std::vector<FolderToken> tokens;
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> values, list.AsArray());
  if (values.size() > kMaxListedTokens) {
    return list.Error(
        absl::StrCat("expected at most ", kMaxListedTokens, " tokens, found ", values.size()));
  }
  for (const JsonValue& value : values) {
    ABSL_ASSIGN_OR_RETURN(FolderToken token, ReadToken(value, special));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// Equal for tokens that transformers takes for one and the same.
std::string KeyOf(const FolderToken& token) {
  const AddedToken& flags = token.token;
  const int bits = token.plain | flags.special << 1 | flags.single_word << 2 | flags.lstrip << 3 |
                   flags.rstrip << 4 | flags.normalized << 5;
  return absl::StrCat(bits, ":", token.content());
}

class TokensReader {
 public:
  absl::StatusOr<FolderTokens> Read(const FolderFiles& files) {
    std::optional<JsonValue> list;
    if (files.tokenizer_config) {
      const JsonValue config = files.tokenizer_config->root();
      ABSL_RETURN_IF_ERROR(ReadConfig(config));
      list = config.Find("added_tokens_decoder");
    }
    if (list) {
      ABSL_RETURN_IF_ERROR(ReadDecoder(*list));
    } else {
      if (files.special_tokens_map) ABSL_RETURN_IF_ERROR(ReadMap(files.special_tokens_map->root()));
      if (files.added_tokens) ABSL_RETURN_IF_ERROR(ReadAdded(files.added_tokens->root()));
    }
    TakeListedFlags();
    return std::move(tokens_);
  }

 private:
  // Every member of tokenizer_config.json that names tokens.
  absl::Status ReadConfig(const JsonValue& config) {
    ABSL_ASSIGN_OR_RETURN(const auto members, config.AsObject());
    for (const auto& [key, value] : members) {
      if (value.is_null()) continue;
      const auto* name = std::find(std::begin(kTokenKeys), std::end(kTokenKeys), key);
      if (name != std::end(kTokenKeys)) {
        ABSL_ASSIGN_OR_RETURN(tokens_.named[name - kTokenKeys], ReadToken(value, false));
      } else if (absl::EndsWith(key, "_token") && value.is_string()) {
        ABSL_ASSIGN_OR_RETURN(FolderToken token, ReadToken(value, true));
        tokens_.own.push_back(std::move(token));
      }
    }
    return ReadExtra(config);
  }

  // The older key counts where the newer one is empty.
  absl::Status ReadExtra(const JsonValue& config) {
    const auto extra = config.Find("extra_special_tokens");
    if (extra && extra->is_object()) {
      ABSL_ASSIGN_OR_RETURN(const auto members, extra->AsObject());
      for (const auto& [key, value] : members) {
        ABSL_ASSIGN_OR_RETURN(FolderToken token, ReadToken(value, true));
        tokens_.own.push_back(std::move(token));
      }
      return absl::OkStatus();
    }
    if (extra) {
      ABSL_ASSIGN_OR_RETURN(tokens_.extra, ReadList(*extra, false));
    }
    const auto additional = config.Find("additional_special_tokens");
    if (additional && (!tokens_.extra || tokens_.extra->empty())) {
      ABSL_ASSIGN_OR_RETURN(tokens_.extra, ReadList(*additional, false));
    }
    return absl::OkStatus();
  }

  // {"100": {"content": "[UNK]", ...}}
  absl::Status ReadDecoder(const JsonValue& list) {
    ABSL_ASSIGN_OR_RETURN(const auto members, list.AsObject());
    for (const auto& [key, value] : members) {
      ABSL_ASSIGN_OR_RETURN(AddedToken token, ReadTokenObject(value, /*special=*/false));
      int64_t id = -1;
      if (!absl::SimpleAtoi(key, &id) || id < 0 || id > kMaxId) {
        return value.Error(absl::StrCat("expected an id as the key, found '", key, "'"));
      }
      token.id = static_cast<int32_t>(id);
      tokens_.listed.push_back(std::move(token));
    }
    return SortListed(list);
  }

  // {"[PAD]": 0}
  absl::Status ReadAdded(const JsonValue& list) {
    absl::flat_hash_set<std::string> special;
    for (const auto& token : tokens_.named) {
      if (token) special.insert(token->content());
    }
    if (tokens_.extra) {
      for (const FolderToken& token : *tokens_.extra) special.insert(token.content());
    }
    ABSL_ASSIGN_OR_RETURN(const auto members, list.AsObject());
    for (const auto& [key, value] : members) {
      ABSL_ASSIGN_OR_RETURN(const int64_t id, value.AsInt(0, kMaxId));
      AddedToken token;
      token.content = key;
      token.id = static_cast<int32_t>(id);
      token.special = special.contains(key);
      token.normalized = !token.special;
      tokens_.listed.push_back(std::move(token));
    }
    return SortListed(list);
  }

  absl::Status SortListed(const JsonValue& list) {
    auto& listed = tokens_.listed;
    if (listed.size() > kMaxListedTokens) {
      return list.Error(
          absl::StrCat("expected at most ", kMaxListedTokens, " tokens, found ", listed.size()));
    }
    std::stable_sort(listed.begin(), listed.end(),
                     [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
    for (size_t i = 1; i < listed.size(); ++i) {
      if (listed[i].id != listed[i - 1].id) continue;
      return list.Error(absl::StrCat("expected ids that differ, found '", listed[i - 1].content,
                                     "' and '", listed[i].content, "' with id ", listed[i].id));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMap(const JsonValue& map) {
    ABSL_ASSIGN_OR_RETURN(const auto members, map.AsObject());
    for (const auto& [key, value] : members) {
      if (value.is_null()) continue;
      const auto* name = std::find(std::begin(kTokenKeys), std::end(kTokenKeys), key);
      if (name != std::end(kTokenKeys)) {
        ABSL_ASSIGN_OR_RETURN(tokens_.named[name - kTokenKeys], ReadMapToken(value));
      } else if (key == "additional_special_tokens") {
        ABSL_ASSIGN_OR_RETURN(tokens_.additional, ReadList(value, true));
      } else if (key == "extra_special_tokens" && value.is_array()) {
        ABSL_ASSIGN_OR_RETURN(std::vector<FolderToken> more, ReadList(value, true));
        if (!tokens_.extra) tokens_.extra.emplace();
        absl::flat_hash_set<std::string> known;
        for (const FolderToken& token : *tokens_.extra) known.insert(KeyOf(token));
        for (FolderToken& token : more) {
          if (known.insert(KeyOf(token)).second) tokens_.extra->push_back(std::move(token));
        }
      } else if (absl::EndsWith(key, "_token")) {
        ABSL_ASSIGN_OR_RETURN(FolderToken token, ReadMapToken(value));
        tokens_.own.push_back(std::move(token));
      }
    }
    return absl::OkStatus();
  }

  // Objects of this file are special whatever they say.
  static absl::StatusOr<FolderToken> ReadMapToken(const JsonValue& value) {
    if (!value.is_object()) return ReadToken(value, true);
    ABSL_ASSIGN_OR_RETURN(AddedToken token, ReadObject(value, true));
    return FolderToken{std::move(token), false};
  }

  // A named token that is listed has the flags of the list.
  void TakeListedFlags() {
    absl::flat_hash_map<std::string_view, const AddedToken*> listed;
    for (const AddedToken& token : tokens_.listed) listed[token.content] = &token;
    for (auto& token : tokens_.named) {
      if (!token) continue;
      const auto found = listed.find(token->content());
      if (found != listed.end()) token = FolderToken{*found->second, false};
    }
  }

  FolderTokens tokens_;
};

}  // namespace

absl::StatusOr<std::optional<JsonDocument>> LoadOptionalJson(const std::string& path) {
  constexpr uint64_t kMaxBytes = 16'000'000;  // thousands of added tokens
  if (!PathExists(path)) return std::nullopt;
  ABSL_ASSIGN_OR_RETURN(JsonDocument document, JsonDocument::Load(path, kMaxBytes));
  return std::optional<JsonDocument>(std::move(document));
}

absl::StatusOr<AddedToken> ReadTokenObject(const JsonValue& object, bool special) {
  ABSL_ASSIGN_OR_RETURN(const bool said, object.GetBool("special", special));
  return ReadObject(object, said);
}

FolderToken PlainToken(std::string_view content) {
  FolderToken token;
  token.token.content = content;
  token.token.special = true;
  token.plain = true;
  return token;
}

void FolderTokens::SetDefault(TokenName name, FolderToken token) {
  auto& place = named[static_cast<size_t>(name)];
  if (!place) place = std::move(token);
}

absl::StatusOr<FolderTokens> ReadFolderTokens(const FolderFiles& files) {
  return TokensReader().Read(files);
}

std::vector<AddedToken> AddedTokensOf(
    const FolderTokens& tokens, size_t vocabulary_size,
    const std::function<std::optional<int32_t>(std::string_view)>& vocabulary_id) {
  absl::flat_hash_set<std::string_view> listed, named;
  absl::flat_hash_set<std::string> queued;
  std::vector<FolderToken> queue;
  for (const AddedToken& token : tokens.listed) {
    listed.insert(token.content);
    queue.push_back({token, false});
  }
  const auto enqueue = [&](const FolderToken& token) {
    if (!listed.contains(token.content()) && queued.insert(KeyOf(token)).second) {
      queue.push_back(token);
    }
  };
  for (const auto& token : tokens.named) {
    if (!token) continue;
    named.insert(token->content());
    enqueue(*token);
  }
  for (const FolderToken& token : tokens.own) {
    named.insert(token.content());
    enqueue(token);
  }
  const auto& extra = tokens.extra ? tokens.extra : tokens.additional;
  if (extra) std::for_each(extra->begin(), extra->end(), enqueue);

  std::vector<AddedToken> added;
  absl::flat_hash_map<std::string, size_t> places;
  int32_t next_id = static_cast<int32_t>(vocabulary_size);
  for (FolderToken& entry : queue) {
    AddedToken token = std::move(entry.token);
    if (token.content.empty()) continue;
    if (named.contains(token.content)) token.special = true;
    const auto [place, is_new] = places.emplace(token.content, added.size());
    if (!is_new) {
      token.id = added[place->second].id;
      added[place->second] = std::move(token);
      continue;
    }
    const auto known = vocabulary_id(token.content);
    token.id = known ? *known : next_id++;
    added.push_back(std::move(token));
  }
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return added;
}

}  // namespace graft
