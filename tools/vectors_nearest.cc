// graft vectors nearest, similarity, analogy: questions about words.
#include <cmath>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "embeddings/search.h"
#include "tools/json_text.h"
#include "tools/vector_file.h"
#include "tools/verbs.h"
#include "tools/word_queries.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  VectorFileOptions file;
  WordQueryOptions queries;
  int64_t top = 10;
  Similarity metric = Similarity::kCosine;
  AnalogyMethod method = AnalogyMethod::kAdd;
  bool int8_filter = false;
  bool json = false;
};

void DeclareTop(Options& o, OptionList& list) {
  list.Integer("--top", &o.top, 1, 1'000'000, "how many words a question");
}

void DeclareInt8(Options& o, OptionList& list) {
  list.Flag("--int8-filter", &o.int8_filter,
            "keep a copy of the rows in 8 bits to look through first: the same answers sooner, "
            "for many questions one by one");
}

void DeclareJson(Options& o, OptionList& list) {
  list.Flag("--json", &o.json, "JSON lines, one a question");
}

// Exactly the words of one question, or none.
absl::Status CheckArguments(const Options& o, size_t size) {
  if (o.queries.words.empty() || o.queries.words.size() == size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("WORD: expected ", size, " words, or none for lines of standard input, found ",
                   o.queries.words.size()));
}

// The lines of one question: its words, then a word and its score.
void Print(const Options& o, const WordVectors& vectors, const WordQuery& query,
           const std::vector<Neighbor>& neighbors) {
  if (!o.json) {
    std::string asked;
    for (const QueryWord& word : query.words) absl::StrAppend(&asked, OneLine(word.word), "\t");
    for (const Neighbor& neighbor : neighbors) {
      std::cout << asked << OneLine(vectors.words()[neighbor.row]) << '\t'
                << absl::StrFormat("%.6f", neighbor.score) << '\n';
    }
    return;
  }
  ordered_json json = query.Json();
  ordered_json results = ordered_json::array();
  for (const Neighbor& neighbor : neighbors) {
    ordered_json result;
    AddWordJson("word", vectors.words()[neighbor.row], result);
    result["row"] = neighbor.row;
    result["score"] = neighbor.score;
    results.push_back(std::move(result));
  }
  json["results"] = std::move(results);
  std::cout << JsonText(json) << '\n';
}

using Answers = std::vector<std::vector<Neighbor>>;

// What the questions have in common: their words' vectors one after the other, and the rows that
// are no answers. Questions with an unknown word are left out.
struct Known {
  std::vector<float> vectors;
  std::vector<std::vector<int64_t>> excluded;
};

Known TakeKnown(absl::Span<const WordQuery> queries) {
  Known known;
  for (const WordQuery& query : queries) {
    if (!query.known()) continue;
    known.vectors.insert(known.vectors.end(), query.vectors.begin(), query.vectors.end());
    known.excluded.push_back(query.rows());
  }
  return known;
}

// Loads, asks and prints. `find` answers the known questions, in order.
absl::StatusOr<int> Ask(
    const Options& o, size_t size,
    const std::function<absl::StatusOr<Answers>(const VectorSearch&, const Known&)>& find) {
  ABSL_ASSIGN_OR_RETURN(const LoadedVectors loaded, LoadVectorFile(o.file));
  if (loaded.vectors.size() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(o.file.path, ": expected rows of words to look through, found n-grams alone"));
  }
  ABSL_ASSIGN_OR_RETURN(const LoadOptions options, MakeLoadOptions(o.file));
  const VectorSearch search(
      loaded.vectors,
      {.similarity = o.metric, .threads = options.threads, .int8_filter = o.int8_filter});
  WordLookup lookup(loaded.vectors, o.queries);
  const auto answer = [&](absl::Span<const WordQuery> queries) -> absl::Status {
    const Known known = TakeKnown(queries);
    Answers answers;
    if (!known.excluded.empty()) {
      ABSL_ASSIGN_OR_RETURN(answers, find(search, known));
    }
    size_t next = 0;
    for (const WordQuery& query : queries) {
      Print(o, loaded.vectors, query, query.known() ? answers[next++] : std::vector<Neighbor>());
    }
    return absl::OkStatus();
  };
  ABSL_RETURN_IF_ERROR(ForWordQueries(o.queries, size, lookup, answer));
  return lookup.Finish();
}

absl::StatusOr<int> Nearest(const Options& o) {
  return Ask(o, 1, [&](const VectorSearch& search, const Known& known) -> absl::StatusOr<Answers> {
    if (known.excluded.size() == 1) {
      return Answers{search.Nearest(known.vectors, o.top, known.excluded[0])};
    }
    return search.NearestBatch(known.vectors, o.top, known.excluded);
  });
}

absl::StatusOr<int> SolveAnalogies(const Options& o) {
  return Ask(o, 3, [&](const VectorSearch& search, const Known& known) {
    std::vector<AnalogyQuestion> questions;
    for (int64_t i = 0; i < static_cast<int64_t>(known.excluded.size()); ++i) {
      questions.push_back({3 * i, 3 * i + 1, 3 * i + 2});
    }
    return Analogies(search, known.vectors, questions, o.top, o.method, known.excluded);
  });
}

double Dot(absl::Span<const float> a, absl::Span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double Compare(const WordQuery& query, Similarity metric) {
  const absl::Span<const float> both = query.vectors;
  const absl::Span<const float> a = both.first(both.size() / 2), b = both.last(both.size() / 2);
  if (metric == Similarity::kDot) return Dot(a, b);
  const double length = std::sqrt(Dot(a, a)) * std::sqrt(Dot(b, b));
  return length > 0 ? Dot(a, b) / length : 0;
}

void PrintSimilarity(const Options& o, const WordQuery& query) {
  if (o.json) {
    ordered_json json = query.Json();
    json["similarity"] =
        query.known() ? ordered_json(Compare(query, o.metric)) : ordered_json(nullptr);
    std::cout << JsonText(json) << '\n';
    return;
  }
  for (const QueryWord& word : query.words) std::cout << OneLine(word.word) << '\t';
  std::cout << (query.known() ? absl::StrFormat("%.6f", Compare(query, o.metric)) : "unknown")
            << '\n';
}

absl::StatusOr<int> FindSimilarities(const Options& o) {
  ABSL_ASSIGN_OR_RETURN(const LoadedVectors loaded, LoadVectorFile(o.file));
  WordLookup lookup(loaded.vectors, o.queries);
  const auto answer = [&](absl::Span<const WordQuery> queries) {
    for (const WordQuery& query : queries) PrintSimilarity(o, query);
    return absl::OkStatus();
  };
  ABSL_RETURN_IF_ERROR(ForWordQueries(o.queries, 2, lookup, answer));
  return lookup.Finish();
}

void DeclareMetric(Options& o, OptionList& list) {
  list.Choice<Similarity>("--metric", &o.metric,
                          {{"cosine", Similarity::kCosine}, {"dot", Similarity::kDot}},
                          "how vectors are compared");
}

}  // namespace

Verb VectorsNearestVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "vectors nearest",
          .summary = "Find the words whose vectors are nearest to those of others",
          .example =
              "graft vectors nearest --vectors glove.6B.50d.txt king queen --top 5\n"
              "graft vectors nearest --vectors glove --json < words.txt",
          .declare =
              [options](OptionList& list) {
                DeclareVectorFile(options->file, list);
                DeclareWordQueries(options->queries, list, "[WORD...]",
                                   "words; none are lines of standard input, a word each");
                DeclareTop(*options, list);
                DeclareMetric(*options, list);
                DeclareInt8(*options, list);
                DeclareJson(*options, list);
              },
          .check = nullptr,
          .run = [options] { return Nearest(*options); }};
}

Verb VectorsSimilarityVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "vectors similarity",
          .summary = "Compare the vectors of two words",
          .example =
              "graft vectors similarity --vectors glove.6B.50d.txt cat dog\n"
              "graft vectors similarity --vectors glove < pairs.txt",
          .declare =
              [options](OptionList& list) {
                DeclareVectorFile(options->file, list);
                DeclareWordQueries(options->queries, list, "[WORD...]",
                                   "two words; none are lines of standard input, two words each "
                                   "between tabs or blanks");
                DeclareMetric(*options, list);
                DeclareJson(*options, list);
              },
          .check = [options] { return CheckArguments(*options, 2); },
          .run = [options] { return FindSimilarities(*options); }};
}

Verb VectorsAnalogyVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "vectors analogy",
          .summary = "Find the word that is to C as B is to A",
          .example =
              "graft vectors analogy --vectors glove.6B.50d.txt man king woman\n"
              "graft vectors analogy --vectors glove --method multiply --top 1 < triples.txt",
          .declare =
              [options](OptionList& list) {
                DeclareVectorFile(options->file, list);
                DeclareWordQueries(options->queries, list, "[WORD...]",
                                   "three words A B C; none are lines of standard input, three "
                                   "words each between tabs or blanks");
                DeclareTop(*options, list);
                list.Choice<AnalogyMethod>(
                    "--method", &options->method,
                    {{"add", AnalogyMethod::kAdd}, {"multiply", AnalogyMethod::kMultiply}},
                    "3CosAdd or 3CosMul (Levy and Goldberg 2014)");
                DeclareInt8(*options, list);
                DeclareJson(*options, list);
              },
          .check = [options] { return CheckArguments(*options, 3); },
          .run = [options] { return SolveAnalogies(*options); }};
}

}  // namespace graft::tools
