// graft search: the texts of an index that are nearest to others.
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/utf8.h"
#include "nlohmann/json.hpp"
#include "tasks/embedding_index.h"
#include "tasks/nearest_texts.h"
#include "tasks/text_embedder.h"
#include "tasks/text_rows.h"
#include "tools/compute.h"
#include "tools/embedder_options.h"
#include "tools/json_text.h"
#include "tools/row_blocks.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

constexpr size_t kBlock = 128;  // queries at once, at most

struct Options {
  std::string index;
  std::string query = "";
  std::string model = "";
  int64_t top = 10;
  std::string metric = "";
  bool json = false;
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
  PromptOptions prompt;
  std::string device = "auto";
  int threads = 0;
};

void Declare(Options& o, OptionList& list) {
  list.Text("--index", &o.index, "DIR", "a folder of `graft embed --out`", Need::kRequired);
  list.Text("--query", &o.query, "TEXT",
            "find texts near this one; without it, near each line of standard input");
  list.Text("--model", &o.model, "DIR",
            "what makes vectors of queries; without it the folder that the index names");
  list.Integer("--top", &o.top, 1, 1'000'000, "how many texts a query");
  list.Choice("--metric", &o.metric, {"cosine", "dot"},
              "how vectors are compared; by default as the model's folder says, else cosine");
  list.Flag("--json", &o.json, "JSON lines, one a query, with rows, ids, scores and texts");
  DeclarePrompt(o.prompt, list, "every query", "the prompt `query`, if the model has it");
  list.InvalidUtf8Policy(&o.invalid_utf8);
  list.Device(&o.device);
  list.Threads(&o.threads);
}

absl::Status Check(const Options& o) {
  ABSL_RETURN_IF_ERROR(CheckPrompt(o.prompt));
  const auto bad = FindInvalidUtf8(o.query);
  if (!bad || o.invalid_utf8 == InvalidUtf8::kReplace) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--query: byte ", *bad, ": expected UTF-8, found an ill-formed sequence"));
}

absl::StatusOr<Similarity> ChooseSimilarity(const Options& o, const EmbeddingIndex& index) {
  const std::string& metric = o.metric.empty() ? index.source().similarity : o.metric;
  if (metric == "cosine") return Similarity::kCosine;
  if (metric == "dot") return Similarity::kDot;
  return absl::InvalidArgumentError(
      absl::StrCat(o.index, ": expected vectors that are compared by cosine or dot, found '",
                   metric, "' (--metric chooses one of the two)"));
}

// What makes vectors as the index's were made. Queries have a prompt of their own: that of the
// options, else the one that encode_query of sentence-transformers takes.
absl::StatusOr<TextEmbedder> OpenModel(const Options& o, const EmbeddingIndex& index) {
  const EmbeddingSource& source = index.source();
  const std::string& model = o.model.empty() ? source.model : o.model;
  if (o.model.empty() && !PathExists(model)) {
    return absl::NotFoundError(absl::StrCat(model, ": no such folder, though ", o.index,
                                            " was made with it; --model names another place"));
  }
  EmbedderOptions options = source.options;
  options.prompt.reset();
  options.use = PromptUse::kQuery;
  SetPrompt(o.prompt, options);
  ABSL_ASSIGN_OR_RETURN(TextEmbedder embedder,
                        LoadEmbedder(model, options, JoinPath(o.index, "index.json")));
  ABSL_ASSIGN_OR_RETURN(const ModelFingerprint found, embedder.Fingerprint());
  const std::string different = Differences(source.fingerprint, found);
  if (!different.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(model, ": expected the model that made ",
                                                      o.index, ", found other ", different));
  }
  return embedder;
}

// What all queries have in common.
struct Job {
  EmbeddingIndex index;
  TextEmbedder embedder;
  Similarity similarity;
  CutTexts cut;
  bool first = true;  // no query has been answered yet
};

void PrintText(const EmbeddingIndex::Entry& entry, double score) {
  std::cout << absl::StrFormat("%.6f", score) << '\t' << OneLine(entry.id) << '\t'
            << OneLine(entry.text) << '\n';
}

absl::Status Print(const Options& o, const std::string& query,
                   const std::vector<Neighbor>& neighbors, Job& job) {
  if (!o.json && !job.first) std::cout << '\n';
  job.first = false;
  ordered_json results = ordered_json::array();
  for (const Neighbor& neighbor : neighbors) {
    ABSL_ASSIGN_OR_RETURN(const EmbeddingIndex::Entry entry, job.index.Read(neighbor.row));
    if (o.json) {
      results.push_back({{"row", neighbor.row},
                         {"id", entry.id},
                         {"score", neighbor.score},
                         {"text", entry.text}});
    } else {
      PrintText(entry, neighbor.score);
    }
  }
  if (o.json) {
    std::cout << JsonText(ordered_json{{"query", query}, {"results", std::move(results)}}) << '\n';
  }
  return absl::OkStatus();
}

absl::Status Answer(const Options& o, absl::Span<const TextRow> queries, Job& job) {
  std::vector<std::string_view> texts;
  for (const TextRow& query : queries) texts.push_back(query.text);
  ABSL_ASSIGN_OR_RETURN(const Embeddings embeddings,
                        job.embedder.Embed(absl::MakeConstSpan(texts)));
  job.cut.Add(embeddings);
  ABSL_ASSIGN_OR_RETURN(const auto found,
                        FindNearest(job.index, embeddings.values, o.top, job.similarity));
  for (size_t i = 0; i < queries.size(); ++i) {
    ABSL_RETURN_IF_ERROR(Print(o, queries[i].text, found[i], job));
  }
  if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
  return absl::OkStatus();
}

absl::Status AnswerInput(const Options& o, Job& job) {
  ABSL_ASSIGN_OR_RETURN(TextRows input, TextRows::Open("-", {.invalid_utf8 = o.invalid_utf8}));
  RowBlocks blocks(std::move(input), kBlock);
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<TextRow> queries, blocks.Next());
    if (queries.empty()) return absl::OkStatus();
    ABSL_RETURN_IF_ERROR(ForRows(queries, blocks.name(), [&](absl::Span<const TextRow> part) {
      return Answer(o, part, job);
    }));
  }
}

absl::StatusOr<int> Search(const Options& o) {
  ABSL_RETURN_IF_ERROR(PrepareCompute(o.device, o.threads));
  ABSL_ASSIGN_OR_RETURN(EmbeddingIndex index, EmbeddingIndex::Open(o.index));
  ABSL_ASSIGN_OR_RETURN(const Similarity similarity, ChooseSimilarity(o, index));
  ABSL_ASSIGN_OR_RETURN(TextEmbedder embedder, OpenModel(o, index));
  if (embedder.dimensions() != index.dimensions()) {
    return absl::DataLossError(absl::StrCat(o.index, ": expected vectors of ",
                                            embedder.dimensions(), " numbers, found ",
                                            index.dimensions()));
  }
  Job job = {std::move(index), std::move(embedder), similarity, {}};
  if (o.query.empty()) {
    ABSL_RETURN_IF_ERROR(AnswerInput(o, job));
  } else {
    const TextRow query = {"", ReplaceInvalidUtf8(o.query), 1};
    ABSL_RETURN_IF_ERROR(Answer(o, absl::MakeConstSpan(&query, 1), job));
  }
  job.cut.Print(job.embedder);
  return kExitOk;
}

}  // namespace

Verb SearchVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "search",
          .summary = "Find the texts of an index that are nearest to others",
          .example =
              "graft embed --model minilm --out reviews < reviews.txt\n"
              "graft search --index reviews --query \"too long\" --top 5\n"
              "graft search --index reviews --json < queries.txt",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return Check(*options); },
          .run = [options] { return Search(*options); }};
}

}  // namespace graft::tools
