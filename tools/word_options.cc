#include "tools/word_options.h"

#include <iostream>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "embeddings/load.h"
#include "tasks/threads.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

ComposerKind Kind(const WordOptions& o) {
  return ComposerOfName(o.classifier).value_or(ComposerKind::kAverage);
}

double DefaultDropout(ComposerKind kind) {
  switch (kind) {
    case ComposerKind::kCnn:
      return 0.5;  // Kim 2014
    case ComposerKind::kLstm:
      return 0.3;
    case ComposerKind::kAverage:
    case ComposerKind::kSif:
      break;
  }
  return 0;
}

// "3,4,5" -> 3, 4, 5.
absl::StatusOr<std::vector<int64_t>> ParseWindows(std::string_view text) {
  std::vector<int64_t> windows;
  for (const std::string_view part : absl::StrSplit(text, ',')) {
    const absl::StatusOr<int64_t> window = ParseInteger(part, 1, 1000);
    if (!window.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--windows: ", window.status().message()));
    }
    windows.push_back(*window);
  }
  return windows;
}

absl::StatusOr<Composer> MakeComposer(const WordOptions& o) {
  Composer composer;
  composer.kind = Kind(o);
  ABSL_ASSIGN_OR_RETURN(composer.convolution.widths, ParseWindows(o.windows));
  composer.convolution.filters = o.filters;
  composer.lstm_size = o.lstm_size;
  return composer;
}

std::optional<WordTokenizerOptions> MakeTokenizer(const WordOptions& o,
                                                  const std::vector<WordVectors>& sets) {
  if (o.split.empty() && o.letter_case.empty()) return std::nullopt;
  WordTokenizerOptions options{.split = WordSplit::kUnicode, .lower_case = true};
  if (!sets.empty()) options = GuessWordTokenizer(sets[0]);
  if (!o.split.empty()) options.split = *WordSplitOfName(o.split);
  if (!o.letter_case.empty()) options.lower_case = o.letter_case == "lower";
  return options;
}

void Tell(const std::string& path, const LoadReport& report) {
  const auto tell = [&](int64_t count, std::string_view what) {
    if (count == 0) return;
    std::cerr << "graft: " << Printable(path) << ": " << count << " " << what << "\n";
  };
  tell(report.skipped, "rows were left out, as they are not sound");
  tell(report.duplicates, "words stand there again; the first row of each counts");
  tell(report.broken_utf8, "words are no UTF-8; kept as they are");
}

absl::StatusOr<std::vector<WordVectors>> LoadSets(const WordOptions& o) {
  std::vector<WordVectors> sets;
  if (o.vectors.empty()) return sets;
  for (const std::string_view path : absl::StrSplit(o.vectors, ',')) {
    LoadOptions options;
    options.threads = Threads();
    options.repair = o.repair;
    ABSL_ASSIGN_OR_RETURN(LoadedVectors loaded, LoadWordVectors(std::string(path), options));
    Tell(std::string(path), loaded.report);
    sets.push_back(std::move(loaded.vectors));
  }
  return sets;
}

}  // namespace

void DeclareWords(WordOptions& o, OptionList& list) {
  list.Text("--vectors", &o.vectors, "FILE[,FILE...]",
            "word vectors in place of --model: word2vec, GloVe, fastText, floret, NumPy, "
            "finalfusion or graft's folder; several are put side by side");
  list.Choice("--classifier", &o.classifier, {"average", "sif", "cnn", "lstm"},
              "how the vectors of a text's words become one (default: average)");
  list.Choice("--init", &o.init, {"pretrained", "random"},
              "what the words' rows are at first; random ones are as wide as --vectors or --width");
  list.Choice("--train-rows", &o.train_rows, {"all", "known"},
              "which words of the training texts get rows that train: all, or those that the "
              "vectors know (default: all)");
  list.Integer("--channels", &o.channels, 1, 2,
               "2: each word twice, as its vector is and as it trains");
  list.Integer("--width", &o.width, 1, 100'000,
               "components of random rows without --vectors (default: 100)");
  list.Choice("--split", &o.split, {"whitespace", "unicode", "treebank"},
              "how texts become words (default: as the words of the vectors tell)");
  list.Choice("--case", &o.letter_case, {"keep", "lower"},
              "capitals of words (default: as the words of the vectors tell)");
  list.Choice("--unknown", &o.unknown, {"none", "zero", "rare"},
              "what a word is that has neither row, n-grams nor lower-cased row: nothing (random "
              "where it trains), zeros, or the mean of the last 100 rows");
  list.Text("--windows", &o.windows, "N[,N...]", "widths of the filters of cnn, in words");
  list.Integer("--filters", &o.filters, 1, 100'000, "filters of each width of cnn");
  list.Integer("--lstm-size", &o.lstm_size, 1, 100'000, "hidden size of lstm in each direction");
  list.Number("--sif-a", &o.sif_a, {.min = 0, .max = 1, .min_excluded = true},
              "a of sif: a word of share p of the training texts weighs a / (a + p)");
  list.Number("--dropout", &o.dropout, {.min = 0, .max = 0.99},
              "in front of the last layer over word vectors (default: cnn 0.5, lstm 0.3, else 0)");
  list.Flag("--repair", &o.repair, "leave out rows of --vectors that are not sound");
}

bool UsesWords(const WordOptions& o) {
  return !o.vectors.empty() || !o.classifier.empty() || o.width || o.init == "random";
}

absl::Status CheckWords(const WordOptions& o, std::string_view freeze) {
  if (o.vectors.empty() && o.init == "pretrained") {
    return absl::InvalidArgumentError("--vectors: expected word vectors, found none");
  }
  if (!o.vectors.empty() && o.width) {
    return absl::InvalidArgumentError("--width: expected it or --vectors, found both");
  }
  if (freeze != "none" && freeze != "all") {
    return absl::InvalidArgumentError(
        absl::StrCat("--freeze: expected none or all over word vectors, found '", freeze, "'"));
  }
  const bool table = freeze == "none";
  if (!table && !o.train_rows.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--train-rows: expected --freeze none with it, found '", freeze, "'"));
  }
  if (o.channels == 2 && (!table || o.init == "random")) {
    return absl::InvalidArgumentError(
        "--channels: 2 is one that stays and one that trains: expected --freeze none and --init "
        "pretrained");
  }
  return ParseWindows(o.windows).status();
}

absl::StatusOr<WordStart> StartWords(const WordOptions& o, std::string_view freeze, uint64_t seed,
                                     absl::Span<const std::string_view> texts) {
  WordStartOptions start;
  ABSL_ASSIGN_OR_RETURN(start.sets, LoadSets(o));
  start.width = o.width.value_or(start.width);
  start.tokenizer = MakeTokenizer(o, start.sets);
  using Last = UnknownWordOptions::Last;
  start.unknown.last = o.unknown == "rare"   ? Last::kRareMean
                       : o.unknown == "zero" ? Last::kZero
                                             : Last::kNone;
  start.frozen = freeze == "all";
  start.rows = o.train_rows == "known" ? TrainRows::kKnown : TrainRows::kAll;
  start.init = o.init == "random" ? RowInit::kRandom : RowInit::kPretrained;
  start.channels = static_cast<int>(o.channels);
  ABSL_ASSIGN_OR_RETURN(start.composer, MakeComposer(o));
  start.dropout = o.dropout.value_or(DefaultDropout(start.composer.kind));
  start.sif_a = o.sif_a;
  start.seed = seed;
  return StartWordModel(std::move(start), texts, Threads());
}

TrainingDefaults WordTrainingDefaults(const WordOptions& o) {
  switch (Kind(o)) {
    case ComposerKind::kCnn:
      return {10, 1e-3, 50};  // texts in a step: Kim 2014
    case ComposerKind::kLstm:
      return {10, 1e-3, 32};
    case ComposerKind::kAverage:
    case ComposerKind::kSif:
      break;
  }
  return {10, 1e-2, 64};
}

}  // namespace graft::tools
