# SPDX-License-Identifier: MIT
# The installed tree: it runs from where it is and can be moved.
install(FILES ${CMAKE_SOURCE_DIR}/include/umh/module.h DESTINATION include/umh OPTIONAL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION share/umh/doc OPTIONAL FILES_MATCHING PATTERN "*.md")
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/umh/doc OPTIONAL)
