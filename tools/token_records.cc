#include "tools/token_records.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

void AppendNumber(int64_t number, std::string& out) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(digits, end);
}

void AppendNumberOrNull(bool known, int64_t number, std::string& out) {
  if (known) {
    AppendNumber(number, out);
  } else {
    out += "null";
  }
}

// `front` is what stands before the list: `,"ids":`.
template <typename Append>
void AppendList(std::string_view front, size_t size, std::string& out, const Append& append) {
  absl::StrAppend(&out, front, "[");
  for (size_t i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    append(i);
  }
  out += ']';
}

std::string_view TokenOf(const Tokenizer& tokenizer, int32_t id) {
  return tokenizer.IdToToken(id).value_or("");
}

// Most tokens need no escapes: these go without the JSON library.
void AppendJsonString(std::string_view text, std::string& out) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  });
  if (plain) {
    absl::StrAppend(&out, "\"", text, "\"");
  } else {
    out += JsonText(nlohmann::ordered_json(text));
  }
}

}  // namespace

void AppendIdsLine(absl::Span<const int32_t> ids, std::string& out) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ' ';
    AppendNumber(ids[i], out);
  }
  out += '\n';
}

void AppendPiecesLine(const Tokenizer& tokenizer, absl::Span<const int32_t> ids, std::string& out) {
  for (size_t i = 0; i < ids.size(); ++i) {
    absl::StrAppend(&out, i > 0 ? " " : "", Printable(TokenOf(tokenizer, ids[i])));
  }
  out += '\n';
}

void AppendJsonLine(const Tokenizer& tokenizer, const Encoding& e, const JsonRecordOptions& options,
                    std::string& out) {
  AppendList("{\"ids\":", e.size(), out, [&](size_t i) { AppendNumber(e.ids[i], out); });
  AppendList(",\"tokens\":", e.size(), out,
             [&](size_t i) { AppendJsonString(TokenOf(tokenizer, e.ids[i]), out); });
  AppendList(",\"offsets\":", e.size(), out, [&](size_t i) {
    absl::StrAppend(&out, "[", e.offsets[i].begin, ",", e.offsets[i].end, "]");
  });
  AppendList(",\"word_ids\":", e.size(), out,
             [&](size_t i) { AppendNumberOrNull(e.word_ids[i] >= 0, e.word_ids[i], out); });
  AppendList(",\"type_ids\":", e.size(), out, [&](size_t i) { AppendNumber(e.type_ids[i], out); });
  AppendList(",\"special_tokens_mask\":", e.size(), out,
             [&](size_t i) { AppendNumber(e.special_tokens_mask[i], out); });
  if (options.pair) {
    AppendList(",\"sequence_ids\":", e.size(), out, [&](size_t i) {
      AppendNumberOrNull(e.special_tokens_mask[i] == 0, i >= e.second_begin && i < e.second_end,
                         out);
    });
  }
  absl::StrAppend(&out, ",\"cut_off\":", e.cut_off);
  if (options.window) absl::StrAppend(&out, ",\"window\":", *options.window);
  out += "}\n";
}

}  // namespace graft::tools
