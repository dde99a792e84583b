# SPDX-License-Identifier: MIT
# Language, warnings, hardening and sanitizers: what holds for every native target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Assertions guard against our own mistakes and stay on in what is tested and shipped.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_RELEASE "-O2")

include(CheckPIESupported)
check_pie_supported(LANGUAGES C CXX)

# The path of a message crosses many files by small functions: what is released is optimised as a whole.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT UMH_SANITIZE AND NOT UMH_FUZZ)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT CMAKE_INTERPROCEDURAL_OPTIMIZATION OUTPUT ignored LANGUAGES C CXX)
endif()

set(umh_warnings
    -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
    -Wcast-qual -Wwrite-strings -Wdate-time)
set(umh_c_warnings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition)

# umh_flags: ours. umh_module_flags: also for modules, which know nothing of the host's sources.
add_library(umh_module_flags INTERFACE)
target_compile_options(umh_module_flags INTERFACE
    ${umh_warnings}
    "$<$<COMPILE_LANGUAGE:C>:${umh_c_warnings}>"
    -fstack-protector-strong -fno-common -fno-plt
    -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_link_options(umh_module_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
if(UMH_SANITIZE)
    target_compile_options(umh_module_flags INTERFACE
        -fsanitize=${UMH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(umh_module_flags INTERFACE -fsanitize=${UMH_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    # A distribution's compiler may define it already, at another level.
    target_compile_options(umh_module_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

add_library(umh_flags INTERFACE)
target_link_libraries(umh_flags INTERFACE umh_module_flags)
target_compile_options(umh_flags INTERFACE -ffunction-sections -fdata-sections)
target_link_options(umh_flags INTERFACE -Wl,--gc-sections)
target_compile_definitions(umh_flags INTERFACE
    "$<$<NOT:$<BOOL:$<TARGET_PROPERTY:UMH_SYSTEM_FOLDER>>>:_POSIX_C_SOURCE=200809L>"
    "$<$<BOOL:$<TARGET_PROPERTY:UMH_SYSTEM_FOLDER>>:_GNU_SOURCE>")
if(UMH_FUZZ)
    target_compile_options(umh_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
