#include "models/weights/pickle_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "models/weights/pickle_opcodes.h"
#include "models/weights/pickle_stack.h"

namespace graft {
namespace {

using Kind = PickleValue::Kind;

constexpr uint32_t kNoMemo = UINT32_MAX;

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

class Machine {
 public:
  Machine(PickleBytes& bytes, PersistentIds ids) : bytes_(bytes), ids_(ids), pickle_(bytes) {}

  absl::Status Begin();
  // One opcode; `stopped` becomes true at STOP.
  absl::Status Step(bool& stopped);
  Pickle Take() && { return std::move(pickle_); }

 private:
  absl::Status Container(Opcode opcode);
  absl::Status Memo(Opcode opcode);
  absl::Status Literal(Opcode opcode);
  // The next bytes, as a text or a number.
  absl::Status Bytes(Kind kind, size_t count);
  absl::Status LongInteger();
  absl::Status Global();
  absl::Status Tuple(size_t count);
  absl::Status SetItems(size_t begin);
  absl::Status Append(size_t begin);
  absl::Status Reduce();
  absl::Status Build();
  absl::Status PersistentId();
  absl::Status Stop();

  // Bytes of an argument as a little-endian number.
  absl::StatusOr<uint64_t> Number(size_t count);
  absl::Status PushNew(const PickleValue& value);

  PickleBytes& bytes_;
  const PersistentIds ids_;
  Pickle pickle_;
  PickleStack stack_;
  std::vector<PickleId> memo_;
};

absl::Status Machine::Begin() {
  ABSL_ASSIGN_OR_RETURN(const uint64_t opcode, Number(1));
  if (static_cast<Opcode>(opcode) != Opcode::kProto) {
    return Wrong("expected the opcode PROTO, found ", DescribeOpcode(static_cast<uint8_t>(opcode)));
  }
  ABSL_ASSIGN_OR_RETURN(const uint64_t protocol, Number(1));
  if (protocol != 2) return Wrong("expected pickle protocol 2, found ", protocol);
  return absl::OkStatus();
}

absl::Status Machine::Step(bool& stopped) {
  ABSL_ASSIGN_OR_RETURN(const uint64_t byte, Number(1));
  const auto opcode = static_cast<Opcode>(byte);
  switch (opcode) {
    case Opcode::kStop:
      stopped = true;
      return Stop();
    case Opcode::kGlobal:
      return Global();
    case Opcode::kReduce:
      return Reduce();
    case Opcode::kBuild:
      return Build();
    case Opcode::kBinPersId:
      return PersistentId();
    case Opcode::kBinPut:
    case Opcode::kLongBinPut:
    case Opcode::kBinGet:
    case Opcode::kLongBinGet:
      return Memo(opcode);
    case Opcode::kMark:
      return stack_.Mark();
    default:
      return IsContainerOpcode(opcode) ? Container(opcode) : Literal(opcode);
  }
}

absl::Status Machine::Container(Opcode opcode) {
  switch (opcode) {
    case Opcode::kEmptyTuple:
      return Tuple(0);
    case Opcode::kTuple1:
      return Tuple(1);
    case Opcode::kTuple2:
      return Tuple(2);
    case Opcode::kTuple3:
      return Tuple(3);
    case Opcode::kTuple: {
      ABSL_ASSIGN_OR_RETURN(const size_t begin, stack_.Unmark(0));
      return Tuple(stack_.size() - begin);
    }
    case Opcode::kEmptyList:
      return PushNew({.kind = Kind::kList});
    case Opcode::kEmptyDict:
      return PushNew({.kind = Kind::kDict});
    case Opcode::kAppend:
      ABSL_RETURN_IF_ERROR(stack_.Need(2));
      return Append(stack_.size() - 1);
    case Opcode::kAppends: {
      ABSL_ASSIGN_OR_RETURN(const size_t begin, stack_.Unmark(1));
      return Append(begin);
    }
    case Opcode::kSetItem:
      ABSL_RETURN_IF_ERROR(stack_.Need(3));
      return SetItems(stack_.size() - 2);
    default: {
      ABSL_ASSIGN_OR_RETURN(const size_t begin, stack_.Unmark(1));
      return SetItems(begin);
    }
  }
}

absl::Status Machine::Literal(Opcode opcode) {
  switch (opcode) {
    case Opcode::kNone:
      return PushNew({.kind = Kind::kNone});
    case Opcode::kNewTrue:
    case Opcode::kNewFalse:
      return PushNew({.kind = Kind::kBool, .number = opcode == Opcode::kNewTrue ? 1 : 0});
    case Opcode::kBinInt1:
    case Opcode::kBinInt2: {
      ABSL_ASSIGN_OR_RETURN(const uint64_t value, Number(opcode == Opcode::kBinInt1 ? 1 : 2));
      return PushNew({.kind = Kind::kInt, .number = static_cast<int64_t>(value)});
    }
    case Opcode::kBinInt: {
      ABSL_ASSIGN_OR_RETURN(const uint64_t value, Number(4));
      return PushNew(
          {.kind = Kind::kInt, .number = static_cast<int32_t>(static_cast<uint32_t>(value))});
    }
    case Opcode::kLong1:
      return LongInteger();
    case Opcode::kBinFloat:
      ABSL_RETURN_IF_ERROR(bytes_.Take(8).status());
      return PushNew({.kind = Kind::kFloat});
    case Opcode::kBinUnicode:
    case Opcode::kShortBinString: {
      ABSL_ASSIGN_OR_RETURN(const uint64_t count, Number(opcode == Opcode::kBinUnicode ? 4 : 1));
      return Bytes(Kind::kText, static_cast<size_t>(count));
    }
    default:
      return Wrong("expected an opcode of a pickled state, found ",
                   DescribeOpcode(static_cast<uint8_t>(opcode)));
  }
}

absl::Status Machine::Bytes(Kind kind, size_t count) {
  const size_t begin = bytes_.at();
  ABSL_RETURN_IF_ERROR(bytes_.Take(count).status());
  return PushNew(
      {.kind = kind, .count = static_cast<uint32_t>(count), .first = static_cast<uint32_t>(begin)});
}

absl::Status Machine::LongInteger() {
  ABSL_ASSIGN_OR_RETURN(const uint64_t count, Number(1));
  if (count > sizeof(int64_t)) return Bytes(Kind::kBigInt, static_cast<size_t>(count));
  ABSL_ASSIGN_OR_RETURN(const std::string_view bytes, bytes_.Take(static_cast<size_t>(count)));
  const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
  int64_t value = negative ? -1 : 0;  // the bytes that are not written
  std::memcpy(&value, bytes.data(), bytes.size());
  return PushNew({.kind = Kind::kInt, .number = value});
}

absl::Status Machine::Global() {
  ABSL_ASSIGN_OR_RETURN(const std::string_view line, bytes_.TakeLine());
  const std::string module(line);  // the next line may move the bytes
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, bytes_.TakeLine());
  ABSL_ASSIGN_OR_RETURN(const PickleValue global, FindPickleGlobal(module, name));
  return PushNew(global);
}

absl::Status Machine::Memo(Opcode opcode) {
  const bool put = opcode == Opcode::kBinPut || opcode == Opcode::kLongBinPut;
  const bool wide = opcode == Opcode::kLongBinPut || opcode == Opcode::kLongBinGet;
  ABSL_ASSIGN_OR_RETURN(const uint64_t number, Number(wide ? 4 : 1));
  if (!put) {
    if (number >= memo_.size() || memo_[number] == kNoMemo) {
      return Wrong("expected a memo entry that was put, found ", number);
    }
    return stack_.Push(memo_[number]);
  }
  ABSL_RETURN_IF_ERROR(stack_.Need(1));
  // They are numbered as they come, so none is above the number of bytes before it.
  const size_t bound = std::min(bytes_.at(), kMaxPickleValues);
  if (number >= bound) {
    return Wrong("expected a memo entry below ", bound, ", found ", number);
  }
  if (number >= memo_.size()) memo_.resize(number + 1, kNoMemo);
  memo_[number] = stack_.top();
  return absl::OkStatus();
}

absl::Status Machine::Tuple(size_t count) {
  ABSL_RETURN_IF_ERROR(stack_.Need(count));
  ABSL_ASSIGN_OR_RETURN(const PickleId tuple, pickle_.Add({.kind = Kind::kTuple}));
  for (size_t i = stack_.size() - count; i < stack_.size(); ++i) {
    ABSL_RETURN_IF_ERROR(pickle_.AppendItem(tuple, 0, stack_[i]));
  }
  stack_.Shrink(stack_.size() - count);
  return stack_.Push(tuple);
}

absl::Status Machine::SetItems(size_t begin) {
  const PickleId dictionary = stack_[begin - 1];
  if (!pickle_.IsDictionary(dictionary)) {
    return Wrong("expected a dictionary to set items of, found ", pickle_.Describe(dictionary));
  }
  if ((stack_.size() - begin) % 2 != 0) {
    return Wrong("expected keys with values, found ", stack_.size() - begin, " of both");
  }
  for (size_t i = begin; i < stack_.size(); i += 2) {
    const PickleId key = stack_[i];
    if (pickle_.Is(key, Kind::kList) || pickle_.IsDictionary(key)) {
      return Wrong("expected a key that does not change, found ", pickle_.Describe(key));
    }
    ABSL_RETURN_IF_ERROR(pickle_.AppendItem(dictionary, key, stack_[i + 1]));
  }
  stack_.Shrink(begin);
  return absl::OkStatus();
}

absl::Status Machine::Append(size_t begin) {
  const PickleId list = stack_[begin - 1];
  if (!pickle_.Is(list, Kind::kList)) {
    return Wrong("expected a list to append to, found ", pickle_.Describe(list));
  }
  for (size_t i = begin; i < stack_.size(); ++i) {
    ABSL_RETURN_IF_ERROR(pickle_.AppendItem(list, 0, stack_[i]));
  }
  stack_.Shrink(begin);
  return absl::OkStatus();
}

absl::Status Machine::Reduce() {
  ABSL_RETURN_IF_ERROR(stack_.Need(2));
  const PickleId arguments = stack_.Pop();
  ABSL_ASSIGN_OR_RETURN(stack_.top(), CallPickleGlobal(pickle_, stack_.top(), arguments));
  return absl::OkStatus();
}

// The attributes of a dictionary: the metadata of modules, and no entry of it.
absl::Status Machine::Build() {
  ABSL_RETURN_IF_ERROR(stack_.Need(2));
  const PickleId state = stack_.Pop();
  if (!pickle_.Is(stack_.top(), Kind::kOrderedDict)) {
    return Wrong("expected a collections.OrderedDict to give attributes to, found ",
                 pickle_.Describe(stack_.top()));
  }
  if (!pickle_.IsDictionary(state)) {
    return Wrong("expected a dictionary of attributes, found ", pickle_.Describe(state));
  }
  return absl::OkStatus();
}

absl::Status Machine::PersistentId() {
  ABSL_RETURN_IF_ERROR(stack_.Need(1));
  ABSL_ASSIGN_OR_RETURN(stack_.top(), PickledStorageOf(pickle_, ids_, stack_.top()));
  return absl::OkStatus();
}

absl::Status Machine::Stop() {
  ABSL_RETURN_IF_ERROR(stack_.Need(1));
  if (stack_.size() != 1 || stack_.marks() != 0) {
    return Wrong("expected one value at the opcode STOP, found ", stack_.size(), " and ",
                 stack_.marks(), " marks");
  }
  pickle_.root = stack_.top();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Machine::Number(size_t count) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view bytes, bytes_.Take(count));
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), count);
  return value;
}

absl::Status Machine::PushNew(const PickleValue& value) {
  ABSL_ASSIGN_OR_RETURN(const PickleId id, pickle_.Add(value));
  return stack_.Push(id);
}

}  // namespace

absl::StatusOr<Pickle> ReadPickle(PickleBytes& bytes, PersistentIds ids) {
  Machine machine(bytes, ids);
  size_t at = bytes.at();
  absl::Status status = machine.Begin();
  for (bool stopped = false; status.ok() && !stopped;) {
    at = bytes.at();
    status = machine.Step(stopped);
  }
  if (!status.ok()) return bytes.Error(at, status);
  return std::move(machine).Take();
}

}  // namespace graft
