// For vectors.py: loads word vectors, searches and writes them, one order in a line. Every answer
// has the seconds of the wall clock and those that processors worked.
//
//   load PATH THREADS        a new load, the old one freed; also rows, width and peak_rss
//   rows PATH                writes the matrix as float32
//   index THREADS INT8
//   queries PATH K           float32 queries [Q, D] as one batch
//   query PATH K             the same, one after the other
//   products PATH K          int64 rows [Q, 3], a : b = c : ?, by 3CosMul
//   ids PATH                 writes the rows of the last answers as int64 [Q, K]
//   read THREADS             adds up the whole matrix, as fast as memory gives it
//   write PATH FORMAT THREADS
#include <algorithm>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/for_tasks.h"
#include "embeddings/load.h"
#include "embeddings/search.h"
#include "embeddings/write.h"

namespace {

using graft::Neighbor;

std::optional<graft::LoadedVectors> g_loaded;
std::optional<graft::VectorSearch> g_search;
std::vector<std::vector<Neighbor>> g_answers;

double Now(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// From its construction on.
class Stopwatch {
 public:
  // "seconds" and "cpu_seconds" until now, and `more` members of the object.
  void Answer(const std::string& more = "") const {
    const double wall = Now(CLOCK_MONOTONIC) - wall_;
    const double cpu = Now(CLOCK_PROCESS_CPUTIME_ID) - cpu_;
    std::cout << "{\"seconds\": " << wall << ", \"cpu_seconds\": " << cpu << more << "}"
              << std::endl;
  }

 private:
  double wall_ = Now(CLOCK_MONOTONIC);
  double cpu_ = Now(CLOCK_PROCESS_CPUTIME_ID);
};

void AnswerError(std::string_view message) {
  std::cout << "{\"error\": \"" << message << "\"}" << std::endl;
}

// Of this program alone: getrusage counts what the one had that started it.
int64_t PeakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

template <typename T>
std::vector<T> ReadNumbers(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

void Load(const std::string& path, int64_t threads) {
  g_search.reset();
  g_loaded.reset();
  graft::LoadOptions options;
  options.threads = threads;
  const Stopwatch watch;
  auto loaded = graft::LoadWordVectors(path, options);
  if (!loaded.ok()) return AnswerError(loaded.status().message());
  watch.Answer(absl::StrCat(", \"rows\": ", loaded->report.rows, ", \"width\": ",
                            loaded->report.width, ", \"peak_rss\": ", PeakMemory()));
  g_loaded = *std::move(loaded);
}

void Query(const std::string& path, int64_t k, bool batch) {
  const std::vector<float> queries = ReadNumbers<float>(path);
  const auto width = static_cast<size_t>(g_loaded->vectors.width());
  g_answers.clear();
  const Stopwatch watch;
  if (batch) {
    g_answers = g_search->NearestBatch(queries, k);
  } else {
    for (size_t at = 0; at < queries.size(); at += width) {
      g_answers.push_back(g_search->Nearest(absl::MakeConstSpan(queries).subspan(at, width), k));
    }
  }
  watch.Answer();
}

void Products(const std::string& path, int64_t k) {
  const std::vector<int64_t> rows = ReadNumbers<int64_t>(path);
  g_answers.clear();
  const Stopwatch watch;
  for (size_t i = 0; i + 3 <= rows.size(); i += 3) {
    auto found = graft::Analogy(*g_search, rows[i], rows[i + 1], rows[i + 2], k,
                                graft::AnalogyMethod::kMultiply);
    if (!found.ok()) return AnswerError(found.status().message());
    g_answers.push_back(*std::move(found));
  }
  watch.Answer();
}

void Write(const std::string& path, const std::string& format, int64_t threads) {
  const auto known = graft::VectorFormatOfName(format);
  if (!known) return AnswerError(format);
  const Stopwatch watch;
  const absl::Status written = graft::WriteWordVectors(
      g_loaded->vectors, path, {.format = *known, .replace = true, .threads = threads});
  if (!written.ok()) return AnswerError(written.message());
  watch.Answer();
}

// Eight sums, so that nothing but memory holds it up.
void ReadAll(int64_t threads) {
  const graft::WordVectors& vectors = g_loaded->vectors;
  const auto count = static_cast<size_t>(vectors.size() * vectors.width());
  const auto* const words = reinterpret_cast<const uint64_t*>(vectors.matrix().data);
  const Stopwatch watch;
  std::vector<uint64_t> totals(static_cast<size_t>(threads));
  graft::ForTasks(threads, threads, 0, [&](int64_t task, float*) {
    const size_t part = static_cast<size_t>(task), parts = totals.size();
    uint64_t sums[8] = {};
    for (size_t i = count / 2 * part / parts; i + 8 <= count / 2 * (part + 1) / parts; i += 8) {
      for (size_t j = 0; j < 8; ++j) sums[j] ^= words[i + j];
    }
    for (const uint64_t sum : sums) totals[part] ^= sum;
  });
  uint64_t total = 0;
  for (const uint64_t sum : totals) total ^= sum;
  watch.Answer(absl::StrCat(", \"total\": ", total));
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what, path;
    int64_t number = 0;
    words >> what;
    if (what == "load" && words >> path >> number) {
      Load(path, number);
    } else if (what == "rows" && words >> path) {
      const graft::WordVectors& vectors = g_loaded->vectors;
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(vectors.matrix().data),
                 vectors.size() * vectors.width() * 4);
      std::cout << "{}" << std::endl;
    } else if (what == "index" && words >> number) {
      int int8 = 0;
      words >> int8;
      const Stopwatch watch;
      g_search.emplace(g_loaded->vectors,
                       graft::SearchOptions{graft::Similarity::kCosine, number, int8 != 0});
      watch.Answer();
    } else if ((what == "queries" || what == "query") && words >> path >> number) {
      Query(path, number, what == "queries");
    } else if (what == "ids" && words >> path) {
      std::ofstream file(path, std::ios::binary);
      for (const auto& answer : g_answers) {
        for (const Neighbor& neighbor : answer) {
          file.write(reinterpret_cast<const char*>(&neighbor.row), sizeof(neighbor.row));
        }
      }
      file.close();
      std::cout << "{}" << std::endl;
    } else if (what == "products" && words >> path >> number) {
      Products(path, number);
    } else if (std::string format; what == "write" && words >> path >> format >> number) {
      Write(path, format, number);
    } else if (what == "read") {
      ReadAll(words >> number ? number : 1);
    } else {
      return 2;
    }
  }
  return 0;
}
