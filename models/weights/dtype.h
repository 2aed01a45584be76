// Element types of stored tensors.
#ifndef GRAFT_MODELS_WEIGHTS_DTYPE_H_
#define GRAFT_MODELS_WEIGHTS_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace graft {

enum class DType {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8E4M3,  // no infinity (float8_e4m3fn of PyTorch)
  kF8E5M2,
  kF8E8M0,  // powers of two, no sign and no 0 (float8_e8m0fnu)
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8,
  kBool
};

// The name in safetensors files ("F32"), and the bytes of one element.
std::string_view DTypeName(DType dtype);
size_t DTypeSize(DType dtype);
// nullopt for a name that no type has.
std::optional<DType> DTypeOfName(std::string_view name);
// True for the types that are read as float32.
bool IsFloatingPoint(DType dtype);
bool IsFloat8(DType dtype);
// Why a type that others know is not read, for messages: ", whose elements take 4 bits". By the
// name in safetensors files or the end of PyTorch's ("float8_e4m3fnuz"); empty for other names.
std::string_view WhyTypeIsNotRead(std::string_view name);
// "F64, F32, ...": all names, for messages.
std::string_view DTypeNames();

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_DTYPE_H_
