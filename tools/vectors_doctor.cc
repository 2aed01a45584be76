// graft vectors doctor: all that is wrong with a file of word vectors.
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/utf8.h"
#include "embeddings/norm_statistics.h"
#include "embeddings/vector_folder.h"
#include "tools/json_text.h"
#include "tools/table.h"
#include "tools/vector_file.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  VectorFileOptions file;
  bool json = false;
};

// What two readings gave: one as every verb reads, and where that was refused one with --repair.
struct Diagnosis {
  absl::Status refused;            // OK: the file loads as it is
  std::optional<LoadReport> read;  // none: repair does not help either
  absl::Status beyond_repair;
  NormStatistics norms;  // of the rows that were read
};

absl::StatusOr<LoadReport> Scan(const Options& o, bool repair, NormStatistics& norms) {
  ABSL_ASSIGN_OR_RETURN(LoadOptions options, MakeLoadOptions(o.file));
  options.repair = repair;
  options.progress = FileProgress(o.file.path, repair ? "repairing" : "reading");
  norms = {};
  return ScanWordVectors(o.file.path, options,
                         [&](std::string_view word, absl::Span<const float> row) {
                           norms.Add(word, row);
                           return absl::OkStatus();
                         });
}

absl::StatusOr<Diagnosis> Diagnose(const Options& o) {
  Diagnosis diagnosis;
  absl::StatusOr<LoadReport> read = Scan(o, /*repair=*/false, diagnosis.norms);
  if (read.ok() && read->format == VectorFormat::kGraft) {
    diagnosis.refused = VerifyVectorFolder(o.file.path);
  }
  if (read.ok()) {
    diagnosis.read = *std::move(read);
    return diagnosis;
  }
  // What is wrong is not the contents of the file.
  if (!absl::IsDataLoss(read.status()) && !absl::IsResourceExhausted(read.status())) {
    return read.status();
  }
  diagnosis.refused = read.status();
  absl::StatusOr<LoadReport> repaired = Scan(o, /*repair=*/true, diagnosis.norms);
  if (repaired.ok()) {
    diagnosis.read = *std::move(repaired);
  } else {
    diagnosis.beyond_repair = repaired.status();
  }
  return diagnosis;
}

std::string_view KindName(LoadFinding::Kind kind) {
  switch (kind) {
    case LoadFinding::Kind::kDuplicate:
      return "duplicate";
    case LoadFinding::Kind::kBrokenUtf8:
      return "broken-utf8";
    case LoadFinding::Kind::kSkippedRow:
      return "row";
    case LoadFinding::Kind::kCount:
      return "count";
    case LoadFinding::Kind::kCut:
      return "cut";
    case LoadFinding::Kind::kNote:
      break;
  }
  return "note";
}

bool IsSound(const Diagnosis& d) {
  return d.refused.ok() && d.read->findings.empty() && d.norms.zeros() == 0;
}

// "sound", "odd": loads all the same, "refused".
std::string_view Verdict(const Diagnosis& d) {
  return !d.refused.ok() ? "refused" : IsSound(d) ? "sound" : "odd";
}

void PrintJson(const Options& o, const Diagnosis& d) {
  ordered_json json = {{"vectors", o.file.path}, {"verdict", Verdict(d)}};
  json["refused"] =
      d.refused.ok() ? ordered_json(nullptr) : ordered_json(std::string(d.refused.message()));
  if (!d.read) {
    json["repairable"] = false;
    json["beyond_repair"] = std::string(d.beyond_repair.message());
    std::cout << JsonText(json, 2) << '\n';
    return;
  }
  const LoadReport& report = *d.read;
  ordered_json findings = ordered_json::array();
  for (const LoadFinding& finding : report.findings) {
    findings.push_back({{"kind", KindName(finding.kind)},
                        {"line", finding.line > 0 ? ordered_json(finding.line) : nullptr},
                        {"offset", finding.offset ? ordered_json(*finding.offset) : nullptr},
                        {"text", finding.text}});
  }
  json["repairable"] = !d.refused.ok() && report.format != VectorFormat::kGraft;
  json["format"] = VectorFormatName(report.format);
  json["rows"] = report.rows;
  json["width"] = report.width;
  json["declared_rows"] =
      report.declared_rows ? ordered_json(*report.declared_rows) : ordered_json(nullptr);
  json["skipped"] = report.skipped;
  json["duplicates"] = report.duplicates;
  json["broken_utf8"] = report.broken_utf8;
  json["zeros"] = d.norms.zeros();
  json["findings"] = std::move(findings);
  std::cout << JsonText(json, 2) << '\n';
}

void PrintFinding(const std::string& path, const LoadFinding& finding) {
  std::cout << "  " << Printable(path);
  if (finding.line > 0) std::cout << ":" << finding.line;
  if (finding.offset) std::cout << ": byte " << *finding.offset;
  std::cout << ": " << Printable(finding.text) << '\n';
}

void PrintMore(const LoadReport& report) {
  const auto more = [](int64_t count, int64_t listed, std::string_view what) {
    if (count <= listed) return;
    std::cout << "  and " << WithThousands(count - listed) << " more " << what << '\n';
  };
  more(report.skipped, LoadReport::kMaxListedRows, "rows that are not sound");
  more(report.duplicates, LoadReport::kMaxListed, "duplicates");
  more(report.broken_utf8, LoadReport::kMaxListed, "words that are no UTF-8");
}

void PrintRepair(const LoadReport& report) {
  std::cout << "--repair keeps " << WithThousands(report.rows) << " rows of " << report.width
            << " numbers";
  if (report.skipped > 0) {
    std::cout << " and leaves out " << WithThousands(report.skipped) << " that are not sound";
  }
  std::cout << '\n';
}

void PrintText(const Options& o, const Diagnosis& d) {
  std::cout << Printable(o.file.path) << ": " << Verdict(d) << '\n';
  if (!d.refused.ok()) std::cout << "  " << Printable(d.refused.message()) << '\n';
  if (!d.read) {
    std::cout << "--repair does not help: " << Printable(d.beyond_repair.message()) << '\n';
    return;
  }
  const LoadReport& report = *d.read;
  for (const LoadFinding& finding : report.findings) PrintFinding(report.source, finding);
  PrintMore(report);
  if (d.norms.zeros() > 0) {
    std::vector<std::string> words;
    for (const std::string& word : d.norms.zero_words()) words.push_back(Quoted(word));
    std::cout << "  " << WithThousands(d.norms.zeros())
              << " rows of zeros: " << absl::StrJoin(words, ", ")
              << (d.norms.zeros() > static_cast<int64_t>(words.size()) ? ", ..." : "") << '\n';
  }
  std::cout << VectorFormatName(report.format) << ", " << WithThousands(report.rows) << " rows of "
            << report.width << " numbers; duplicates: " << WithThousands(report.duplicates)
            << "; words that are no UTF-8: " << WithThousands(report.broken_utf8) << "\n";
  if (d.refused.ok()) return;
  if (report.format == VectorFormat::kGraft) {
    std::cout << "--repair does not help: a folder is made anew from what it was made of\n";
  } else {
    PrintRepair(report);
  }
}

absl::StatusOr<int> Examine(const Options& o) {
  ABSL_ASSIGN_OR_RETURN(const Diagnosis diagnosis, Diagnose(o));
  if (o.json) {
    PrintJson(o, diagnosis);
  } else {
    PrintText(o, diagnosis);
  }
  return diagnosis.refused.ok() ? kExitOk : kExitFailed;
}

}  // namespace

Verb VectorsDoctorVerb() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "vectors doctor",
      .summary = "Find all that is wrong with a file of word vectors, and what --repair would do",
      .example =
          "graft vectors doctor --vectors wiki.en.vec\n"
          "graft vectors doctor --vectors glove --json",
      .declare =
          [options](OptionList& list) {
            DeclareVectorFile(options->file, list, /*repairs=*/false);
            list.Flag("--json", &options->json, "print one JSON object");
          },
      .check = nullptr,
      .run = [options] { return Examine(*options); }};
}

}  // namespace graft::tools
