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
  // Entries of an array or an object, up to 16,777,215; 0 for other values. For those who bound
  // them before they ask for the entries.
  size_t size() const;
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
  std::string path() const;

 private:
  friend class JsonDocument;
  // The value that others are inside of, for their paths, which only messages need.
  struct Outer;
  // A key, or without data the number of an element.
  struct Step {
    std::string_view key = {};  // owned by the document
    size_t index = 0;
  };
  JsonValue(const std::string* source, std::shared_ptr<const Outer> outer, Step step,
            simdjson::dom::element element)
      : source_(source), outer_(std::move(outer)), step_(step), element_(element) {}
  std::shared_ptr<const Outer> AsOuter() const;

  const std::string* source_;           // file name for messages; owned by the document
  std::shared_ptr<const Outer> outer_;  // none: this is the root
  Step step_;
  simdjson::dom::element element_;
};

// A parsed text. Refused: anything but one JSON value, malformed UTF-8, a byte-order mark,
// duplicate keys in one object, nesting deeper than 64. An integer that 64 bits do not hold is the
// nearest double, so AsDouble reads it and AsInt refuses it. Movable; const methods are
// thread-safe.
class JsonDocument {
 public:
  // `source` stands at the front of every message, usually the path of the file. InvalidArgument
  // when an array or an object has more than `max_entries`, before anything is made of them.
  static absl::StatusOr<JsonDocument> Parse(std::string_view text, const std::string& source,
                                            size_t max_entries = SIZE_MAX);
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
