# SPDX-License-Identifier: MIT
# The installed tree: it runs from where it is and can be moved. The documents and the examples' sources lie to each
# other as in the source tree, so that their links lead somewhere.
install(FILES ${CMAKE_SOURCE_DIR}/include/umh/module.h DESTINATION include/umh OPTIONAL)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/umh.service.in DESTINATION share/umh/systemd)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/templates/ DESTINATION share/umh/templates
    PATTERN .template.config EXCLUDE PATTERN bin EXCLUDE PATTERN obj EXCLUDE PATTERN build EXCLUDE)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION share/umh/docs OPTIONAL FILES_MATCHING PATTERN "*.md")
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/CONTRIBUTING.md
    DESTINATION share/umh OPTIONAL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples/ DESTINATION share/umh/examples FILES_MATCHING
    PATTERN "*.c" PATTERN "*.cpp" PATTERN "*.cs" PATTERN "*.h" PATTERN "*.md"
    PATTERN bin EXCLUDE PATTERN obj EXCLUDE)
