// graft as a contestant of tokenizer_bench.py: texts to token ids, special tokens included.
//
// load {"tokenizer": DIR, "texts": FILE with one text a line, "threads": n}
// run        all texts in one batch
// run cold   the same with a tokenizer that has seen no text yet; loading is not timed
// run full   Encode text by text: offsets, words and masks too
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "bench/line_protocol.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using Json = nlohmann::ordered_json;

class TokenizeWorker {
 public:
  absl::StatusOr<Json> Load(const JsonValue& settings) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view folder, settings.GetString("tokenizer"));
    ABSL_ASSIGN_OR_RETURN(const std::string_view path, settings.GetString("texts"));
    ABSL_ASSIGN_OR_RETURN(const int64_t threads, settings.GetInt("threads", 1, 4096));
    threads_ = static_cast<int>(threads);
    folder_ = folder;
    const double begin = SecondsNow();
    ABSL_ASSIGN_OR_RETURN(tokenizer_, LoadTokenizer(folder_));
    const double seconds = SecondsNow() - begin;
    ABSL_ASSIGN_OR_RETURN(file_, ReadFile(std::string(path), uint64_t{1} << 30));
    texts_ = absl::StrSplit(file_, '\n');
    if (!texts_.empty() && texts_.back().empty()) texts_.pop_back();
    return Json{{"settings", {{"load_seconds", seconds}, {"bytes", file_.size()}}}};
  }

  absl::StatusOr<Json> Run(std::string_view what) {
    if (tokenizer_ == nullptr) return absl::FailedPreconditionError("run before load");
    if (what == "cold") {
      ABSL_ASSIGN_OR_RETURN(tokenizer_, LoadTokenizer(folder_));
    } else if (what == "full") {
      return RunFull();
    } else if (!what.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("unknown run '", what, "'"));
    }
    const double begin = SecondsNow();
    EncodedBatch batch = tokenizer_->EncodeBatch(texts_, {}, threads_);
    const double seconds = SecondsNow() - begin;
    batch_ = std::move(batch);
    return Json{{"seconds", seconds}, {"texts", texts_.size()}, {"tokens", batch_.ids.size()}};
  }

  absl::StatusOr<WorkerResult> Result() const {
    return WorkerResult{{static_cast<int64_t>(batch_.ids.size())},
                        {batch_.ids.begin(), batch_.ids.end()}};
  }

 private:
  Json RunFull() const {
    size_t tokens = 0;
    const double begin = SecondsNow();
    for (const std::string_view text : texts_) tokens += tokenizer_->Encode(text).size();
    return Json{{"seconds", SecondsNow() - begin}, {"texts", texts_.size()}, {"tokens", tokens}};
  }

  std::string folder_;
  int threads_ = 1;
  std::unique_ptr<const Tokenizer> tokenizer_;
  std::string file_;
  std::vector<std::string_view> texts_;  // lines of file_
  EncodedBatch batch_;
};

}  // namespace
}  // namespace graft

int main() {
  graft::TokenizeWorker worker;
  return graft::ServeRequests(
      {.load = [&](const graft::JsonValue& settings) { return worker.Load(settings); },
       .run = [&](std::string_view what) { return worker.Run(what); },
       .result = [&] { return worker.Result(); }});
}
