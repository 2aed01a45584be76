#include "tasks/word_model.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/for_tasks.h"
#include "base/utf8.h"

namespace graft {
namespace {

// The words of some texts that stand behind one another.
struct Piece {
  std::vector<std::string> words;
  std::vector<int32_t> counts;    // of each text, as far as it is read
  std::vector<uint32_t> cut_off;  // of each text
};

void ReadText(const WordTokenizer& tokenizer, std::string_view text, size_t max_length,
              Piece& piece) {
  const std::vector<Span> spans = tokenizer.Split(text);
  const size_t count = std::min(spans.size(), max_length);
  for (size_t i = 0; i < count; ++i) {
    piece.words.push_back(
        tokenizer.Form(text.substr(spans[i].begin, spans[i].end - spans[i].begin)));
  }
  piece.counts.push_back(static_cast<int32_t>(count));
  piece.cut_off.push_back(static_cast<uint32_t>(spans.size() - count));
}

std::vector<Piece> ReadPieces(const WordTokenizer& tokenizer,
                              absl::Span<const std::string_view> texts, int64_t max_length,
                              int threads) {
  constexpr size_t kTexts = 64;  // of a piece
  std::vector<Piece> pieces((texts.size() + kTexts - 1) / kTexts);
  ForTasks(threads, static_cast<int64_t>(pieces.size()), 0, [&](int64_t task, float*) {
    const size_t begin = static_cast<size_t>(task) * kTexts;
    for (const std::string_view text : texts.subspan(begin, kTexts)) {
      ReadText(tokenizer, text, static_cast<size_t>(max_length), pieces[task]);
    }
  });
  return pieces;
}

}  // namespace

WordModel::WordModel(WordModelSettings settings, std::vector<WordVectors> sets, Words vocabulary,
                     std::vector<float> weights)
    : settings_(std::move(settings)),
      tokenizer_(settings_.tokenizer),
      vocabulary_(std::move(vocabulary)),
      weights_(std::move(weights)) {
  for (WordVectors& set : sets) sets_.emplace_back(std::move(set), settings_.unknown);
}

void WordModel::FillRow(std::string_view word, int64_t index, EncodedTexts& texts) const {
  const std::optional<int64_t> known = vocabulary_.Find(word);
  const bool in_table = known && *known < settings_.backbone.table_rows;
  texts.words.table_rows.mutable_data_ptr<int32_t>()[index] =
      in_table ? static_cast<int32_t>(*known) : -1;
  if (settings_.weighted) {
    texts.words.weights.mutable_data_ptr<float>()[index] = known ? weights_[*known] : 1;
  }
  const int64_t width = settings_.backbone.width;
  float* row = texts.words.vectors.mutable_data_ptr<float>() + index * width;
  // A row of the table is all that one channel takes.
  if (sets_.empty() || (in_table && settings_.backbone.channels == 1)) {
    std::fill_n(row, width, 0.0f);
    return;
  }
  for (const UnknownWords& set : sets_) {
    const auto size = static_cast<size_t>(set.vectors().width());
    set.Vector(word, absl::MakeSpan(row, size));
    row += size;
  }
}

WordModel::Known WordModel::Find(std::string_view word) const {
  Known known;
  if (const auto row = vocabulary_.Find(word); row && *row < settings_.backbone.table_rows) {
    known.table_row = row;
  }
  std::vector<float> vector(static_cast<size_t>(settings_.backbone.width));
  for (const UnknownWords& set : sets_) {
    const auto width = static_cast<size_t>(set.vectors().width());
    known.sources.push_back(set.Vector(word, absl::MakeSpan(vector).first(width)).source);
  }
  return known;
}

EncodedTexts WordModel::Encode(absl::Span<const std::string_view> texts, int64_t max_length,
                               int threads) const {
  const std::vector<Piece> pieces = ReadPieces(tokenizer_, texts, max_length, threads);
  EncodedTexts result;
  absl::flat_hash_map<std::string_view, int32_t> numbers;
  std::vector<std::string_view> words;  // by number
  for (const Piece& piece : pieces) {
    for (const std::string& word : piece.words) {
      const auto [entry, fresh] = numbers.try_emplace(word, static_cast<int32_t>(words.size()));
      if (fresh) words.push_back(word);
      result.tokens.ids.push_back(entry->second);
    }
    for (const int32_t count : piece.counts) {
      result.tokens.starts.push_back(result.tokens.starts.back() + count);
    }
    result.tokens.cut_off.insert(result.tokens.cut_off.end(), piece.cut_off.begin(),
                                 piece.cut_off.end());
  }
  const auto count = static_cast<int64_t>(words.size());
  result.words.vectors = at::empty({count, settings_.backbone.width}, at::kFloat);
  result.words.table_rows = at::empty({count}, at::kInt);
  if (settings_.weighted) result.words.weights = at::empty({count}, at::kFloat);
  constexpr int64_t kWords = 256;  // of a task
  ForTasks(threads, (count + kWords - 1) / kWords, 0, [&](int64_t task, float*) {
    const int64_t end = std::min(count, (task + 1) * kWords);
    for (int64_t i = task * kWords; i < end; ++i) FillRow(words[i], i, result);
  });
  return result;
}

std::vector<WordCount> CountWords(const WordTokenizer& tokenizer,
                                  absl::Span<const std::string_view> texts, int64_t max_length,
                                  int threads) {
  const std::vector<Piece> pieces = ReadPieces(tokenizer, texts, max_length, threads);
  absl::flat_hash_map<std::string_view, int64_t> counts;
  for (const Piece& piece : pieces) {
    for (const std::string& word : piece.words) ++counts[word];
  }
  std::vector<WordCount> words;
  for (const auto& [word, count] : counts) words.push_back({std::string(word), count});
  std::sort(words.begin(), words.end(), [](const WordCount& a, const WordCount& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  });
  return words;
}

std::string WordModel::Describe() const {
  const WordModelSettings& s = settings_;
  std::string text = absl::StrCat("words by ", WordSplitName(s.tokenizer.split),
                                  s.tokenizer.lower_case ? ", lower case" : "", "; ");
  for (const UnknownWords& set : sets_) {
    absl::StrAppend(
        &text, set.vectors().size(), " x ", set.vectors().width(),
        set.vectors().sub_words() != nullptr ? " vectors with sub-words, " : " vectors, ");
  }
  absl::StrAppend(&text, s.backbone.table_rows, " x ", s.backbone.width, " trained");
  return text;
}

absl::StatusOr<Words> ParseWordList(std::string_view text, int64_t count, const std::string& name) {
  WordsBuilder words;
  int64_t line = 0;
  const auto error = [&](std::string_view expected, std::string_view found) {
    return absl::DataLossError(
        absl::StrCat(name, ":", line, ": expected ", expected, ", found ", found));
  };
  while (!text.empty()) {
    ++line;
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return error("a line end", "the end of the file");
    const std::string_view word = text.substr(0, end);
    if (word.empty()) return error("a word", "an empty line");
    if (!words.Add(word)) return error("different words", absl::StrCat(Quoted(word), " again"));
    text.remove_prefix(end + 1);
  }
  if (words.size() != count) {
    return absl::DataLossError(absl::StrCat(name, ": expected ", count,
                                            " words, as graft.json says, found ", words.size()));
  }
  return words.Finish();
}

std::string FormatWordList(const Words& words) { return std::string(words.parts().bytes); }

}  // namespace graft
