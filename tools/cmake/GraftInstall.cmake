# `cmake --install`: the program, the libraries, their headers, and a package for find_package(graft).
include(CMakePackageConfigHelpers)
get_property(graft_libraries GLOBAL PROPERTY GRAFT_LIBRARIES)
set(graft_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/graft)

install(TARGETS graft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${graft_libraries} EXPORT graft-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT graft-targets NAMESPACE graft:: DESTINATION ${graft_package_dir})
# What programs may include: the doors, and what their interfaces show. All other headers are internal.
set(graft_public_headers
  base/code_path.h
  base/file.h
  base/text_input.h
  embeddings/coverage.h
  embeddings/evaluation.h
  embeddings/evaluation_set.h
  embeddings/load.h
  embeddings/load_report.h
  embeddings/neighbor.h
  embeddings/norm_statistics.h
  embeddings/search.h
  embeddings/sub_words.h
  embeddings/unknown_words.h
  embeddings/vector_folder.h
  embeddings/vector_format.h
  embeddings/word_vectors.h
  embeddings/words.h
  embeddings/write.h
  models/architecture.h
  models/backbone.h
  models/batch.h
  models/checkpoint.h
  models/composer.h
  models/encoder_config.h
  models/families/families.h
  models/freeze_plan.h
  models/head_layout.h
  models/kernels/activation_kind.h
  models/kernels/convolution.h
  models/kernels/dropout.h
  models/kernels/pooling.h
  models/kernels/segments.h
  models/kernels/word_lookup.h
  models/tensor_memory.h
  models/weights/compare_weights.h
  models/weights/convert_weights.h
  models/weights/dtype.h
  models/weights/safetensors.h
  models/weights/weight_files.h
  models/weights/weight_table.h
  models/weights_layout.h
  models/word_backbone.h
  tasks/batching.h
  tasks/bootstrap.h
  tasks/convert_model.h
  tasks/data_set.h
  tasks/embedding_index.h
  tasks/encode_texts.h
  tasks/encoded_texts.h
  tasks/inference.h
  tasks/language_head.h
  tasks/metrics.h
  tasks/model_fingerprint.h
  tasks/model_folder.h
  tasks/nearest_texts.h
  tasks/pooling_mode.h
  tasks/pooling_name.h
  tasks/sentence_modules.h
  tasks/sequence_classifier.h
  tasks/text_classifier.h
  tasks/text_embedder.h
  tasks/text_scoring.h
  tasks/threads.h
  tasks/token_classifier.h
  tasks/training.h
  tasks/word_model.h
  tasks/word_start.h
  tokenizers/case_map.h
  tokenizers/encoding.h
  tokenizers/offsets.h
  tokenizers/tokenizer.h
  tokenizers/word_tokenizer.h)
foreach(header IN LISTS graft_public_headers)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/graft/${folder})
endforeach()

configure_package_config_file(tools/cmake/graft-config.cmake.in graft-config.cmake
                              INSTALL_DESTINATION ${graft_package_dir})
write_basic_package_version_file(graft-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/graft-config.cmake" "${PROJECT_BINARY_DIR}/graft-config-version.cmake"
              tools/cmake/FindLibTorch.cmake tools/cmake/FindSentencePiece.cmake tools/cmake/FindXxHash.cmake
              tools/cmake/FindLibDeflate.cmake
        DESTINATION ${graft_package_dir})
