# One CMake target per folder.

# graft_library(NAME [FOLDERS folder...] [DEPENDS target...] [PRIVATE target...])
# A static library graft_NAME, alias graft::NAME, of all sources of the current folder and of the given ones inside it.
# DEPENDS are seen through its public headers, PRIVATE only in its sources.
function(graft_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FOLDERS;DEPENDS;PRIVATE")
  set(patterns *.cc *.h)
  foreach(folder IN LISTS arg_FOLDERS)
    list(APPEND patterns ${folder}/*.cc ${folder}/*.h)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  add_library(graft_${name} STATIC ${sources})
  add_library(graft::${name} ALIAS graft_${name})
  set_target_properties(graft_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(graft_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/graft>)
  target_link_libraries(graft_${name} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE} graft_options)
  set_property(GLOBAL APPEND PROPERTY GRAFT_LIBRARIES graft_${name})
endfunction()

# How graft's own code is compiled. No -march: what is faster than the baseline is chosen at run time.
add_library(graft_options INTERFACE)
target_compile_features(graft_options INTERFACE cxx_std_20)
# Abseil's status macros are an if of their own: `if (x) ABSL_RETURN_IF_ERROR(y);` is what they are for.
# g++ 12 warns of overlapping copies inside its own std::string (GCC bug 105651).
target_compile_options(graft_options INTERFACE
  -Wall -Wextra -Wno-dangling-else $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<BOOL:${GRAFT_WARNINGS_AS_ERRORS}>:-Werror> -fstack-protector-strong)
set_property(GLOBAL APPEND PROPERTY GRAFT_LIBRARIES graft_options)
set(CMAKE_CXX_EXTENSIONS OFF)
