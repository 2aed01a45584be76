#include "tasks/word_start.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "absl/status/status_macros.h"
#include "base/for_tasks.h"
#include "base/json.h"
#include "models/catch_errors.h"
#include "nlohmann/json.hpp"
#include "tasks/batching.h"
#include "tasks/head_weights.h"
#include "tasks/inference.h"
#include "tasks/word_model_json.h"
#include "tokenizers/case_map.h"

namespace graft {
namespace {

// A word of the training texts, and which sets know it.
struct SeenWord {
  std::string word;
  int64_t count = 0;
  std::vector<bool> known;  // by set

  bool any_known() const { return std::find(known.begin(), known.end(), true) != known.end(); }
};

bool IsKnown(VectorSource source) {
  return source == VectorSource::kRow || source == VectorSource::kSubWords ||
         source == VectorSource::kLowerCase;
}

// The vectors of the seen words, set by set.
struct SeenVectors {
  std::vector<SeenWord> words;
  std::vector<UnknownWords> sets;
  int64_t width = 0;
  std::vector<float> rows;  // [words, width]; none without a table, which alone is made of them
};

bool HasTable(const WordStartOptions& o) { return !o.frozen || o.init == RowInit::kRandom; }

SeenVectors LookUp(const WordStartOptions& o, std::vector<WordCount> counts, int threads) {
  SeenVectors seen;
  for (const WordVectors& set : o.sets) {
    seen.sets.emplace_back(set, o.unknown);
    seen.width += set.width();
  }
  if (seen.sets.empty()) seen.width = o.width;
  seen.words.resize(counts.size());
  const bool keep = HasTable(o);
  if (keep) seen.rows.resize(counts.size() * static_cast<size_t>(seen.width));
  constexpr int64_t kWords = 256;  // of a task
  const auto count = static_cast<int64_t>(counts.size());
  ForTasks(threads, (count + kWords - 1) / kWords, seen.width, [&](int64_t task, float* scratch) {
    for (int64_t w = task * kWords; w < std::min(count, (task + 1) * kWords); ++w) {
      SeenWord& word = seen.words[static_cast<size_t>(w)];
      word = {
          std::move(counts[static_cast<size_t>(w)].word), counts[static_cast<size_t>(w)].count, {}};
      float* at = keep ? seen.rows.data() + w * seen.width : scratch;
      for (const UnknownWords& set : seen.sets) {
        const auto width = static_cast<size_t>(set.vectors().width());
        word.known.push_back(IsKnown(set.Vector(word.word, absl::MakeSpan(at, width)).source));
        at += width;
      }
    }
  });
  return seen;
}

// The standard deviation of the components of a set's first rows.
double DeviationOfRows(const WordVectors& vectors) {
  constexpr int64_t kRows = 10'000;
  const auto width = static_cast<size_t>(vectors.width());
  const int64_t rows = std::min(kRows, vectors.size());
  if (rows == 0) return 1 / static_cast<double>(width);
  std::vector<float> row(width);
  double squares = 0;
  for (int64_t i = 0; i < rows; ++i) {
    vectors.Row(i, absl::MakeSpan(row));
    for (const float x : row) squares += static_cast<double>(x) * x;
  }
  return std::sqrt(squares / static_cast<double>(rows * vectors.width()));
}

// The standard deviation of the components of what a set knows of the seen words.
double Deviation(const SeenVectors& seen, size_t set, int64_t first_column) {
  const int64_t width = seen.sets[set].vectors().width();
  double sum = 0, squares = 0;
  int64_t count = 0;
  for (size_t w = 0; w < seen.words.size(); ++w) {
    if (!seen.words[w].known[set]) continue;
    const float* row = seen.rows.data() + static_cast<int64_t>(w) * seen.width + first_column;
    for (int64_t c = 0; c < width; ++c) {
      sum += row[c];
      squares += static_cast<double>(row[c]) * row[c];
    }
    count += width;
  }
  if (count == 0) return DeviationOfRows(seen.sets[set].vectors());
  const double mean = sum / static_cast<double>(count);
  return std::sqrt(std::max(0.0, squares / static_cast<double>(count) - mean * mean));
}

// The places of the words in the order of the vocabulary, those with rows of the table first.
struct Vocabulary {
  std::vector<size_t> order;
  int64_t table_rows = 0;
};

Vocabulary MakeVocabulary(const WordStartOptions& o, const SeenVectors& seen) {
  Vocabulary vocabulary;
  vocabulary.order.resize(seen.words.size());
  std::iota(vocabulary.order.begin(), vocabulary.order.end(), 0);
  const bool table = HasTable(o);
  if (table && o.rows == TrainRows::kKnown && !seen.sets.empty()) {
    const auto end = std::stable_partition(vocabulary.order.begin(), vocabulary.order.end(),
                                           [&](size_t w) { return seen.words[w].any_known(); });
    vocabulary.table_rows = end - vocabulary.order.begin();
  } else if (table) {
    vocabulary.table_rows = static_cast<int64_t>(vocabulary.order.size());
  }
  // Words are kept for their rows and for their weights.
  if (o.composer.kind != ComposerKind::kSif) vocabulary.order.resize(vocabulary.table_rows);
  return vocabulary;
}

// The table [W, D]: random, and over it the vectors that are to be kept.
at::Tensor MakeTable(const WordStartOptions& o, const SeenVectors& seen,
                     const Vocabulary& vocabulary) {
  // Without vectors as fastText begins: with rows whose components shrink with their number.
  const double own = 1 / static_cast<double>(seen.width);
  at::Tensor table =
      NewTable(vocabulary.table_rows, seen.width, seen.sets.empty() ? own : 1, o.seed);
  int64_t column = 0;
  for (size_t set = 0; set < seen.sets.size(); ++set) {
    const int64_t width = seen.sets[set].vectors().width();
    const auto deviation = static_cast<float>(Deviation(seen, set, column));
    for (int64_t r = 0; r < vocabulary.table_rows; ++r) {
      const size_t w = vocabulary.order[r];
      float* row = table.mutable_data_ptr<float>() + r * seen.width + column;
      const float* vector = seen.rows.data() + static_cast<int64_t>(w) * seen.width + column;
      const bool given =
          seen.words[w].known[set] || o.unknown.last != UnknownWordOptions::Last::kNone;
      if (o.init == RowInit::kPretrained && given) {
        std::copy_n(vector, width, row);
      } else {
        for (int64_t c = 0; c < width; ++c) row[c] *= deviation;
      }
    }
    column += width;
  }
  return table;
}

// a / (a + p(word)) for the words of the vocabulary.
std::vector<float> SifWeights(double a, const SeenVectors& seen, const Vocabulary& vocabulary,
                              int64_t tokens) {
  std::vector<float> weights;
  for (const size_t w : vocabulary.order) {
    const double share = static_cast<double>(seen.words[w].count) / static_cast<double>(tokens);
    weights.push_back(static_cast<float>(a / (a + share)));
  }
  return weights;
}

WordStartReport Report(const SeenVectors& seen) {
  WordStartReport report;
  for (const SeenWord& word : seen.words) {
    ++report.words;
    report.tokens += word.count;
    if (!word.any_known()) continue;
    ++report.known_words;
    report.known_tokens += word.count;
  }
  return report;
}

// The first right singular vector [1, H] of the texts' vectors, the largest component positive.
at::Tensor FirstComponent(const Composer& composer, const Backbone& backbone,
                          const EncodedTexts& texts) {
  const c10::AutoGradMode no_grad(false);
  const int64_t size = composer.output_size();
  at::Tensor gram = at::zeros({size, size}, at::kDouble);
  std::vector<int64_t> order(texts.tokens.starts.size() - 1);
  std::iota(order.begin(), order.end(), 0);
  size_t begin = 0;
  for (const size_t end : CutByTokens(texts.tokens, order, kInferenceTokens)) {
    const Batch batch = PackBatch(texts, absl::MakeConstSpan(order).subspan(begin, end - begin));
    const at::Tensor vectors =
        Compose(composer, {}, backbone.Run(batch, PassOptions()), batch).to(at::kDouble);  // [B, H]
    gram.addmm_(vectors.t(), vectors);
    begin = end;
  }
  // Eigenvalues ascend.
  const at::Tensor vector = std::get<1>(at::linalg_eigh(gram)).select(1, size - 1);  // [H]
  const bool flip = vector[vector.abs().argmax()].item<double>() < 0;
  return (flip ? -vector : vector).to(at::kFloat).unsqueeze(0).contiguous();
}

// What graft.json could not say of a trained model would be found only when it is saved.
absl::Status CheckStorable(const WordModelSettings& settings) {
  nlohmann::ordered_json json;
  AddWordModelSettings(settings, json);
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document,
                        JsonDocument::Parse(json.dump(), "word vectors"));
  return ReadWordModelSettings(document.root()).status();
}

absl::StatusOr<WordStart> Start(WordStartOptions& o, absl::Span<const std::string_view> texts,
                                int threads) {
  WordModelSettings settings;
  settings.tokenizer = o.tokenizer ? *o.tokenizer
                       : o.sets.empty()
                           ? WordTokenizerOptions{.split = WordSplit::kUnicode, .lower_case = true}
                           : GuessWordTokenizer(o.sets[0]);
  settings.unknown = o.unknown;
  const SeenVectors seen = LookUp(
      o, CountWords(WordTokenizer(settings.tokenizer), texts, o.max_length, threads), threads);
  const Vocabulary vocabulary = MakeVocabulary(o, seen);
  WordStart start;
  start.report = Report(seen);
  settings.backbone = {vocabulary.table_rows, seen.width, o.channels};
  settings.vocabulary = static_cast<int64_t>(vocabulary.order.size());
  settings.dropout = o.dropout;
  settings.weighted = o.composer.kind == ComposerKind::kSif;
  settings.composer = o.composer;
  settings.composer.input_size = o.channels * seen.width;
  std::vector<at::Tensor> table;
  if (vocabulary.table_rows > 0) table.push_back(MakeTable(o, seen, vocabulary));
  if (o.init == RowInit::kRandom) o.sets.clear();
  for (const WordVectors& set : o.sets) settings.set_widths.push_back(set.width());
  WordsBuilder words;
  for (const size_t w : vocabulary.order) words.Add(seen.words[w].word);
  std::vector<float> weights;
  if (settings.weighted) weights = SifWeights(o.sif_a, seen, vocabulary, start.report.tokens);

  ABSL_RETURN_IF_ERROR(CheckStorable(settings));
  LoadedModel& model = start.model;
  model.words = std::make_shared<const WordModel>(settings, std::move(o.sets), words.Finish(),
                                                  std::move(weights));
  model.folder.words = settings;
  model.folder.architecture = MakeWordBackbone(settings.backbone);
  model.folder.config = model.folder.architecture.architecture->config();
  model.folder.max_length = model.folder.config.max_positions;
  model.backbone = std::make_shared<const Backbone>(model.folder.architecture, std::move(table));
  start.composer = settings.composer;
  if (settings.weighted) {
    const EncodedTexts encoded = model.words->Encode(texts, o.max_length, threads);
    ABSL_RETURN_IF_ERROR(CheckEveryTextHasTokens(texts, encoded.tokens));
    start.composer.component = FirstComponent(settings.composer, *model.backbone, encoded);
  }
  return start;
}

}  // namespace

WordTokenizerOptions GuessWordTokenizer(const WordVectors& vectors) {
  constexpr int64_t kWords = 20'000;
  WordTokenizerOptions options{.split = WordSplit::kUnicode, .lower_case = false};
  const auto has = [&](std::string_view word) { return vectors.Find(word).has_value(); };
  const bool parts = has("n't") || (has("the") && has("do") && !has("don't"));
  if (parts) options.split = WordSplit::kTreebank;
  const Words& words = vectors.words();
  options.lower_case = words.size() > 0;
  for (int64_t row = 0; row < std::min(kWords, words.size()) && options.lower_case; ++row) {
    options.lower_case = LowerCase(words[row]) == words[row];
  }
  return options;
}

absl::StatusOr<WordStart> StartWordModel(WordStartOptions options,
                                         absl::Span<const std::string_view> texts, int threads) {
  return CatchErrors("word vectors", [&] { return Start(options, texts, threads); });
}

}  // namespace graft
