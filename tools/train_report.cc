#include "tools/train_report.h"

#include <algorithm>
#include <iostream>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "models/tensor_memory.h"
#include "nlohmann/json.hpp"
#include "tasks/threads.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

int64_t Count(const std::vector<at::Tensor>& tensors) {
  int64_t count = 0;
  for (const at::Tensor& tensor : tensors) count += tensor.numel();
  return count;
}

// "10,215 of 14,828 (68.9 %), of all tokens 95.2 %"
std::string DescribeKnown(const WordStartReport& words) {
  const auto percent = [](int64_t part, int64_t all) {
    return absl::StrFormat("%.1f %%", 100.0 * static_cast<double>(part) / static_cast<double>(all));
  };
  return absl::StrCat(WithThousands(words.known_words), " of ", WithThousands(words.words), " (",
                      percent(words.known_words, words.words), "), of all tokens ",
                      percent(words.known_tokens, words.tokens));
}

ordered_json WordsJson(const TrainOptions& o, const Job& job) {
  const WordModelSettings& s = job.model.words->settings();
  std::vector<std::string> files;
  for (const std::string_view path : absl::StrSplit(o.words.vectors, ',', absl::SkipEmpty())) {
    files.emplace_back(path);
  }
  return {{"files", files},
          {"split", WordSplitName(s.tokenizer.split)},
          {"lower_case", s.tokenizer.lower_case},
          {"width", s.backbone.width},
          {"channels", s.backbone.channels},
          {"rows", s.backbone.table_rows},
          {"init", o.words.init == "random" ? "random" : "pretrained"},
          {"classifier", ComposerName(s.composer.kind)},
          {"words", job.words->words},
          {"known_words", job.words->known_words},
          {"tokens", job.words->tokens},
          {"known_tokens", job.words->known_tokens}};
}

}  // namespace

void PrintStart(const TrainOptions& o, const Job& job) {
  const int layers = job.backbone->layers();
  const int64_t in_head = Count(job.head->tensors());
  const int64_t training = Count(job.backbone->TrainableTensors()) + in_head;
  int64_t all = in_head;
  for (const NamedTensor& tensor : job.backbone->Parameters()) all += tensor.value.numel();
  if (o.json) {
    const SequenceClassifierConfig& head = job.head->config();
    const auto if_encoder = [&](const ordered_json& value) {
      return job.words ? ordered_json(nullptr) : value;
    };
    std::cout << JsonText(ordered_json{{"event", "start"},
                                       {"format", "graft train"},
                                       {"version", 1},
                                       {"model", if_encoder(o.model)},
                                       {"frozen", job.plan.ToString(layers)},
                                       {"frozen_stages", job.plan.frozen_stages()},
                                       {"training_parameters", training},
                                       {"parameters", all},
                                       {"pooling", if_encoder(PoolingName(head.pooling()))},
                                       {"pooler", if_encoder(head.of_family)},
                                       {"head", job.head_from_folder ? "folder" : "new"},
                                       {"found_head", DescribeHead(job.model)},
                                       {"labels", job.labels},
                                       {"train_texts", job.train.size()},
                                       {"dev_texts", job.dev.size()},
                                       {"max_length", job.max_length},
                                       {"cut_off_texts", job.cut_texts},
                                       {"cut_off_tokens", job.cut_tokens},
                                       {"threads", Threads()},
                                       {"vectors", job.words ? WordsJson(o, job) : nullptr}})
              << std::endl;
    return;
  }
  Table table({{""}, {""}});
  if (job.words) {
    table.AddRow({"vectors", o.words.vectors.empty() ? "none" : Printable(o.words.vectors)});
    table.AddRow({"words", job.model.words->Describe()});
    table.AddRow({"known words", DescribeKnown(*job.words)});
  } else {
    table.AddRow({"model", Printable(o.model)});
  }
  if (!job.head_from_folder && DescribeHead(job.model) != "none") {
    table.AddRow({"its own head", absl::StrCat(DescribeHead(job.model), "; not used")});
  }
  table.AddRow({"frozen", job.plan.Describe(layers)});
  table.AddRow({"training",
                absl::StrCat(WithThousands(training), " of ", WithThousands(all), " parameters")});
  table.AddRow({"head", absl::StrCat(job.head_from_folder ? "of the folder, " : "new, ",
                                     DescribeHead(job.head->config()))});
  constexpr size_t kShownLabels = 10;
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(kShownLabels, job.labels.size()); ++i)
    shown.push_back(Printable(job.labels[i]));
  if (job.labels.size() > kShownLabels)
    shown.push_back(absl::StrCat(job.labels.size() - kShownLabels, " more"));
  table.AddRow({"labels", absl::StrJoin(shown, ", ")});
  table.AddRow({"texts", absl::StrCat(WithThousands(job.train.size()), " train, ",
                                      WithThousands(job.dev.size()), " dev")});
  table.AddRow(
      {"longest text",
       absl::StrCat(job.max_length, " tokens (", WithThousands(job.cut_texts),
                    " training texts cut off, ", WithThousands(job.cut_tokens), " tokens lost)")});
  table.AddRow({"threads", absl::StrCat(Threads())});
  std::cout << table.ToString() << std::endl;
}

void PrintResult(const TrainOptions& o, const TrainingResult& result, double seconds,
                 int64_t texts) {
  const int64_t peak = CurrentTensorMemory().peak;
  if (o.json) {
    std::cout << JsonText(ordered_json{{"event", "end"},
                                       {"steps", result.steps},
                                       {"stopped", result.stopped},
                                       {"out_of_patience", result.out_of_patience},
                                       {"best_step", result.evaluations[result.best].step},
                                       {"best_accuracy", result.evaluations[result.best].accuracy},
                                       {"best_macro_f1", result.evaluations[result.best].macro_f1},
                                       {"training_seconds", seconds},
                                       {"texts_per_second", texts / seconds},
                                       {"peak_tensor_bytes", peak},
                                       {"out", o.out}})
              << std::endl;
    return;
  }
  Table table({{"epoch", Align::kRight},
               {"step", Align::kRight},
               {"train loss", Align::kRight},
               {"dev loss", Align::kRight},
               {"accuracy", Align::kRight},
               {"macro F1", Align::kRight},
               {""}});
  for (size_t i = 0; i < result.evaluations.size(); ++i) {
    const EvaluationReport& e = result.evaluations[i];
    table.AddRow({absl::StrFormat("%.2f", e.epoch), absl::StrCat(e.step),
                  absl::StrFormat("%.4f", e.train_loss), absl::StrFormat("%.4f", e.dev_loss),
                  absl::StrFormat("%.4f", e.accuracy), absl::StrFormat("%.4f", e.macro_f1),
                  i == result.best ? "best, saved" : ""});
  }
  std::cout << "\n" << table.ToString() << "\n";
  if (result.stopped) std::cout << "stopped by a signal after step " << result.steps << "\n";
  if (result.out_of_patience)
    std::cout << "stopped early: no better evaluation for --patience evaluations\n";
  constexpr double kMegabyte = 1e6;
  std::cout << absl::StrFormat(
                   "%d steps in %.1f s (%.0f texts/s), tensors at most %.0f MB\nsaved %s\n",
                   result.steps, seconds, texts / seconds, peak / kMegabyte, Printable(o.out))
            << std::flush;
}

std::map<std::string, std::string> TrainingRecord(const TrainOptions& o, const Job& job) {
  const TrainingOptions& t = job.training;
  std::map<std::string, std::string> record = {
      {"graft", GRAFT_VERSION},
      {"freeze", job.plan.ToString(job.backbone->layers())},
      {"epochs", absl::StrCat(t.epochs)},
      {"max_steps", t.max_steps ? absl::StrCat(*t.max_steps) : ""},
      {"batch_size", absl::StrCat(t.batch_size)},
      {"learning_rate", absl::StrCat(t.learning_rate)},
      {"warmup", absl::StrCat(t.warmup)},
      {"weight_decay", absl::StrCat(t.weight_decay)},
      {"clip", absl::StrCat(t.clip)},
      {"max_norm", absl::StrCat(t.max_norm)},
      {"seed", absl::StrCat(t.seed)},
      {"threads", absl::StrCat(Threads())}};
  if (job.words) record.merge(WordRecord(o.words));
  return record;
}

}  // namespace graft::tools
