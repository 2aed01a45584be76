#include "tools/word_options.h"

#include <algorithm>
#include <iostream>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
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

// "3,4,5" -> 3, 4, 5, and nothing -> the default.
absl::StatusOr<std::vector<int64_t>> ParseWindows(std::string_view text) {
  if (text.empty()) return Composer().convolution.widths;
  std::vector<int64_t> windows;
  for (const std::string_view part : absl::StrSplit(text, ',')) {
    const absl::StatusOr<int64_t> window = ParseInteger(part, 1, 1000);
    if (!window.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--windows: ", window.status().message()));
    }
    if (std::find(windows.begin(), windows.end(), *window) != windows.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--windows: expected different widths, found ", *window, " twice"));
    }
    windows.push_back(*window);
  }
  return windows;
}

absl::StatusOr<Composer> MakeComposer(const WordOptions& o) {
  Composer composer;
  composer.kind = Kind(o);
  ABSL_ASSIGN_OR_RETURN(composer.convolution.widths, ParseWindows(o.windows));
  composer.convolution.filters = o.filters.value_or(composer.convolution.filters);
  composer.lstm_size = o.lstm_size.value_or(composer.lstm_size);
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

// What is not told with the repairs: a classifier is made of this but once.
void TellOddities(const std::string& path, const LoadReport& report) {
  const auto tell = [&](int64_t count, std::string_view what) {
    if (count == 0) return;
    std::cerr << "graft: " << Printable(path) << ": " << count << " " << what << "\n";
  };
  tell(report.duplicates, "words stand there again; the first row of each counts");
  tell(report.broken_utf8, "words are no UTF-8; kept as they are");
}

std::vector<std::string> VectorPaths(const WordOptions& o) {
  if (PathExists(o.vectors)) return {o.vectors};
  return absl::StrSplit(o.vectors, ',', absl::SkipEmpty());
}

absl::StatusOr<std::vector<WordVectors>> LoadSets(const WordOptions& o) {
  std::vector<WordVectors> sets;
  for (const std::string& path : VectorPaths(o)) {
    VectorFileOptions file = o.reading;
    file.path = path;
    file.threads = Threads();
    ABSL_ASSIGN_OR_RETURN(LoadedVectors loaded, LoadVectorFile(file));
    TellOddities(path, loaded.report);
    sets.push_back(std::move(loaded.vectors));
  }
  return sets;
}

using Given = std::vector<std::pair<std::string_view, bool>>;

absl::Status NotGiven(const Given& options, std::string_view needed) {
  for (const auto& [name, given] : options) {
    if (!given) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected ", needed, " with it, found none"));
  }
  return absl::OkStatus();
}

Given ReadingOptions(const WordOptions& o) {
  const VectorFileOptions& r = o.reading;
  return {{"--vectors-format", !r.format.empty()},
          {"--vectors-words", !r.words.empty()},
          {"--vectors-zip-entry", !r.zip_entry.empty()},
          {"--repair", r.repair},
          {"--allow-count-mismatch", r.allow_count_mismatch}};
}

// What is said of one file is not true of several.
absl::Status CheckReadingOfSeveral(const WordOptions& o) {
  const size_t files = VectorPaths(o).size();
  if (files <= 1) return absl::OkStatus();
  const Given of_one = {{"--vectors-format", !o.reading.format.empty()},
                        {"--vectors-words", !o.reading.words.empty()},
                        {"--vectors-zip-entry", !o.reading.zip_entry.empty()}};
  for (const auto& [name, given] : of_one) {
    if (!given) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected one file of --vectors, found ", files));
  }
  return absl::OkStatus();
}

// Options that the classifier, or a start without vectors, has no use for.
absl::Status CheckClassifierOptions(const WordOptions& o) {
  const ComposerKind kind = Kind(o);
  if (kind != ComposerKind::kCnn) {
    ABSL_RETURN_IF_ERROR(
        NotGiven({{"--windows", !o.windows.empty()}, {"--filters", o.filters.has_value()}},
                 "--classifier cnn"));
  }
  if (kind != ComposerKind::kLstm) {
    ABSL_RETURN_IF_ERROR(NotGiven({{"--lstm-size", o.lstm_size.has_value()}}, "--classifier lstm"));
  }
  if (kind != ComposerKind::kSif) {
    ABSL_RETURN_IF_ERROR(NotGiven({{"--sif-a", o.sif_a.has_value()}}, "--classifier sif"));
  }
  if (!o.vectors.empty()) return absl::OkStatus();
  Given given = ReadingOptions(o);
  given.emplace_back("--train-rows", o.train_rows == "known");
  given.emplace_back("--unknown", !o.unknown.empty());
  return NotGiven(given, "--vectors");
}

}  // namespace

void DeclareWords(WordOptions& o, OptionList& list) {
  list.Text(
      "--vectors", &o.vectors, "FILE[,FILE...]",
      "word vectors in place of --model: word2vec, GloVe, fastText, floret, NumPy, "
      "finalfusion or graft's folder, plain, gzip or zip; several are put side by side. Options "
      "of reading that only one of several needs: `graft vectors convert` makes a folder");
  list.Choice("--classifier", &o.classifier, {"average", "sif", "cnn", "lstm"},
              "how the vectors of a text's words become one (default: average)");
  list.Choice("--init", &o.init, {"pretrained", "random"},
              "what the words' rows are at first; random ones are as wide as --vectors or --width "
              "(default: pretrained)");
  list.Choice("--train-rows", &o.train_rows, {"all", "known"},
              "which words of the training texts get rows that train: all, or those that the "
              "vectors know (default: all)");
  list.Integer("--channels", &o.channels, 1, 2,
               "2: each word twice, as its vector is and as it trains (default: 1)");
  list.Integer("--width", &o.width, 1, 100'000,
               "components of random rows without --vectors (default: 100)");
  list.Choice("--split", &o.split, {"whitespace", "unicode", "treebank"},
              "how texts become words (default: as the words of the vectors tell)");
  list.Choice("--case", &o.letter_case, {"keep", "lower"},
              "capitals of words (default: as the words of the vectors tell)");
  list.Choice("--unknown", &o.unknown, {"none", "zero", "rare"},
              "what a word is that has neither row, n-grams nor lower-cased row: nothing (random "
              "where it trains), zeros, or the mean of the last 100 rows (default: none)");
  list.Text("--windows", &o.windows, "N[,N...]",
            "widths of the filters of cnn, in words (default: 3,4,5)");
  list.Integer("--filters", &o.filters, 1, 100'000, "filters of each width of cnn (default: 100)");
  list.Integer("--lstm-size", &o.lstm_size, 1, 100'000,
               "hidden size of lstm in each direction (default: 150)");
  list.Number("--sif-a", &o.sif_a, {.min = 0, .max = 1, .min_excluded = true},
              "a of sif: a word of share p of the training texts weighs a / (a + p) (default: "
              "0.001)");
  list.Number("--dropout", &o.dropout, {.min = 0, .max = 0.99},
              "in front of the last layer over word vectors (default: cnn 0.5, lstm 0.3, else 0)");
  list.Choice("--vectors-format", &o.reading.format, absl::StrSplit(VectorFormatNames(), ", "),
              "their format, where it is not to be found from the bytes");
  list.Text("--vectors-words", &o.reading.words, "FILE",
            "of numpy: the words, one in a line; without it the same name with .txt");
  list.Text("--vectors-zip-entry", &o.reading.zip_entry, "NAME",
            "the file of a zip archive that has several");
  list.Flag("--repair", &o.reading.repair, "leave out rows of --vectors that are not sound");
  list.Flag("--allow-count-mismatch", &o.reading.allow_count_mismatch,
            "--vectors may have more or fewer rows than they announce");
}

bool UsesWords(const WordOptions& o) {
  return !o.vectors.empty() || !o.classifier.empty() || o.width || o.init == "random";
}

absl::Status CheckNoWords(const WordOptions& o) {
  Given given = {{"--init", !o.init.empty()},
                 {"--train-rows", !o.train_rows.empty()},
                 {"--channels", o.channels.has_value()},
                 {"--split", !o.split.empty()},
                 {"--case", !o.letter_case.empty()},
                 {"--unknown", !o.unknown.empty()},
                 {"--windows", !o.windows.empty()},
                 {"--filters", o.filters.has_value()},
                 {"--lstm-size", o.lstm_size.has_value()},
                 {"--sif-a", o.sif_a.has_value()},
                 {"--dropout", o.dropout.has_value()}};
  for (const auto& option : ReadingOptions(o)) given.push_back(option);
  return NotGiven(given, "--vectors or --classifier");
}

absl::Status CheckWords(const WordOptions& o, std::string_view freeze) {
  const bool random = o.init == "random", table = freeze == "none";
  if (o.vectors.empty() && !random) {
    return absl::InvalidArgumentError("--vectors: expected word vectors, found none");
  }
  if (!o.vectors.empty() && o.width) {
    return absl::InvalidArgumentError("--width: expected it or --vectors, found both");
  }
  if (!table && freeze != "all") {
    return absl::InvalidArgumentError(
        absl::StrCat("--freeze: expected none or all over word vectors, found '", freeze, "'"));
  }
  if (!table && !o.train_rows.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--train-rows: expected --freeze none with it, found '", freeze, "'"));
  }
  if (o.channels == 2 && (!table || random)) {
    return absl::InvalidArgumentError(
        "--channels: 2 is one that stays and one that trains: expected --freeze none and --init "
        "pretrained");
  }
  ABSL_RETURN_IF_ERROR(CheckClassifierOptions(o));
  ABSL_RETURN_IF_ERROR(CheckReadingOfSeveral(o));
  return ParseWindows(o.windows).status();
}

absl::StatusOr<WordStart> StartWords(const WordOptions& o, const StartSettings& settings,
                                     absl::Span<const std::string_view> texts) {
  WordStartOptions start;
  ABSL_ASSIGN_OR_RETURN(start.sets, LoadSets(o));
  start.width = o.width.value_or(start.width);
  start.tokenizer = MakeTokenizer(o, start.sets);
  using Last = UnknownWordOptions::Last;
  start.unknown.last = o.unknown == "rare"   ? Last::kRareMean
                       : o.unknown == "zero" ? Last::kZero
                                             : Last::kNone;
  start.frozen = settings.freeze == "all";
  start.rows = o.train_rows == "known" ? TrainRows::kKnown : TrainRows::kAll;
  start.init = o.init == "random" ? RowInit::kRandom : RowInit::kPretrained;
  start.channels = static_cast<int>(o.channels.value_or(1));
  ABSL_ASSIGN_OR_RETURN(start.composer, MakeComposer(o));
  start.dropout = o.dropout.value_or(DefaultDropout(start.composer.kind));
  start.max_length = settings.max_length.value_or(start.max_length);
  start.sif_a = o.sif_a.value_or(start.sif_a);
  start.seed = settings.seed;
  return StartWordModel(std::move(start), texts, Threads());
}

std::map<std::string, std::string> WordRecord(const WordOptions& o) {
  std::map<std::string, std::string> record = {
      {"vectors", o.vectors},
      {"init", o.init.empty() ? "pretrained" : o.init},
      {"train_rows", o.train_rows.empty() ? "all" : o.train_rows}};
  if (Kind(o) == ComposerKind::kSif) {
    record["sif_a"] = absl::StrCat(o.sif_a.value_or(WordStartOptions().sif_a));
  }
  return record;
}

TrainingDefaults WordTrainingDefaults(const WordOptions& o) {
  switch (Kind(o)) {
    case ComposerKind::kCnn:
      return {10, 1e-3, 50, 3};  // texts in a step, longest weights: Kim 2014
    case ComposerKind::kLstm:
      return {10, 1e-3, 32, 0};
    case ComposerKind::kAverage:
    case ComposerKind::kSif:
      break;
  }
  return {10, 1e-2, 64, 0};
}

}  // namespace graft::tools
