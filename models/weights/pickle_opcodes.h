// Opcodes of pickles. Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_PICKLE_OPCODES_H_
#define GRAFT_MODELS_WEIGHTS_PICKLE_OPCODES_H_

#include <cstdint>
#include <string>

namespace graft {

// Those that pickle_reader.h reads.
enum class Opcode : uint8_t {
  kMark = '(',
  kEmptyTuple = ')',
  kStop = '.',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8A,
};

// The opcodes of tuples, lists and dictionaries.
bool IsContainerOpcode(Opcode opcode);

// "the opcode STACK_GLOBAL", "the byte 0xFF": any byte in a message.
std::string DescribeOpcode(uint8_t byte);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PICKLE_OPCODES_H_
