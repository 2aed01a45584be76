#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "embeddings/evaluation.h"
#include "embeddings/evaluation_words.h"

namespace graft {
namespace {

constexpr size_t kAtOnce = 2048;  // questions
constexpr int64_t kAnswers = 5;   // rows of which the first that is none of the question's counts

// A question whose words have rows.
struct Question {
  std::array<std::string, 3> keys;  // what its words are compared by
  std::string expected;
  std::array<int64_t, 3> rows;
  AnalogyScore* score;
};

std::optional<Question> FindRows(const EvaluationWords& words, const AnalogyWords& asked,
                                 AnalogyScore* score) {
  Question question = {.keys = {}, .expected = words.Key(asked[3]), .rows = {}, .score = score};
  if (!words.FindKey(question.expected)) return std::nullopt;
  for (size_t i = 0; i < question.keys.size(); ++i) {
    question.keys[i] = words.Key(asked[i]);
    const std::optional<int64_t> row = words.FindKey(question.keys[i]);
    if (!row) return std::nullopt;
    question.rows[i] = *row;
  }
  return question;
}

// Answers questions over the rows that count.
class Answerer {
 public:
  Answerer(const WordVectors& vectors, const EvaluationWords& words,
           const EvaluationOptions& options)
      : vectors_(vectors),
        words_(words),
        options_(options),
        search_(FirstRows(vectors, words.rows()), {.threads = options.threads}) {}

  absl::Status Answer(absl::Span<const Question> questions) const {
    std::vector<float> terms;
    absl::flat_hash_map<int64_t, int64_t> term_of_row;
    const auto term = [&](int64_t row) {
      const auto [found, added] =
          term_of_row.try_emplace(row, static_cast<int64_t>(term_of_row.size()));
      if (added) {
        terms.resize(terms.size() + static_cast<size_t>(vectors_.width()));
        vectors_.Row(row, absl::MakeSpan(terms).last(static_cast<size_t>(vectors_.width())));
      }
      return found->second;
    };
    std::vector<AnalogyQuestion> asked;
    std::vector<std::vector<int64_t>> excluded;
    for (const Question& question : questions) {
      const auto [a, b, c] = question.rows;
      asked.push_back({term(a), term(b), term(c)});
      excluded.push_back({a, b, c});
    }
    ABSL_ASSIGN_OR_RETURN(const auto answers,
                          Analogies(search_, terms, asked, kAnswers, options_.method, excluded));
    for (size_t i = 0; i < questions.size(); ++i) {
      questions[i].score->correct += IsRight(questions[i], answers[i]);
    }
    return absl::OkStatus();
  }

 private:
  // A view without words, which nobody looks up here.
  static WordVectors FirstRows(const WordVectors& vectors, int64_t rows) {
    VectorMatrix matrix = vectors.matrix();
    matrix.rows = rows;
    return WordVectors(Words(), std::move(matrix));
  }

  // Where all are words of the question, the last one is the answer, as gensim has it.
  bool IsRight(const Question& question, const std::vector<Neighbor>& answers) const {
    std::string answer;
    for (const Neighbor& neighbor : answers) {
      answer = words_.Key(vectors_.words()[neighbor.row]);
      if (std::find(question.keys.begin(), question.keys.end(), answer) == question.keys.end()) {
        break;
      }
    }
    return !answers.empty() && answer == question.expected;
  }

  const WordVectors& vectors_;
  const EvaluationWords& words_;
  const EvaluationOptions& options_;
  VectorSearch search_;
};

void AddTo(const AnalogyScore& score, AnalogyScore& sum) {
  sum.questions += score.questions;
  sum.unknown += score.unknown;
  sum.used += score.used;
  sum.correct += score.correct;
}

}  // namespace

absl::StatusOr<AnalogyResult> EvaluateAnalogies(const WordVectors& vectors, const AnalogySet& set,
                                                const EvaluationOptions& options) {
  const EvaluationWords words(vectors.words(), options);
  AnalogyResult result;
  result.sections.resize(set.sections.size());
  std::vector<Question> questions;
  for (size_t i = 0; i < set.sections.size(); ++i) {
    AnalogyScore& score = result.sections[i];
    score.name = set.sections[i].name;
    for (const AnalogyWords& asked : set.sections[i].questions) {
      ++score.questions;
      std::optional<Question> question = FindRows(words, asked, &score);
      score.unknown += !question;
      score.used += question || options.unknown == EvaluationOptions::Unknown::kZero;
      if (question) questions.push_back(*std::move(question));
    }
  }
  const Answerer answerer(vectors, words, options);
  for (size_t done = 0; done < questions.size();) {
    const absl::Span<const Question> some = absl::MakeConstSpan(questions).subspan(done, kAtOnce);
    ABSL_RETURN_IF_ERROR(answerer.Answer(some));
    done += some.size();
    if (options.progress) {
      options.progress(static_cast<int64_t>(done), static_cast<int64_t>(questions.size()));
    }
  }
  result.semantic.name = "semantic";
  result.syntactic.name = "syntactic";
  result.total.name = "total";
  for (const AnalogyScore& score : result.sections) {
    AddTo(score, absl::StartsWith(score.name, "gram") ? result.syntactic : result.semantic);
    AddTo(score, result.total);
  }
  return result;
}

}  // namespace graft
