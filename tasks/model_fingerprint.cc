#include "tasks/model_fingerprint.h"

#include <set>
#include <string_view>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/hash.h"

namespace graft {
namespace {

using Entries = std::map<std::string, std::string>;

const std::string* Find(const Entries& entries, const std::string& name) {
  const auto found = entries.find(name);
  return found == entries.end() ? nullptr : &found->second;
}

std::set<std::string> Names(const Entries& a, const Entries& b) {
  std::set<std::string> names;
  for (const auto& [name, value] : a) names.insert(name);
  for (const auto& [name, value] : b) names.insert(name);
  return names;
}

}  // namespace

std::string ModelFingerprint::Hash() const {
  // Lengths part the pieces, so that no two lists have the same bytes.
  std::string text;
  for (const Entries* entries : {&files, &options}) {
    absl::StrAppend(&text, entries->size(), ";");
    for (const auto& [name, value] : *entries) {
      absl::StrAppend(&text, name.size(), ":", name, value.size(), ":", value);
    }
  }
  return HashBytes(text);
}

absl::StatusOr<std::map<std::string, std::string>> HashFiles(
    const std::string& folder, const std::vector<std::string>& paths) {
  Entries hashes;
  const std::string inside = absl::EndsWith(folder, "/") ? folder : absl::StrCat(folder, "/");
  for (const std::string& path : paths) {
    const std::string name = absl::StartsWith(path, inside) ? path.substr(inside.size()) : path;
    if (hashes.contains(name)) continue;
    ABSL_ASSIGN_OR_RETURN(hashes[name], HashFile(path));
  }
  return hashes;
}

std::string Differences(const ModelFingerprint& expected, const ModelFingerprint& found) {
  std::vector<std::string> different;
  for (const std::string& name : Names(expected.files, found.files)) {
    const std::string* a = Find(expected.files, name);
    const std::string* b = Find(found.files, name);
    if (a != nullptr && b != nullptr && *a == *b) continue;
    different.push_back(a == nullptr   ? absl::StrCat(name, " (not there before)")
                        : b == nullptr ? absl::StrCat(name, " (not there)")
                                       : name);
  }
  for (const std::string& name : Names(expected.options, found.options)) {
    const std::string* a = Find(expected.options, name);
    const std::string* b = Find(found.options, name);
    if (a != nullptr && b != nullptr && *a == *b) continue;
    different.push_back(absl::StrCat(name, " (expected ", a == nullptr ? "none" : *a, ", found ",
                                     b == nullptr ? "none" : *b, ")"));
  }
  return absl::StrJoin(different, ", ");
}

}  // namespace graft
