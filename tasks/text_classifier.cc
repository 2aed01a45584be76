#include "tasks/text_classifier.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "models/catch_errors.h"
#include "tasks/encode_texts.h"
#include "tasks/inference.h"
#include "tasks/model_folder.h"
#include "tasks/threads.h"

namespace graft {

struct TextClassifier::Impl {
  LoadedModel model;
};

namespace {

Classification MakeClassification(const std::vector<std::string>& labels,
                                  absl::Span<const float> logits) {
  Classification result;
  result.scores = Softmax(logits);
  result.label_index = static_cast<int>(
      std::max_element(result.scores.begin(), result.scores.end()) - result.scores.begin());
  result.label = labels[result.label_index];
  result.score = result.scores[result.label_index];
  return result;
}

absl::StatusOr<std::vector<Classification>> Classify(const LoadedModel& model,
                                                     absl::Span<const std::string_view> texts) {
  ABSL_ASSIGN_OR_RETURN(const EncodedTexts encoded,
                        EncodeTexts(model, texts, model.folder.max_length));
  std::vector<float> logits;
  {
    const ComputeTurn turn;
    logits = ComputeLogits(*model.backbone, *model.head, encoded);
  }
  const size_t classes = model.folder.labels.size();
  const auto bad =
      std::find_if(logits.begin(), logits.end(), [](float logit) { return !std::isfinite(logit); });
  if (bad != logits.end()) {
    const size_t text = static_cast<size_t>(bad - logits.begin()) / classes;
    return absl::InvalidArgumentError(
        absl::StrCat(model.folder.path, ": expected weights that give finite numbers, found ", *bad,
                     " for ", Quoted(texts[text])));
  }
  std::vector<Classification> results;
  results.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    results.push_back(MakeClassification(
        model.folder.labels, absl::MakeConstSpan(logits).subspan(i * classes, classes)));
    results.back().tokens =
        static_cast<size_t>(encoded.tokens.starts[i + 1] - encoded.tokens.starts[i]);
    results.back().cut_off = encoded.tokens.cut_off[i];
  }
  return results;
}

}  // namespace

TextClassifier::TextClassifier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextClassifier::TextClassifier(TextClassifier&&) noexcept = default;
TextClassifier& TextClassifier::operator=(TextClassifier&&) noexcept = default;
TextClassifier::~TextClassifier() = default;

absl::StatusOr<TextClassifier> TextClassifier::Load(const std::string& folder) {
  auto impl = std::make_unique<Impl>();
  ABSL_ASSIGN_OR_RETURN(impl->model, LoadModel(folder));
  if (!impl->model.head) {
    const std::string found = DescribeHead(impl->model);
    return absl::FailedPreconditionError(absl::StrCat(
        folder, ": expected a trained classifier of texts, found an encoder ",
        found == "none" ? "without a head" : absl::StrCat("with another head (", found, ")"),
        "; `graft train classify` trains one"));
  }
  return TextClassifier(std::move(impl));
}

absl::StatusOr<std::vector<Classification>> TextClassifier::Predict(
    absl::Span<const std::string_view> texts) const {
  return CatchErrors(impl_->model.folder.path, [&] { return Classify(impl_->model, texts); });
}

absl::StatusOr<std::vector<Classification>> TextClassifier::Predict(
    absl::Span<const std::string> texts) const {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return Predict(absl::MakeConstSpan(views));
}

absl::StatusOr<Classification> TextClassifier::Predict(std::string_view text) const {
  ABSL_ASSIGN_OR_RETURN(std::vector<Classification> results,
                        Predict(absl::MakeConstSpan(&text, 1)));
  return std::move(results.front());
}

const std::vector<std::string>& TextClassifier::labels() const {
  return impl_->model.folder.labels;
}

size_t TextClassifier::max_length() const {
  return static_cast<size_t>(impl_->model.folder.max_length);
}

absl::Status TextClassifier::Save(const std::string& folder) const {
  const LoadedModel& model = impl_->model;
  return SaveClassifier(folder,
                        {.source = &model.folder,
                         .backbone = model.backbone.get(),
                         .head = &*model.head,
                         .labels = &model.folder.labels,
                         .max_length = model.folder.max_length,
                         .training = model.folder.training,
                         .words = model.words.get()},
                        /*replace=*/false);
}

}  // namespace graft
