#include "tasks/delimited_text.h"

#include <algorithm>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"

namespace graft {
namespace {

// Fields of earlier records keep their memory: a file has many records of one shape.
std::string& NextField(std::vector<std::string>& fields, size_t& count) {
  if (count == fields.size()) fields.emplace_back();
  fields[count].clear();
  return fields[count++];
}

void SplitTsv(std::string_view line, std::vector<std::string>& fields) {
  size_t count = 0;
  for (;;) {
    const size_t end = std::min(line.find('\t'), line.size());
    NextField(fields, count).assign(line.substr(0, end));
    if (end == line.size()) break;
    line.remove_prefix(end + 1);
  }
  fields.resize(count);
}

}  // namespace

DelimitedReader::DelimitedReader(TextInput& input, Syntax syntax, std::string first_line)
    : input_(input), syntax_(syntax), line_(std::move(first_line)) {}

absl::StatusOr<bool> DelimitedReader::NextLine() {
  if (std::exchange(line_waits_, false)) return true;
  return input_.Next(line_);
}

absl::StatusOr<bool> DelimitedReader::Next(std::vector<std::string>& fields) {
  do {
    ABSL_ASSIGN_OR_RETURN(const bool more, NextLine());
    if (!more) return false;
  } while (line_.empty());
  record_line_ = input_.line_number();
  record_bytes_ = line_.size();
  if (syntax_ == Syntax::kTsv) {
    SplitTsv(line_, fields);
  } else {
    ABSL_RETURN_IF_ERROR(ParseCsv(fields));
  }
  return true;
}

absl::Status DelimitedReader::ParseCsv(std::vector<std::string>& fields) {
  size_t count = 0;
  size_t position = 0;
  for (;;) {
    std::string& field = NextField(fields, count);
    if (position < line_.size() && line_[position] == '"') {
      ABSL_RETURN_IF_ERROR(ParseQuoted(position, field));
    } else {
      const size_t end = std::min(line_.find(',', position), line_.size());
      field.assign(line_, position, end - position);
      position = end;
      if (field.find('"') != std::string::npos) {
        return Error(absl::StrCat("expected no double quote inside the unquoted field ", count,
                                  ", found one"));
      }
    }
    if (position == line_.size()) break;
    if (line_[position] != ',') {
      return Error(
          absl::StrCat("expected a comma or the line's end behind the closing quote of field ",
                       count, ", found other text"));
    }
    ++position;
  }
  fields.resize(count);
  return absl::OkStatus();
}

absl::Status DelimitedReader::ParseQuoted(size_t& position, std::string& field) {
  const int64_t opened_at = input_.line_number();
  ++position;
  for (;;) {
    const size_t quote = line_.find('"', position);
    if (quote != std::string::npos) {
      field.append(line_, position, quote - position);
      position = quote + 1;
      if (position == line_.size() || line_[position] != '"') return absl::OkStatus();
      field.push_back('"');
      ++position;
      continue;
    }
    field.append(line_, position).push_back('\n');
    ABSL_ASSIGN_OR_RETURN(const bool more, NextLine());
    if (!more) {
      return absl::DataLossError(absl::StrCat(
          input_.name(), ":", opened_at,
          ": expected a closing double quote for the field that opens here, found the end of the "
          "file"));
    }
    record_bytes_ += line_.size() + 1;
    if (record_bytes_ > kMaxRecordBytes) {
      return absl::ResourceExhaustedError(absl::StrCat(
          input_.name(), ":", opened_at, ": expected a record of at most ", kMaxRecordBytes,
          " bytes, found a longer one (is a double quote not closed?)"));
    }
    position = 0;
  }
}

absl::Status DelimitedReader::Error(std::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(input_.name(), ":", input_.line_number(), ": ", message));
}

}  // namespace graft
