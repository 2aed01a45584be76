// Reading JSON that comes from outside, over simdjson. Internal: not part of the installed headers.
#ifndef GRAFT_BASE_JSON_H_
#define GRAFT_BASE_JSON_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simdjson.h"

namespace graft {

// The largest configuration that is read: that of a model with 10,000 labels has a megabyte.
inline constexpr uint64_t kMaxConfigBytes = 8'000'000;

// A value inside a JsonDocument, which must outlive it. Getters name the file and the path to the
// value, what was expected and what was found: "config.json: hidden_size: expected an integer from
// 1 to 65536, found 768.5".
class JsonValue {
 public:
  bool is_null() const { return element_.is_null(); }
  bool is_object() const { return element_.is_object(); }
  bool is_array() const { return element_.is_array(); }
  bool is_string() const { return element_.is_string(); }
  bool is_number() const { return element_.is_number(); }
  bool is_bool() const { return element_.is_bool(); }

  // The value as a type; InvalidArgument when it is another one or out of range.
  absl::StatusOr<std::string_view> AsString() const;
  absl::StatusOr<int64_t> AsInt(int64_t min, int64_t max) const;
  absl::StatusOr<double> AsDouble(double min, double max) const;
  absl::StatusOr<bool> AsBool() const;
  // Elements of an array in order; members of an object in file order.
  absl::StatusOr<std::vector<JsonValue>> AsArray() const;
  absl::StatusOr<std::vector<std::pair<std::string_view, JsonValue>>> AsObject() const;

  // A member of an object; nullopt when this is no object, has no such member, or the member is
  // null.
  std::optional<JsonValue> Find(std::string_view key) const;
  // A member that must be there and not null.
  absl::StatusOr<JsonValue> Get(std::string_view key) const;

  // A member as a type. With a default: that when the member is absent or null.
  absl::StatusOr<std::string_view> GetString(std::string_view key) const;
  absl::StatusOr<std::string_view> GetString(std::string_view key, std::string_view absent) const;
  absl::StatusOr<int64_t> GetInt(std::string_view key, int64_t min, int64_t max) const;
  absl::StatusOr<int64_t> GetInt(std::string_view key, int64_t min, int64_t max,
                                 int64_t absent) const;
  absl::StatusOr<double> GetDouble(std::string_view key, double min, double max,
                                   double absent) const;
  absl::StatusOr<bool> GetBool(std::string_view key, bool absent) const;

  // For long lists, where a JsonValue for each element costs too much.
  const simdjson::dom::element& raw() const { return element_; }

  // An InvalidArgument that begins with file and path.
  absl::Status Error(std::string_view message) const;
  // "an object", "768.5", "'gelu'": the value in a message, shortened.
  std::string Describe() const;
  // Path from the root: "model.vocab".
  const std::string& path() const { return path_; }

 private:
  friend class JsonDocument;
  JsonValue(const std::string* source, std::string path, simdjson::dom::element element)
      : source_(source), path_(std::move(path)), element_(element) {}
  JsonValue Child(std::string_view key, simdjson::dom::element element) const;

  const std::string* source_;  // file name for messages; owned by the document
  std::string path_;
  simdjson::dom::element element_;
};

// A parsed text. Refused: anything but one JSON value, malformed UTF-8, a byte-order mark,
// duplicate keys in one object, nesting deeper than 64. An integer that 64 bits do not hold is the
// nearest double, so AsDouble reads it and AsInt refuses it. Movable; const methods are
// thread-safe.
class JsonDocument {
 public:
  // `source` stands at the front of every message, usually the path of the file.
  static absl::StatusOr<JsonDocument> Parse(std::string_view text, std::string source);
  // Reads the whole file first; ResourceExhausted when it is larger than `max_bytes`. A document
  // takes up to 20 times the memory of its text: the default is for configurations.
  static absl::StatusOr<JsonDocument> Load(const std::string& path,
                                           uint64_t max_bytes = kMaxConfigBytes);

  JsonValue root() const;

 private:
  struct Parsed;
  explicit JsonDocument(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace graft

#endif  // GRAFT_BASE_JSON_H_
