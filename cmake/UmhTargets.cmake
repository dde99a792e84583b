# SPDX-License-Identifier: MIT
# How a folder becomes a target. A folder without sources is a target too, so that the links between
# folders stand from the beginning.
set(UMH_SYSTEM linux)

# The public header, reached as <umh/module.h> and nothing else.
add_library(umh_abi INTERFACE)
target_include_directories(umh_abi INTERFACE ${CMAKE_SOURCE_DIR}/include)

# umh_folder(<target> <folder> [SOURCES ...] [LINKS ...] [SYSTEM_FOLDER] [BOTH_BITS])
#
# Sources include each other as "<folder>/<file>.h". Every folder has an include directory of its own
# that holds one symbolic link to it and that only its users get: an include against the direction
# of LINKS finds no file. SYSTEM_FOLDER marks the code that may know which system it is on. BOTH_BITS
# marks what the 32-bit host is made of: there is a <target>_32 too, linked with those of LINKS.
function(umh_folder target folder)
    cmake_parse_arguments(ARG "SYSTEM_FOLDER;BOTH_BITS" "" "SOURCES;LINKS" ${ARGN})
    set(include ${CMAKE_BINARY_DIR}/include/${folder})
    file(MAKE_DIRECTORY ${include})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${folder} ${include}/${folder} SYMBOLIC)

    umh_folder_target(${target} ${folder} "${ARG_SYSTEM_FOLDER}" "${ARG_SOURCES}" "${ARG_LINKS}")
    if(ARG_BOTH_BITS AND UMH_HOST32)
        set(links umh_bits_32)
        foreach(link IN LISTS ARG_LINKS)
            if(TARGET ${link}_32)
                set(link ${link}_32)
            endif()
            list(APPEND links ${link})
        endforeach()
        umh_folder_target(${target}_32 ${folder} "${ARG_SYSTEM_FOLDER}" "${ARG_SOURCES}" "${links}")
    endif()
endfunction()

function(umh_folder_target target folder is_system_folder sources links)
    set(include ${CMAKE_BINARY_DIR}/include/${folder})
    if(sources)
        add_library(${target} STATIC ${sources})
        set(scope PUBLIC)
        target_link_libraries(${target} PRIVATE umh_flags)
        set_target_properties(${target} PROPERTIES UMH_SYSTEM_FOLDER ${is_system_folder})
        # Paths in failure records are those of the repository.
        target_compile_options(${target} PRIVATE -fmacro-prefix-map=${include}/=src/)
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(${target} ${scope} ${include})
    target_link_libraries(${target} ${scope} umh_abi ${links})
endfunction()

# umh_program(<target> <name> <libexec directory> MAIN <file> LINKS ...): nothing while MAIN is not there.
function(umh_program target name directory)
    cmake_parse_arguments(ARG "" "MAIN" "LINKS" ${ARGN})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_MAIN})
        return()
    endif()
    add_executable(${target} ${ARG_MAIN})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    target_link_libraries(${target} PRIVATE umh_flags ${ARG_LINKS})
    target_compile_definitions(${target} PRIVATE UMH_VERSION="${PROJECT_VERSION}")
    install(TARGETS ${target} RUNTIME DESTINATION ${directory})
endfunction()

# umh_module(<target> <name> <directory> SOURCES ... [LINKS ...]): <directory>/<name>.so, which links nothing of ours.
function(umh_module target name directory)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_library(${target} MODULE ${ARG_SOURCES})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${directory})
    target_link_libraries(${target} PRIVATE umh_module_flags umh_abi ${ARG_LINKS})
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
    # GCC marks what is in inline functions of C++ so that the loader never unloads a library that has it.
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>")
endfunction()
