# Finds SentencePiece, as a static library if there is one: the target SentencePiece::sentencepiece and SentencePiece_VERSION.
#
# Works with what setup.sh builds and with SentencePiece's own installation, when that was built with the Abseil that
# graft is built with (its interface speaks absl::Status). The version stands in its pkg-config file.
find_path(SentencePiece_INCLUDE_DIR sentencepiece_processor.h)
find_library(SentencePiece_LIBRARY NAMES libsentencepiece.a sentencepiece)
find_file(SentencePiece_PC_FILE sentencepiece.pc PATH_SUFFIXES lib/pkgconfig lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig)
# Not LibTorch's: its headers hold another version of Protocol Buffers.
find_path(SentencePiece_PROTOBUF_INCLUDE_DIR google/protobuf/message_lite.h
  PATHS "${SentencePiece_INCLUDE_DIR}" /usr/local/include /usr/include NO_DEFAULT_PATH)
find_path(SentencePiece_PROTOBUF_INCLUDE_DIR google/protobuf/message_lite.h)
find_library(SentencePiece_PROTOBUF_LIBRARY NAMES libprotobuf-lite.a protobuf-lite)
mark_as_advanced(SentencePiece_PC_FILE SentencePiece_PROTOBUF_INCLUDE_DIR SentencePiece_PROTOBUF_LIBRARY)
if(SentencePiece_PC_FILE)
  file(STRINGS "${SentencePiece_PC_FILE}" _sentencepiece_version REGEX "^Version:")
  string(REGEX REPLACE "^Version: *" "" SentencePiece_VERSION "${_sentencepiece_version}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SentencePiece
  REQUIRED_VARS SentencePiece_LIBRARY SentencePiece_INCLUDE_DIR SentencePiece_PROTOBUF_LIBRARY
                SentencePiece_PROTOBUF_INCLUDE_DIR
  VERSION_VAR SentencePiece_VERSION)
if(SentencePiece_FOUND AND NOT TARGET SentencePiece::sentencepiece)
  add_library(SentencePiece::sentencepiece UNKNOWN IMPORTED)
  set_target_properties(SentencePiece::sentencepiece PROPERTIES
    IMPORTED_LOCATION "${SentencePiece_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${SentencePiece_INCLUDE_DIR};${SentencePiece_PROTOBUF_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${SentencePiece_PROTOBUF_LIBRARY};absl::check;absl::flags;absl::flat_hash_map;absl::inlined_vector;absl::log;absl::log_globals;absl::random_random;absl::status;absl::str_format;absl::strings;absl::synchronization;absl::time")
endif()
