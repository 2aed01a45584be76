#include "tools/word_lines.h"

#include <algorithm>
#include <vector>

#include "nlohmann/json.hpp"
#include "tokenizers/offsets.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

ordered_json OffsetsJson(std::string_view text, const std::vector<Span>& spans, OffsetUnit unit) {
  std::vector<Span> converted = spans;
  if (unit == OffsetUnit::kCodePoints) converted = ToCodePoints(text, spans);
  if (unit == OffsetUnit::kUtf16) converted = ToUtf16(text, spans);
  ordered_json offsets = ordered_json::array();
  for (const Span& span : converted) offsets.push_back({span.begin, span.end});
  return offsets;
}

void AppendJson(const WordModel& model, const std::vector<std::string>& words, ordered_json offsets,
                size_t cut_off, std::string& out) {
  ordered_json rows = ordered_json::array(), sources = ordered_json::array();
  for (const std::string& word : words) {
    const WordModel::Known known = model.Find(word);
    rows.push_back(known.table_row ? ordered_json(*known.table_row) : ordered_json(nullptr));
    sources.push_back(ordered_json::array());
    for (const VectorSource source : known.sources) {
      sources.back().push_back(VectorSourceName(source));
    }
  }
  out += JsonText(ordered_json{{"tokens", words},
                               {"offsets", std::move(offsets)},
                               {"table_rows", std::move(rows)},
                               {"sources", std::move(sources)},
                               {"cut_off", cut_off}});
}

}  // namespace

size_t AppendWordLine(const WordModel& model, std::string_view text, const WordLineOptions& options,
                      std::string& out) {
  std::vector<Span> spans = model.tokenizer().Split(text);
  const size_t all = spans.size();
  if (options.max_length > 0) spans.resize(std::min(all, options.max_length));
  std::vector<std::string> words;
  for (const Span& span : spans) {
    words.push_back(model.tokenizer().Form(text.substr(span.begin, span.end - span.begin)));
  }
  const size_t cut_off = all - spans.size();
  if (options.json) {
    AppendJson(model, words, OffsetsJson(text, spans, options.offsets), cut_off, out);
  } else {
    for (size_t i = 0; i < words.size(); ++i) {
      if (i > 0) out += ' ';
      out += Printable(words[i]);
    }
  }
  out += '\n';
  return cut_off;
}

}  // namespace graft::tools
