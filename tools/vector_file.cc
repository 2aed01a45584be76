#include "tools/vector_file.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"
#include "tools/compute.h"
#include "tools/progress.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

constexpr int64_t kMegabyte = 1'000'000;
// Smaller files are read in a second or so.
constexpr int64_t kQuietMegabytes = 256;

// A bar for each time that the file is read.
class Passes {
 public:
  Passes(std::string title, int64_t megabytes) : title_(std::move(title)), megabytes_(megabytes) {}

  void Update(int64_t done) {
    if (done < last_) {
      bar_.reset();
      title_ = "reading again";
    }
    last_ = done;
    if (!bar_) bar_.emplace(title_, megabytes_, "MB");
    bar_->Update(std::min(done, megabytes_));
  }

 private:
  std::string title_;
  const int64_t megabytes_;
  int64_t last_ = 0;
  std::optional<ProgressBar> bar_;
};

}  // namespace

void DeclareVectorFile(VectorFileOptions& o, OptionList& list, bool repairs) {
  list.Text("--vectors", &o.path, "FILE", "word vectors of any format, or a folder of graft's",
            Need::kRequired);
  list.Choice("--format", &o.format, absl::StrSplit(VectorFormatNames(), ", "),
              "the format, where it is not to be found from the bytes");
  list.Text("--words", &o.words, "FILE",
            "of numpy: the words, one in a line; without it the same name with .txt");
  list.Text("--zip-entry", &o.zip_entry, "NAME", "the file of a zip archive that has several");
  if (repairs) {
    list.Flag("--repair", &o.repair, "leave out what is not sound, and say so");
    list.Flag("--allow-count-mismatch", &o.allow_count_mismatch,
              "the file may have more or fewer rows than it announces");
  }
  list.Threads(&o.threads);
}

absl::StatusOr<LoadOptions> MakeLoadOptions(const VectorFileOptions& o) {
  LoadOptions options;
  if (!o.format.empty()) options.format = VectorFormatOfName(o.format);
  ABSL_ASSIGN_OR_RETURN(options.threads, ChooseThreads(o.threads));
  options.repair = o.repair;
  options.allow_count_mismatch = o.allow_count_mismatch;
  options.words_path = o.words;
  options.zip_entry = o.zip_entry;
  return options;
}

void TellRepairs(const std::string& path, const LoadReport& report) {
  for (const LoadFinding& finding : report.findings) {
    using Kind = LoadFinding::Kind;
    if (finding.kind != Kind::kCount && finding.kind != Kind::kCut) continue;
    std::cerr << "graft: " << OneLine(path) << ": " << OneLine(finding.text) << "\n";
  }
  if (report.skipped == 0) return;
  std::cerr << "graft: " << OneLine(path) << ": " << report.skipped
            << " rows that are not sound are left out (graft vectors doctor tells which)\n";
}

absl::StatusOr<LoadedVectors> LoadVectorFile(const VectorFileOptions& o) {
  ABSL_ASSIGN_OR_RETURN(LoadOptions options, MakeLoadOptions(o));
  options.progress = FileProgress(o.path, "reading");
  ABSL_ASSIGN_OR_RETURN(LoadedVectors loaded, LoadWordVectors(o.path, options));
  TellRepairs(o.path, loaded.report);
  return loaded;
}

std::function<void(uint64_t file_bytes)> FileProgress(const std::string& path,
                                                      std::string_view title) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  const int64_t megabytes = error ? 0 : static_cast<int64_t>(size) / kMegabyte;
  if (megabytes < kQuietMegabytes) return nullptr;
  const auto passes = std::make_shared<Passes>(std::string(title), megabytes);
  return [passes](uint64_t done) { passes->Update(static_cast<int64_t>(done) / kMegabyte); };
}

void AddWordJson(std::string_view key, std::string_view word, nlohmann::ordered_json& record) {
  record[std::string(key)] = std::string(word);
  if (FindInvalidUtf8(word)) record[absl::StrCat(key, "_hex")] = absl::BytesToHexString(word);
}

std::string ByteCount(uint64_t bytes) {
  constexpr double kKilobyte = 1e3;
  if (bytes < static_cast<uint64_t>(kMegabyte))
    return absl::StrFormat("%.1f kB", static_cast<double>(bytes) / kKilobyte);
  return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / kMegabyte);
}

}  // namespace graft::tools
