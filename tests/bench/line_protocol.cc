#include "bench/line_protocol.h"

#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace graft {
namespace {

using Json = nlohmann::ordered_json;

absl::StatusOr<Json> WriteResult(const WorkerRequests& requests, const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const WorkerResult result, requests.result());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(result.values.data()),
             static_cast<std::streamsize>(result.values.size() * sizeof(float)));
  if (!file.flush()) return absl::InternalError(absl::StrCat(path, ": cannot write"));
  return Json{{"shape", result.shape}};
}

absl::StatusOr<Json> Answer(const WorkerRequests& requests, std::string_view command,
                            const std::string& argument) {
  if (command == "load") {
    ABSL_ASSIGN_OR_RETURN(const JsonDocument settings, JsonDocument::Parse(argument, "load"));
    return requests.load(settings.root());
  }
  if (command == "run") return requests.run(argument);
  if (command == "result") return WriteResult(requests, argument);
  return absl::InvalidArgumentError(absl::StrCat("unknown request '", command, "'"));
}

}  // namespace

int ServeRequests(const WorkerRequests& requests) {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (parts.first == "quit") break;
    absl::StatusOr<Json> answer;
    try {
      answer = Answer(requests, parts.first, parts.second);
    } catch (const std::exception& error) {
      answer = absl::InternalError(error.what());
    }
    if (!answer.ok()) answer = Json{{"error", answer.status().message()}};
    std::cout << answer->dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
  return 0;
}

double SecondsNow() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace graft
