#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/for_tasks.h"
#include "base/utf8.h"
#include "embeddings/growing_memory.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

// Threads take batches in the order of the file, parse them side by side straight into the matrix,
// and put their words into the index in that order again.
class Collector {
 public:
  Collector(RowReader& reader, const std::string& name, const LoadOptions& options,
            const ConsumeRow* consume, LoadReport& report)
      : reader_(reader),
        name_(name),
        options_(options),
        consume_(consume),
        report_(report),
        width_(static_cast<size_t>(reader.width())),
        row_bytes_(static_cast<uint64_t>(reader.width()) * sizeof(float)) {}

  absl::Status Run() {
    ABSL_ASSIGN_OR_RETURN(
        memory_,
        GrowingMemory::Reserve(static_cast<uint64_t>(reader_.max_rows()) * row_bytes_, name_));
    if (const auto declared = reader_.declared_rows()) {
      // What packed bytes announce may never come.
      constexpr int64_t kMostReserved = 1 << 20;
      const int64_t most = report_.packing.empty() ? kMaxWords : kMostReserved;
      const int64_t rows = std::min({*declared, reader_.max_rows(), most});
      builder_.Reserve(rows, static_cast<size_t>(rows) * 8);
    }
    const int64_t threads = std::max<int64_t>(1, options_.threads);
    ForTasks(threads, threads, 0, [&](int64_t, float*) { Work(); });
    return Finish();
  }

  Words TakeWords() { return builder_.Finish(); }

  CollectedRows Result() {
    memory_.Trim(static_cast<uint64_t>(rows_) * row_bytes_);
    const auto owner = std::make_shared<const GrowingMemory>(std::move(memory_));
    VectorMatrix matrix = {
        .rows = rows_, .width = reader_.width(), .data = owner->data(), .owner = owner};
    return {builder_.Finish(), std::move(matrix)};
  }

 private:
  struct Parsed {
    RowBatch batch;
    int64_t first_row = 0;
    std::vector<float> floats;  // when rows are consumed
  };

  void Work() {
    Parsed parsed;
    int64_t number = 0;
    while (Take(parsed, number)) {
      reader_.Parse(parsed.batch,
                    consume_ == nullptr ? Row(parsed.first_row) : parsed.floats.data());
      Give(parsed, number);
      parsed.batch.ClearParsed();
    }
  }

  float* Row(int64_t row) const {
    return reinterpret_cast<float*>(memory_.data() + static_cast<uint64_t>(row) * row_bytes_);
  }

  bool Take(Parsed& parsed, int64_t& number) {
    const std::lock_guard<std::mutex> lock(take_mutex_);
    if (stop_) return false;
    absl::StatusOr<bool> more = reader_.Take(parsed.batch);
    if (more.ok() && *more && consume_ != nullptr) {
      parsed.floats.resize(static_cast<size_t>(parsed.batch.capacity) * width_);
    } else if (more.ok() && *more) {
      const auto end = static_cast<uint64_t>(reserved_rows_ + parsed.batch.capacity);
      if (absl::Status grown = memory_.Grow(end * row_bytes_); !grown.ok()) more = std::move(grown);
    }
    if (!more.ok() || !*more) {
      stop_ = true;
      if (!more.ok()) take_error_ = more.status();
      return false;
    }
    number = batches_++;
    parsed.first_row = reserved_rows_;
    reserved_rows_ += parsed.batch.capacity;
    return true;
  }

  // Batches wait for those before them; whoever completes the row adds all that can be added.
  void Give(Parsed& parsed, int64_t number) {
    const std::lock_guard<std::mutex> lock(give_mutex_);
    if (number != next_) {
      // What waits has been parsed: its bytes serve for the next batch.
      std::vector<char> bytes = std::move(parsed.batch.bytes);
      waiting_.emplace(number, std::move(parsed));
      parsed = {};
      parsed.batch.bytes = std::move(bytes);
      return;
    }
    Add(parsed);
    ++next_;
    for (auto found = waiting_.find(next_); found != waiting_.end();
         found = waiting_.find(++next_)) {
      Add(found->second);
      waiting_.erase(found);
    }
  }

  void Add(const Parsed& parsed);
  void AddEach(const Parsed& parsed, const std::vector<size_t>& repeated);
  void MoveRows(int64_t from, int64_t count);
  void Stop(absl::Status error) {
    if (row_error_.ok()) row_error_ = std::move(error);
    const std::lock_guard<std::mutex> lock(take_mutex_);
    stop_ = true;
  }
  void Note(LoadFinding::Kind kind, int64_t count, int64_t line, std::optional<uint64_t> offset,
            std::string text) {
    const int64_t most = kind == LoadFinding::Kind::kSkippedRow ? LoadReport::kMaxListedRows
                                                                : LoadReport::kMaxListed;
    if (count <= most) report_.findings.push_back({kind, line, offset, std::move(text)});
  }
  absl::Status Finish();

  RowReader& reader_;
  const std::string& name_;
  const LoadOptions& options_;
  const ConsumeRow* consume_;  // nullptr: the rows are kept
  LoadReport& report_;
  const size_t width_;
  const uint64_t row_bytes_;
  GrowingMemory memory_;

  std::mutex take_mutex_;
  bool stop_ = false;
  absl::Status take_error_;
  int64_t batches_ = 0;
  int64_t reserved_rows_ = 0;

  std::mutex give_mutex_;
  std::map<int64_t, Parsed> waiting_;
  int64_t next_ = 0;
  int64_t rows_ = 0;
  int64_t lines_ = 0;
  absl::Status row_error_;
  WordsBuilder builder_;
};

void Collector::Add(const Parsed& parsed) {
  if (!row_error_.ok()) return;
  const RowBatch& batch = parsed.batch;
  lines_ += batch.lines;
  for (const RowBatch::Problem& problem : batch.problems) {
    if (!options_.repair) {
      return Stop(
          absl::DataLossError(PlacedMessage(name_, problem.line, problem.offset, problem.text)));
    }
    Note(LoadFinding::Kind::kSkippedRow, ++report_.skipped, problem.line, problem.offset,
         problem.text);
  }
  const std::vector<size_t> repeated = builder_.AddAll(batch.keys, batch.words);
  if (consume_ == nullptr && repeated.empty() && batch.broken_utf8.empty()) {
    return MoveRows(parsed.first_row, static_cast<int64_t>(batch.keys.size()));
  }
  AddEach(parsed, repeated);
}

// Rows that were left out before leave gaps.
void Collector::MoveRows(int64_t from, int64_t count) {
  if (from != rows_) {
    std::memmove(Row(rows_), Row(from), static_cast<uint64_t>(count) * row_bytes_);
  }
  rows_ += count;
}

// Row by row: for those that have to be told of, and where rows are consumed.
void Collector::AddEach(const Parsed& parsed, const std::vector<size_t>& repeated) {
  const RowBatch& batch = parsed.batch;
  std::string_view words = batch.words;
  auto next_repeated = repeated.begin();
  auto next_broken = batch.broken_utf8.begin();
  for (size_t i = 0; i < batch.keys.size(); ++i) {
    const std::string_view word = words.substr(0, batch.keys[i].size);
    words.remove_prefix(word.size() + 1);
    const RowBatch::Place& place = batch.places[i];
    const int64_t line = batch.first_line == 0 ? 0 : batch.first_line + place.line;
    const bool broken = next_broken != batch.broken_utf8.end() && *next_broken == i;
    next_broken += broken ? 1 : 0;
    if (next_repeated != repeated.end() && *next_repeated == i) {
      ++next_repeated;
      Note(LoadFinding::Kind::kDuplicate, ++report_.duplicates, line, batch.offset + place.offset,
           absl::StrCat("the word ", Quoted(word), " again; the first row counts"));
      continue;
    }
    if (broken) {
      Note(LoadFinding::Kind::kBrokenUtf8, ++report_.broken_utf8, line, batch.offset + place.offset,
           absl::StrCat("the word ", Quoted(word), " is no UTF-8; kept as it is"));
    }
    if (consume_ == nullptr) {
      MoveRows(parsed.first_row + static_cast<int64_t>(i), 1);
      continue;
    }
    const absl::Status done =
        (*consume_)(word, absl::MakeConstSpan(parsed.floats).subspan(i * width_, width_));
    if (!done.ok()) return Stop(done);
    ++rows_;
  }
}

absl::Status Collector::Finish() {
  // What is first in the file is told; a fault in taking bytes is behind all rows that were taken.
  ABSL_RETURN_IF_ERROR(row_error_);
  if (!take_error_.ok()) {
    if (!options_.repair || rows_ == 0 || absl::IsResourceExhausted(take_error_)) {
      return take_error_;
    }
    std::string_view place_and_text = take_error_.message();
    absl::ConsumePrefix(&place_and_text, absl::StrCat(name_, ": "));
    Note(LoadFinding::Kind::kCut, 1, 0, std::nullopt,
         absl::StrCat(place_and_text, "; the rows before are kept"));
  }
  if (rows_ == 0) {
    return absl::DataLossError(
        absl::StrCat(name_, ": expected at least one row, found none that is sound"));
  }
  if (reader_.lacks_line_end()) {
    Note(LoadFinding::Kind::kNote, 1, lines_ + (reader_.declared_rows() ? 1 : 0), std::nullopt,
         "the last line has no end; a file that was cut within its last number looks like this");
  }
  report_.declared_rows = reader_.declared_rows();
  if (report_.declared_rows && *report_.declared_rows != lines_) {
    Note(LoadFinding::Kind::kCount, 1, 1, 0,
         absl::StrCat("the first line announces ", *report_.declared_rows, " rows; there are ",
                      lines_));
  }
  report_.rows = rows_;
  report_.width = reader_.width();
  // Those without a place are about the end.
  std::stable_sort(report_.findings.begin(), report_.findings.end(),
                   [](const LoadFinding& a, const LoadFinding& b) {
                     return a.offset.value_or(UINT64_MAX) < b.offset.value_or(UINT64_MAX);
                   });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CollectedRows> CollectRows(RowReader& reader, const std::string& name,
                                          const LoadOptions& options, LoadReport& report) {
  Collector collector(reader, name, options, nullptr, report);
  ABSL_RETURN_IF_ERROR(collector.Run());
  return collector.Result();
}

absl::StatusOr<Words> StreamRows(RowReader& reader, const std::string& name,
                                 const LoadOptions& options, const ConsumeRow& consume,
                                 LoadReport& report) {
  Collector collector(reader, name, options, &consume, report);
  ABSL_RETURN_IF_ERROR(collector.Run());
  return collector.TakeWords();
}

}  // namespace graft
