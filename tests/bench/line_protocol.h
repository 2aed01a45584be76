// The worker's side of the line protocol of compare.py (told in worker.py), for contestants written
// in C++.
#ifndef GRAFT_TESTS_BENCH_LINE_PROTOCOL_H_
#define GRAFT_TESTS_BENCH_LINE_PROTOCOL_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"

namespace graft {

// The output of the last run.
struct WorkerResult {
  std::vector<int64_t> shape;
  std::vector<float> values;  // row-major
};

// What a worker does; each request is answered before the next one is read.
struct WorkerRequests {
  std::function<absl::StatusOr<nlohmann::ordered_json>(const JsonValue& settings)> load;
  // `what` is empty for the plain run.
  std::function<absl::StatusOr<nlohmann::ordered_json>(std::string_view what)> run;
  std::function<absl::StatusOr<WorkerResult>()> result;
};

// Answers requests from standard input until "quit" or its end. Failures are answered as
// {"error": "..."}. Returns the exit status of the process.
int ServeRequests(const WorkerRequests& requests);

// Seconds of a clock that never goes back.
double SecondsNow();

}  // namespace graft

#endif  // GRAFT_TESTS_BENCH_LINE_PROTOCOL_H_
