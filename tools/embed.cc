// graft embed: a vector for every text.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "tasks/text_embedder.h"
#include "tasks/text_rows.h"
#include "tools/argument_texts.h"
#include "tools/compute.h"
#include "tools/embedder_options.h"
#include "tools/embedding_output.h"
#include "tools/progress.h"
#include "tools/row_blocks.h"
#include "tools/stop_signal.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

constexpr size_t kBlock = 256;  // texts that are embedded at once, at most

struct Options {
  std::string model;
  std::vector<std::string> texts;
  std::string input = "";
  TextRowOptions rows;
  std::string output = "";
  std::string out = "";
  bool overwrite = false;
  std::string pooling = "";
  bool normalize = false;
  std::optional<int64_t> layer;
  std::optional<int64_t> dimensions;
  std::optional<int64_t> max_length;
  PromptOptions prompt;
  std::string device = "auto";
  int threads = 0;
};

void DeclareInput(Options& o, OptionList& list) {
  list.Arguments("[TEXT...]", &o.texts, "texts to embed; without any, the lines of standard input");
  list.Text("--input", &o.input, "FILE",
            "texts: TSV, CSV, JSON lines or lines, plain or gzip; - is standard input");
  list.Text("--text-column", &o.rows.text_column, "COLUMN",
            "name of the column of texts, or its number counted from 1; else the column `text` of "
            "the header, or the first");
  list.Text("--id-column", &o.rows.id_column, "COLUMN",
            "the same for ids; else a text's id is the number of its line");
  list.Choice<TextFormat>("--format", &o.rows.format,
                          {{"auto", TextFormat::kAuto},
                           {"lines", TextFormat::kLines},
                           {"tsv", TextFormat::kTsv},
                           {"csv", TextFormat::kCsv},
                           {"jsonl", TextFormat::kJsonLines}},
                          "form of the texts; auto goes by the name's ending, else lines");
  list.InvalidUtf8Policy(&o.rows.invalid_utf8);
}

void Declare(Options& o, OptionList& list) {
  list.Text("--model", &o.model, "DIR", "a sentence-transformers or transformers folder",
            Need::kRequired);
  DeclareInput(o, list);
  list.Text("--output", &o.output, "FILE",
            "write one matrix, .npy or .safetensors, instead of JSON lines");
  list.Text("--out", &o.out, "DIR", "write a folder for `graft search`, with the texts");
  list.Flag("--overwrite", &o.overwrite,
            "replace FILE, or DIR if it is a folder for `graft search`");
  list.Choice("--pooling", &o.pooling, {"cls", "mean", "max", "last"},
              "one vector of the tokens', where the folder does not say how; mean by default");
  list.Flag("--normalize", &o.normalize, "give every vector length 1");
  list.Integer("--layer", &o.layer, 0, 1024,
               "take the output of this layer instead of the last; 0 is the embeddings");
  list.Integer("--dims", &o.dimensions, 1, 1'000'000,
               "keep the first numbers of a vector alone (before --normalize)");
  list.Integer("--max-length", &o.max_length, 1, 1'000'000,
               "cut texts off behind so many tokens; by default as the folder says");
  DeclarePrompt(o.prompt, list, "every text",
                "--out takes the prompt `document`, all else the folder's default prompt");
  list.Device(&o.device);
  list.Threads(&o.threads);
}

// Options of input that texts as arguments have no use for.
absl::Status CheckInput(const Options& o) {
  if (o.texts.empty()) return absl::OkStatus();
  for (const auto& [name, given] : {std::pair{"--input", !o.input.empty()},
                                    {"--text-column", !o.rows.text_column.empty()},
                                    {"--id-column", !o.rows.id_column.empty()},
                                    {"--format", o.rows.format != TextFormat::kAuto}}) {
    if (!given) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected it or texts as arguments, found both"));
  }
  return absl::OkStatus();
}

absl::Status Check(const Options& o) {
  ABSL_RETURN_IF_ERROR(CheckInput(o));
  if (o.overwrite && o.output.empty() && o.out.empty()) {
    return absl::InvalidArgumentError("--overwrite: expected --out or --output too, found neither");
  }
  if (!o.output.empty() && !o.out.empty()) {
    return absl::InvalidArgumentError("--out: expected it or --output, found both");
  }
  if (!o.output.empty()) {
    ABSL_RETURN_IF_ERROR(CheckVectorFileName(o.output));
    if (!o.rows.id_column.empty()) {
      return absl::InvalidArgumentError(
          "--id-column: expected --out or JSON lines, found --output, whose files have no ids");
    }
  }
  ABSL_RETURN_IF_ERROR(CheckPrompt(o.prompt));
  return CheckArgumentTexts(o.texts, o.rows.invalid_utf8);
}

EmbedderOptions MakeEmbedderOptions(const Options& o) {
  EmbedderOptions options;
  if (!o.pooling.empty()) {
    options.pooling = o.pooling == "last" ? PoolingMode::kLast : FindPoolingMode(o.pooling);
  }
  options.normalize = o.normalize;
  options.layer = o.layer;
  options.dimensions = o.dimensions;
  options.max_length = o.max_length;
  // What is searched are documents; who takes the vectors alone may mean them for anything.
  if (!o.out.empty()) options.use = PromptUse::kDocument;
  SetPrompt(o.prompt, options);
  return options;
}

bool ReadsStandardInput(const Options& o) { return o.input.empty() || o.input == "-"; }

// One run of the verb.
struct Job {
  TextEmbedder embedder;
  std::unique_ptr<EmbeddingOutput> output;
  bool writes_file = false;
  CutTexts cut = {};
  int64_t texts = 0;

  absl::Status Embed(absl::Span<const TextRow> rows) {
    std::vector<std::string_view> views;
    for (const TextRow& row : rows) views.push_back(row.text);
    ABSL_ASSIGN_OR_RETURN(const Embeddings embeddings, embedder.Embed(absl::MakeConstSpan(views)));
    cut.Add(embeddings);
    texts += static_cast<int64_t>(rows.size());
    return output->Add(rows, embeddings);
  }
};

absl::StatusOr<EmbeddingSource> MakeSource(const Options& o, const TextEmbedder& embedder) {
  EmbeddingSource source;
  std::error_code error;
  const std::filesystem::path model = std::filesystem::absolute(o.model, error);
  source.model = error ? o.model : model.lexically_normal().string();
  source.options = MakeEmbedderOptions(o);
  source.options.prompt_name.reset();
  source.options.use = PromptUse::kNone;
  source.options.prompt = embedder.prompt();
  ABSL_ASSIGN_OR_RETURN(source.fingerprint, embedder.Fingerprint());
  source.similarity = embedder.similarity();
  source.graft_version = GRAFT_VERSION;
  return source;
}

absl::StatusOr<std::unique_ptr<EmbeddingOutput>> OpenOutput(const Options& o,
                                                            const TextEmbedder& embedder) {
  if (!o.out.empty()) {
    ABSL_ASSIGN_OR_RETURN(EmbeddingSource source, MakeSource(o, embedder));
    return IndexOutput(o.out, embedder.dimensions(), std::move(source), o.overwrite);
  }
  if (!o.output.empty()) return VectorFileOutput(o.output, embedder.dimensions(), o.overwrite);
  return JsonLinesOutput(!o.rows.id_column.empty());
}

// The bytes of the input where it is a plain file, compressed ones of gzip; else 0.
int64_t InputSize(const Options& o) {
  struct stat info;
  const bool known = ReadsStandardInput(o) ? ::fstat(STDIN_FILENO, &info) == 0
                                           : ::stat(o.input.c_str(), &info) == 0;
  return known && S_ISREG(info.st_mode) ? info.st_size : 0;
}

// The rows before a mistake are still embedded, as every verb does with lines; a file that would
// hold a part of them is never finished.
absl::Status EmbedInput(const Options& o, Job& job, const StopSignal* stop) {
  TextRowOptions options = o.rows;
  if (stop != nullptr) options.stop = [stop] { return stop->requested(); };
  ABSL_ASSIGN_OR_RETURN(TextRows input,
                        TextRows::Open(ReadsStandardInput(o) ? "-" : o.input, options));
  RowBlocks blocks(std::move(input), kBlock, stop);
  const int64_t size = job.writes_file ? InputSize(o) : 0;
  std::optional<ProgressBar> bar;
  if (size > 0) bar.emplace("embedding", size, "bytes");
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<TextRow> rows, blocks.Next());
    if (rows.empty()) break;
    ABSL_RETURN_IF_ERROR(ForRows(rows, blocks.name(),
                                 [&](absl::Span<const TextRow> part) { return job.Embed(part); }));
    if (bar) bar->Update(std::min(size, static_cast<int64_t>(blocks.file_offset())));
  }
  if (bar && !(stop != nullptr && stop->requested())) bar->Finish();
  return absl::OkStatus();
}

absl::Status EmbedArguments(const Options& o, Job& job) {
  std::vector<TextRow> rows;
  for (std::string& text : ReplacedTexts(o.texts)) {
    const auto number = static_cast<int64_t>(rows.size()) + 1;
    rows.push_back({absl::StrCat(number), std::move(text), number});
  }
  return ForRows(rows, kCommandLine,
                 [&](absl::Span<const TextRow> part) { return job.Embed(part); });
}

absl::StatusOr<int> Embed(const Options& o) {
  ABSL_RETURN_IF_ERROR(PrepareCompute(o.device, o.threads));
  ABSL_ASSIGN_OR_RETURN(TextEmbedder embedder, LoadEmbedder(o.model, MakeEmbedderOptions(o)));
  Job job = {std::move(embedder), nullptr};
  if (job.embedder.pooling_by_default()) {
    std::cerr << "graft: " << o.model
              << " does not say how to pool: a vector is the mean of the tokens' (--pooling)\n";
  }
  job.writes_file = !o.output.empty() || !o.out.empty();
  // Lines that were written stay; a file is finished or not there, which takes a moment's tidying.
  std::optional<StopSignal> stop;
  if (job.writes_file) stop.emplace();
  ABSL_ASSIGN_OR_RETURN(job.output, OpenOutput(o, job.embedder));
  ABSL_RETURN_IF_ERROR(o.texts.empty() ? EmbedInput(o, job, stop ? &*stop : nullptr)
                                       : EmbedArguments(o, job));
  if (stop && stop->requested()) {
    std::cerr << "graft: stopped by a signal; nothing was written\n";
    return stop->exit_status();
  }
  if (job.writes_file && job.texts == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        ReadsStandardInput(o) ? "standard input" : o.input, ": expected texts, found none"));
  }
  ABSL_RETURN_IF_ERROR(job.output->Finish());
  job.cut.Print(job.embedder);
  if (job.writes_file) {
    std::cerr << "graft: " << job.texts << " texts, vectors of " << job.embedder.dimensions()
              << " numbers (" << job.embedder.pooling() << ") in " << o.output << o.out << "\n";
  }
  return kExitOk;
}

}  // namespace

Verb EmbedVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "embed",
          .summary = "Turn texts into vectors",
          .example =
              "graft embed --model minilm \"A wonderful film.\"\n"
              "graft embed --model minilm --output reviews.npy < reviews.txt\n"
              "graft embed --model minilm --input reviews.tsv --text-column review --out reviews\n"
              "graft embed --model bert --pooling cls --layer 11 --normalize < reviews.txt",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return Check(*options); },
          .run = [options] { return Embed(*options); }};
}

}  // namespace graft::tools
