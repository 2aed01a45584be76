#include "tools/tokenizer_reference.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace graft::tools {
namespace {

constexpr std::string_view kFormat = "graft tokenizer reference";
constexpr int64_t kVersion = 1;
// A record is some fifty times as long as its line of text.
constexpr uint64_t kMaxRecordBytes = uint64_t{1} << 30;
constexpr int64_t kMostTokens = std::numeric_limits<int32_t>::max();

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};
constexpr Named<LineForm> kForms[] = {
    {"text", LineForm::kText}, {"pair", LineForm::kPair}, {"words", LineForm::kWords}};
constexpr Named<Truncation> kTruncations[] = {{"longest_first", Truncation::kLongestFirst},
                                              {"only_first", Truncation::kOnlyFirst},
                                              {"only_second", Truncation::kOnlySecond}};
constexpr Named<TruncationSide> kSides[] = {{"right", TruncationSide::kRight},
                                            {"left", TruncationSide::kLeft}};
constexpr Named<OffsetUnit> kUnits[] = {{"bytes", OffsetUnit::kBytes},
                                        {"code_points", OffsetUnit::kCodePoints},
                                        {"utf16", OffsetUnit::kUtf16}};

// A string member that names one of the values; without the member `value` stays.
template <typename Value, size_t N>
absl::Status ReadNamed(const JsonValue& object, std::string_view key,
                       const Named<Value> (&names)[N], Value& value) {
  const auto member = object.Find(key);
  if (!member) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const std::string_view found, member->AsString());
  std::vector<std::string_view> known;
  for (const auto& [name, named] : names) {
    known.push_back(name);
    if (name != found) continue;
    value = named;
    return absl::OkStatus();
  }
  return member->Error(
      absl::StrCat("expected one of ", absl::StrJoin(known, ", "), ", found '", found, "'"));
}

// Options that graft does not know would have other tokens as their result.
absl::Status CheckKeys(const JsonValue& object, std::initializer_list<std::string_view> known) {
  ABSL_ASSIGN_OR_RETURN(const auto members, object.AsObject());
  for (const auto& [key, value] : members) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return object.Error(absl::StrCat("expected no other members than ", absl::StrJoin(known, ", "),
                                     ", found '", key, "'"));
  }
  return absl::OkStatus();
}

absl::Status ReadOptions(const JsonValue& object, ReferenceHeader& header) {
  ABSL_RETURN_IF_ERROR(CheckKeys(object, {"form", "add_special_tokens", "max_length", "truncation",
                                          "truncation_side", "stride"}));
  EncodeOptions& options = header.options;
  ABSL_RETURN_IF_ERROR(ReadNamed(object, "form", kForms, header.form));
  ABSL_ASSIGN_OR_RETURN(options.add_special_tokens, object.GetBool("add_special_tokens", true));
  ABSL_ASSIGN_OR_RETURN(const int64_t length, object.GetInt("max_length", 1, kMostTokens, 0));
  options.max_length = static_cast<size_t>(length);
  ABSL_RETURN_IF_ERROR(ReadNamed(object, "truncation", kTruncations, options.truncation));
  ABSL_RETURN_IF_ERROR(ReadNamed(object, "truncation_side", kSides, options.truncation_side));
  options.overflowing = object.Find("stride").has_value();
  ABSL_ASSIGN_OR_RETURN(const int64_t stride, object.GetInt("stride", 0, kMostTokens, 0));
  options.stride = static_cast<size_t>(stride);
  return absl::OkStatus();
}

absl::Status ReadFields(const JsonValue& list, std::vector<TokenField>& fields) {
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> names, list.AsArray());
  bool named[kTokenFields] = {};
  for (const JsonValue& name : names) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view text, name.AsString());
    const auto* known = std::find(std::begin(kTokenFieldNames), std::end(kTokenFieldNames), text);
    if (known == std::end(kTokenFieldNames)) {
      return name.Error(absl::StrCat("expected one of ", absl::StrJoin(kTokenFieldNames, ", "),
                                     ", found '", text, "'"));
    }
    named[known - std::begin(kTokenFieldNames)] = true;
  }
  if (!named[0]) return list.Error("expected 'ids' among the fields, found none");
  for (size_t i = 0; i < kTokenFields; ++i) {
    if (named[i]) fields.push_back(static_cast<TokenField>(i));
  }
  return absl::OkStatus();
}

absl::StatusOr<ReferenceHeader> ReadHeader(const JsonValue& root) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view format, root.GetString("format"));
  if (format != kFormat) {
    return root.Error(absl::StrCat("format: expected '", kFormat, "', found '", format, "'"));
  }
  ABSL_RETURN_IF_ERROR(root.GetInt("version", kVersion, kVersion).status());
  ReferenceHeader header;
  ABSL_ASSIGN_OR_RETURN(const JsonValue fields, root.Get("fields"));
  ABSL_RETURN_IF_ERROR(ReadFields(fields, header.fields));
  ABSL_RETURN_IF_ERROR(ReadNamed(root, "offsets", kUnits, header.offsets));
  ABSL_ASSIGN_OR_RETURN(const JsonValue options, root.Get("options"));
  ABSL_RETURN_IF_ERROR(ReadOptions(options, header));
  if (const auto made_with = root.Find("made_with")) {
    ABSL_ASSIGN_OR_RETURN(const auto versions, made_with->AsObject());
    for (const auto& [name, version] : versions) {
      ABSL_ASSIGN_OR_RETURN(header.made_with[std::string(name)], version.AsString());
    }
  }
  return header;
}

// An integer of [0, max]; with a negative `min`, null is -1.
absl::StatusOr<int64_t> ReadNumber(const JsonValue& list, size_t place,
                                   const simdjson::dom::element& element, int64_t min,
                                   int64_t max) {
  int64_t number = 0;
  if (min < 0 && element.is_null()) return -1;
  if (element.get(number) == simdjson::SUCCESS && number >= std::max<int64_t>(min, 0) &&
      number <= max) {
    return number;
  }
  return list.Error(absl::StrCat("element ", place, ": expected an integer from 0 to ", max,
                                 min < 0 ? " or null" : "", ", found ",
                                 std::string_view(simdjson::minify(element))));
}

class RecordReader {
 public:
  RecordReader(const JsonValue& record, const ReferenceHeader& header)
      : record_(record), header_(header) {}

  absl::StatusOr<ReferenceTokens> Read() const {
    ReferenceTokens tokens;
    for (const TokenField field : header_.fields) {
      const std::string_view name = kTokenFieldNames[static_cast<size_t>(field)];
      ABSL_ASSIGN_OR_RETURN(const JsonValue list, record_.Get(name));
      if (!list.is_array()) {
        return list.Error(absl::StrCat("expected an array, found ", list.Describe()));
      }
      ABSL_ASSIGN_OR_RETURN(const size_t size, ReadField(field, list, tokens));
      if (size == tokens.encoding.ids.size()) continue;
      return list.Error(absl::StrCat("expected ", tokens.encoding.ids.size(),
                                     " elements, as in ids, found ", size));
    }
    return tokens;
  }

 private:
  // Returns the number of elements.
  absl::StatusOr<size_t> ReadField(TokenField field, const JsonValue& list,
                                   ReferenceTokens& out) const {
    Encoding& encoding = out.encoding;
    switch (field) {
      case TokenField::kIds:
        return ReadNumbers(list, 0, kMostTokens, encoding.ids);
      case TokenField::kTokens:
        return ReadTokens(list, out.tokens);
      case TokenField::kOffsets:
        return ReadSpans(list, encoding.offsets);
      case TokenField::kWordIds:
        return ReadNumbers(list, -1, kMostTokens, encoding.word_ids);
      case TokenField::kTypeIds:
        return ReadNumbers(list, 0, kMostTokens, encoding.type_ids);
      case TokenField::kSpecialTokensMask:
        return ReadNumbers(list, 0, 1, encoding.special_tokens_mask);
    }
    return size_t{0};
  }

  template <typename Number>
  static absl::StatusOr<size_t> ReadNumbers(const JsonValue& list, int64_t min, int64_t max,
                                            std::vector<Number>& out) {
    for (const simdjson::dom::element element : simdjson::dom::array(list.raw())) {
      ABSL_ASSIGN_OR_RETURN(const int64_t number, ReadNumber(list, out.size(), element, min, max));
      out.push_back(static_cast<Number>(number));
    }
    return out.size();
  }

  static absl::StatusOr<size_t> ReadTokens(const JsonValue& list, std::vector<std::string>& out) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> tokens, list.AsArray());
    for (const JsonValue& token : tokens) {
      ABSL_ASSIGN_OR_RETURN(out.emplace_back(), token.AsString());
    }
    return out.size();
  }

  static absl::StatusOr<size_t> ReadSpans(const JsonValue& list, std::vector<Span>& out) {
    for (const simdjson::dom::element element : simdjson::dom::array(list.raw())) {
      std::vector<uint32_t> ends;
      simdjson::dom::array pair;
      if (element.get(pair) == simdjson::SUCCESS) {
        for (const simdjson::dom::element end : pair) {
          ABSL_ASSIGN_OR_RETURN(const int64_t place,
                                ReadNumber(list, out.size(), end, 0, kMostTokens));
          ends.push_back(static_cast<uint32_t>(place));
        }
      }
      if (ends.size() != 2 || ends[0] > ends[1]) {
        return list.Error(absl::StrCat("element ", out.size(), ": expected [begin, end], found ",
                                       std::string_view(simdjson::minify(element))));
      }
      out.push_back({ends[0], ends[1]});
    }
    return out.size();
  }

  const JsonValue& record_;
  const ReferenceHeader& header_;
};

}  // namespace

absl::StatusOr<TokenizerReference> TokenizerReference::Open(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(TextInput input,
                        TextInput::Open(path, {.max_line_bytes = kMaxRecordBytes}));
  TokenizerReference reference(std::move(input));
  ABSL_ASSIGN_OR_RETURN(const auto document, reference.NextDocument());
  if (!document) {
    return absl::DataLossError(
        absl::StrCat(path, ": expected a line with the header, found no line"));
  }
  ABSL_ASSIGN_OR_RETURN(reference.header_, ReadHeader(document->root()));
  return reference;
}

std::string TokenizerReference::Place() const {
  return absl::StrCat(input_.name(), ":", input_.line_number());
}

absl::StatusOr<std::optional<JsonDocument>> TokenizerReference::NextDocument() {
  ABSL_ASSIGN_OR_RETURN(const bool more, input_.Next(line_));
  if (!more) return std::nullopt;
  ABSL_ASSIGN_OR_RETURN(JsonDocument document, JsonDocument::Parse(line_, Place()));
  return std::optional(std::move(document));
}

absl::StatusOr<bool> TokenizerReference::Next(ReferenceRecord& record) {
  record.clear();
  ABSL_ASSIGN_OR_RETURN(const auto document, NextDocument());
  if (!document) return false;
  const JsonValue root = document->root();
  ABSL_ASSIGN_OR_RETURN(record.emplace_back(), RecordReader(root, header_).Read());
  if (!header_.options.overflowing) return true;
  ABSL_ASSIGN_OR_RETURN(const JsonValue list, root.Get("windows"));
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> windows, list.AsArray());
  for (const JsonValue& window : windows) {
    ABSL_ASSIGN_OR_RETURN(record.emplace_back(), RecordReader(window, header_).Read());
  }
  return true;
}

}  // namespace graft::tools
