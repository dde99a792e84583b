# SPDX-License-Identifier: MIT
# The libraries that are used, not written, each as one target.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(UUID REQUIRED IMPORTED_TARGET uuid)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)

# A host process should stay small: a static archive costs it only the functions it calls, a shared
# library pages of its own in every process.
function(umh_prefer_static target archive shared)
    add_library(${target} INTERFACE)
    find_library(${target}_archive NAMES ${archive})
    if(${target}_archive)
        get_target_property(directories ${shared} INTERFACE_INCLUDE_DIRECTORIES)
        if(directories)
            target_include_directories(${target} SYSTEM INTERFACE ${directories})
        endif()
        target_link_libraries(${target} INTERFACE ${${target}_archive})
    else()
        target_link_libraries(${target} INTERFACE ${shared})
    endif()
endfunction()

umh_prefer_static(umh_jansson libjansson.a PkgConfig::JANSSON)
umh_prefer_static(umh_uuid libuuid.a PkgConfig::UUID)

# Linked by a folder that programs use in part: one that asks nothing of systemd does not load it.
add_library(umh_systemd INTERFACE)
target_link_libraries(umh_systemd INTERFACE -Wl,--push-state,--as-needed PkgConfig::SYSTEMD -Wl,--pop-state)
