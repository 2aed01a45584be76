// For vectors.py: loads word vectors and searches them, one order in a line. Seconds are those of
// the wall clock, with any argument those that the processors worked.
//
//   load PATH THREADS     -> {"seconds", "rows", "width", "peak_rss"}: a new load, the old one
//   freed rows PATH             -> writes the matrix as float32 to PATH index THREADS INT8    ->
//   {"seconds"} queries PATH K        -> {"seconds"}: float32 queries [Q, D] as one batch; ids for
//   "ids" query PATH K          -> the same, one after the other; seconds are those of all ids PATH
//   -> writes the rows of the last answers as int64 [Q, K] read                  -> {"seconds"}:
//   adds up the whole matrix, as fast as memory gives it
#include <algorithm>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/for_tasks.h"
#include "embeddings/load.h"
#include "embeddings/search.h"

namespace {

using graft::Neighbor;

std::optional<graft::LoadedVectors> g_loaded;
std::optional<graft::VectorSearch> g_search;
std::vector<std::vector<Neighbor>> g_answers;

clockid_t g_clock = CLOCK_MONOTONIC;

double Now() {
  timespec now;
  clock_gettime(g_clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
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

std::vector<float> ReadFloats(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), floats.size() * sizeof(float), reinterpret_cast<char*>(floats.data()));
  return floats;
}

void Load(const std::string& path, int64_t threads) {
  g_search.reset();
  g_loaded.reset();
  graft::LoadOptions options;
  options.threads = threads;
  const double begin = Now();
  auto loaded = graft::LoadWordVectors(path, options);
  const double seconds = Now() - begin;
  if (!loaded.ok()) {
    std::cout << "{\"error\": \"" << loaded.status().message() << "\"}" << std::endl;
    return;
  }
  g_loaded = *std::move(loaded);
  std::cout << "{\"seconds\": " << seconds << ", \"rows\": " << g_loaded->report.rows
            << ", \"width\": " << g_loaded->report.width << ", \"peak_rss\": " << PeakMemory()
            << "}" << std::endl;
}

void Query(const std::string& path, int64_t k, bool batch) {
  const std::vector<float> queries = ReadFloats(path);
  const auto width = static_cast<size_t>(g_loaded->vectors.width());
  const double begin = Now();
  if (batch) {
    g_answers = g_search->NearestBatch(queries, k);
  } else {
    g_answers.clear();
    for (size_t at = 0; at < queries.size(); at += width) {
      g_answers.push_back(g_search->Nearest(absl::MakeConstSpan(queries).subspan(at, width), k));
    }
  }
  std::cout << "{\"seconds\": " << Now() - begin << "}" << std::endl;
}

// Eight sums, so that nothing but memory holds it up.
void ReadAll(int64_t threads) {
  const graft::WordVectors& vectors = g_loaded->vectors;
  const auto count = static_cast<size_t>(vectors.size() * vectors.width());
  const auto* const words = reinterpret_cast<const uint64_t*>(vectors.matrix().data);
  const double begin = Now();
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
  const double seconds = Now() - begin;
  std::cout << "{\"seconds\": " << seconds << ", \"total\": " << total << "}" << std::endl;
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) g_clock = CLOCK_PROCESS_CPUTIME_ID;
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
      const double begin = Now();
      g_search.emplace(g_loaded->vectors,
                       graft::SearchOptions{graft::Similarity::kCosine, number, int8 != 0});
      std::cout << "{\"seconds\": " << Now() - begin << "}" << std::endl;
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
    } else if (what == "read") {
      ReadAll(words >> number ? number : 1);
    } else {
      return 2;
    }
  }
  return 0;
}
