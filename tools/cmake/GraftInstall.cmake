# `cmake --install`: the program, the libraries, their headers, and a package for find_package(graft).
include(CMakePackageConfigHelpers)
get_property(graft_libraries GLOBAL PROPERTY GRAFT_LIBRARIES)
set(graft_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/graft)

install(TARGETS graft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${graft_libraries} EXPORT graft-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT graft-targets NAMESPACE graft:: DESTINATION ${graft_package_dir})
foreach(folder base tokenizers models tasks)
  # base/json.h shows simdjson's types and stays inside; -inl.h files are parts of sources.
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/graft
          FILES_MATCHING PATTERN "*.h" PATTERN "json.h" EXCLUDE PATTERN "*-inl.h" EXCLUDE)
endforeach()

configure_package_config_file(tools/cmake/graft-config.cmake.in graft-config.cmake
                              INSTALL_DESTINATION ${graft_package_dir})
write_basic_package_version_file(graft-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/graft-config.cmake" "${PROJECT_BINARY_DIR}/graft-config-version.cmake"
              tools/cmake/FindLibTorch.cmake tools/cmake/FindSentencePiece.cmake tools/cmake/FindXxHash.cmake
        DESTINATION ${graft_package_dir})
