// graft embed: a vector for every text.
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
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tasks/text_embedder.h"
#include "tasks/text_rows.h"
#include "tools/argument_texts.h"
#include "tools/compute.h"
#include "tools/embedder_options.h"
#include "tools/embedding_output.h"
#include "tools/progress.h"
#include "tools/stop_signal.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

constexpr size_t kBlock = 256;  // texts that are embedded at once; one by one from a terminal

struct Options {
  std::string model;
  std::vector<std::string> texts;
  std::string input = "";
  TextRowOptions rows;
  std::string output = "";
  std::string out = "";
  std::string pooling = "";
  bool normalize = false;
  std::optional<int64_t> layer;
  std::optional<int64_t> dimensions;
  PromptOptions prompt;
  std::string device = "auto";
  int threads = 0;
};

void DeclareInput(Options& o, OptionList& list) {
  list.Arguments("TEXT", &o.texts, "texts to embed; without any, the lines of standard input");
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
  list.Choice("--pooling", &o.pooling, {"cls", "mean", "max", "last"},
              "one vector of the tokens', where the folder does not say how; mean by default");
  list.Flag("--normalize", &o.normalize, "give every vector length 1");
  list.Integer("--layer", &o.layer, 0, 1024,
               "take the output of this layer instead of the last; 0 is the embeddings");
  list.Integer("--dims", &o.dimensions, 1, 1'000'000,
               "keep the first numbers of a vector alone (before --normalize)");
  DeclarePrompt(o.prompt, list);
  list.Device(&o.device);
  list.Threads(&o.threads);
}

absl::Status Check(const Options& o) {
  if (!o.texts.empty() && !o.input.empty()) {
    return absl::InvalidArgumentError("--input: expected it or texts as arguments, found both");
  }
  if (!o.output.empty() && !o.out.empty()) {
    return absl::InvalidArgumentError("--out: expected it or --output, found both");
  }
  if (!o.output.empty()) ABSL_RETURN_IF_ERROR(CheckVectorFileName(o.output));
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
  SetPrompt(o.prompt, options);
  return options;
}

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
    return IndexOutput(o.out, embedder.dimensions(), std::move(source));
  }
  if (!o.output.empty()) return VectorFileOutput(o.output, embedder.dimensions());
  return JsonLinesOutput(!o.rows.id_column.empty());
}

// A bar over the bytes of a plain file; none where its size says nothing.
std::unique_ptr<ProgressBar> MakeBar(const Options& o, const Job& job) {
  std::error_code error;
  const auto size = std::filesystem::file_size(o.input, error);
  if (!job.writes_file || o.input.empty() || error || size == 0 || absl::EndsWith(o.input, ".gz")) {
    return nullptr;
  }
  return std::make_unique<ProgressBar>("embedding", static_cast<int64_t>(size), "bytes");
}

// The rows before a mistake are still embedded, as every verb does with lines; a file that would
// hold a part of them is never finished.
absl::Status EmbedInput(const Options& o, Job& job, const StopSignal* stop) {
  const bool standard_input = o.input.empty() || o.input == "-";
  ABSL_ASSIGN_OR_RETURN(TextRows input, TextRows::Open(standard_input ? "-" : o.input, o.rows));
  const std::unique_ptr<ProgressBar> bar = MakeBar(o, job);
  const int64_t size =
      bar ? static_cast<int64_t>(std::filesystem::file_size(o.input)) : 0;  // MakeBar asked before
  const size_t block = standard_input && ::isatty(STDIN_FILENO) ? 1 : kBlock;
  std::vector<TextRow> rows;
  TextRow row;
  while (true) {
    const absl::StatusOr<bool> more = input.Next(row);
    if (more.ok() && *more) rows.push_back(std::move(row));
    const bool last = !more.ok() || !*more;
    if (rows.size() == block || (last && !rows.empty())) {
      ABSL_RETURN_IF_ERROR(job.Embed(rows));
      rows.clear();
      if (bar) bar->Update(std::min(size, static_cast<int64_t>(input.byte_offset())));
    }
    if (last) {
      if (bar && more.ok()) bar->Finish();
      return more.status();
    }
    if (stop != nullptr && stop->requested()) return absl::OkStatus();
  }
}

absl::Status EmbedArguments(const Options& o, Job& job) {
  std::vector<TextRow> rows;
  for (std::string& text : ReplacedTexts(o.texts)) {
    rows.push_back({absl::StrCat(rows.size() + 1), std::move(text)});
  }
  return job.Embed(rows);
}

absl::StatusOr<int> Embed(const Options& o) {
  ABSL_RETURN_IF_ERROR(PrepareCompute(o.device, o.threads));
  ABSL_ASSIGN_OR_RETURN(TextEmbedder embedder, TextEmbedder::Load(o.model, MakeEmbedderOptions(o)));
  Job job = {std::move(embedder), nullptr};
  if (job.embedder.pooling_by_default()) {
    std::cerr << "graft: " << o.model
              << " does not say how to pool: a vector is the mean of the tokens' (--pooling)\n";
  }
  ABSL_ASSIGN_OR_RETURN(job.output, OpenOutput(o, job.embedder));
  job.writes_file = !o.output.empty() || !o.out.empty();
  // Lines that were written stay; a file is finished or not there, which takes a moment's tidying.
  std::optional<StopSignal> stop;
  if (job.writes_file) stop.emplace();
  ABSL_RETURN_IF_ERROR(o.texts.empty() ? EmbedInput(o, job, stop ? &*stop : nullptr)
                                       : EmbedArguments(o, job));
  if (stop && stop->requested()) {
    std::cerr << "graft: stopped by a signal; nothing was written\n";
    return stop->exit_status();
  }
  if (job.writes_file && job.texts == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(o.input.empty() || o.input == "-" ? "standard input" : o.input,
                     ": expected texts, found none"));
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
