# Finds LibTorch's CPU part: the target LibTorch::cpu (libtorch_cpu and libc10, no CUDA) and LibTorch_VERSION.
#
# Works with the folder `torch` of a PyTorch wheel and with an unpacked libtorch archive alike: name either in
# CMAKE_PREFIX_PATH. find_package(Torch) is not used because it asks for the whole CUDA tool kit.
find_path(LibTorch_INCLUDE_DIR ATen/core/Tensor.h PATH_SUFFIXES include torch/include)
find_library(LibTorch_CPU_LIBRARY torch_cpu PATH_SUFFIXES lib torch/lib)
find_library(LibTorch_C10_LIBRARY c10 PATH_SUFFIXES lib torch/lib)
if(LibTorch_INCLUDE_DIR AND EXISTS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h")
  file(STRINGS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h" _torch_version_lines
       REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" _torch_version_list "${_torch_version_lines}")
  string(REPLACE ";" "." LibTorch_VERSION "${_torch_version_list}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION)
if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}")
  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
endif()
