// graft's side of weights_parity.py.
//
//   weights_worker copy IN OUT         reads every tensor of IN and writes OUT
//   weights_worker floats IN NAME      one tensor as float32, to standard output
//   weights_worker check               for every path on standard input "refused CODE MESSAGE", or
//                                      "ok N" and N lines NAME TYPE SHAPE BYTES, name and bytes in
//                                      hexadecimal digits, shape as 2x3 or scalar
//   weights_worker time IN             seconds that reading all floating-point tensors takes,
//   opened anew
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"

namespace graft {
namespace {

absl::Status Copy(const std::string& in, const std::string& out) {
  ABSL_ASSIGN_OR_RETURN(const WeightFiles file, WeightFiles::Open(in));
  std::vector<std::string> contents;
  std::vector<TensorToWrite> tensors;
  contents.reserve(file.tensors().size());
  for (const TensorInfo& tensor : file.tensors()) {
    std::string& bytes = contents.emplace_back(tensor.end - tensor.begin, '\0');
    ABSL_RETURN_IF_ERROR(file.ReadBytes(tensor, absl::MakeSpan(bytes)));
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, {bytes.data(), bytes.size()}});
  }
  return WriteSafetensors(out, std::move(tensors), file.metadata());
}

absl::Status Floats(const std::string& in, const std::string& name) {
  ABSL_ASSIGN_OR_RETURN(const WeightFiles file, WeightFiles::Open(in));
  const TensorInfo* tensor = file.Find(name);
  if (tensor == nullptr) return absl::NotFoundError(in + ": no tensor " + name);
  std::vector<float> values(static_cast<size_t>(tensor->elements()));
  ABSL_RETURN_IF_ERROR(file.ReadAsFloat(*tensor, absl::MakeSpan(values)));
  const size_t written = std::fwrite(values.data(), sizeof(float), values.size(), stdout);
  if (written != values.size() || std::fflush(stdout) != 0) {
    return absl::InternalError("standard output: cannot write");
  }
  return absl::OkStatus();
}

// Into memory that was touched before, so that the time is that of the reading.
absl::Status Time(const std::string& in) {
  ABSL_ASSIGN_OR_RETURN(const WeightFiles first, WeightFiles::Open(in));
  int64_t elements = 0;
  for (const TensorInfo& tensor : first.tensors())
    elements += IsFloatingPoint(tensor.dtype) ? tensor.elements() : 0;
  std::vector<float> values(static_cast<size_t>(elements), 1.0f);
  const auto start = std::chrono::steady_clock::now();
  ABSL_ASSIGN_OR_RETURN(const WeightFiles file, WeightFiles::Open(in));
  float* next = values.data();
  for (const TensorInfo& tensor : file.tensors()) {
    if (!IsFloatingPoint(tensor.dtype)) continue;
    const absl::Span<float> out(next, static_cast<size_t>(tensor.elements()));
    ABSL_RETURN_IF_ERROR(file.ReadAsFloat(tensor, out));
    next += out.size();
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << seconds.count() << '\n';
  return absl::OkStatus();
}

std::string Shape(const std::vector<int64_t>& shape) {
  return shape.empty() ? "scalar" : absl::StrJoin(shape, "x");
}

absl::StatusOr<std::string> Contents(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const WeightFiles weights, WeightFiles::Open(path));
  std::string out = absl::StrCat("ok ", weights.tensors().size(), "\n");
  for (const TensorInfo& tensor : weights.tensors()) {
    std::string bytes(tensor.bytes(), '\0');
    ABSL_RETURN_IF_ERROR(weights.ReadBytes(tensor, absl::MakeSpan(bytes)));
    absl::StrAppend(&out, absl::BytesToHexString(tensor.name), "- ", DTypeName(tensor.dtype), " ",
                    Shape(tensor.shape), " ", absl::BytesToHexString(bytes), "-\n");
  }
  return out;
}

absl::Status Check() {
  for (std::string path; std::getline(std::cin, path);) {
    const absl::StatusOr<std::string> contents = Contents(path);
    if (contents.ok()) {
      std::cout << *contents << std::flush;
    } else {
      std::cout << "refused " << absl::StatusCodeToString(contents.status().code()) << " "
                << absl::CHexEscape(contents.status().message()) << '\n'
                << std::flush;
    }
  }
  return absl::OkStatus();
}

absl::Status Run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "check") return Check();

  if (arguments.size() == 3 && arguments[0] == "copy") return Copy(arguments[1], arguments[2]);
  if (arguments.size() == 3 && arguments[0] == "floats") return Floats(arguments[1], arguments[2]);
  if (arguments.size() == 2 && arguments[0] == "time") return Time(arguments[1]);
  return absl::InvalidArgumentError(
      "weights_worker copy IN OUT | floats IN NAME | check | time IN");
}

}  // namespace
}  // namespace graft

int main(int argc, char** argv) {
  const absl::Status status = graft::Run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::cerr << "error: " << status.message() << '\n';
  return 1;
}
