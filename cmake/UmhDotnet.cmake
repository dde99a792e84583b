# SPDX-License-Identifier: MIT
# Finds the `dotnet` of an SDK 10 in its usual places: UMH_DOTNET, empty where there is none.
set(UMH_DOTNET "")
find_program(umh_dotnet_in_path dotnet NO_CACHE)
foreach(candidate IN ITEMS ${umh_dotnet_in_path} $ENV{HOME}/.dotnet/dotnet /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet)
    if(NOT EXISTS ${candidate})
        continue()
    endif()
    file(REAL_PATH ${candidate} real)
    cmake_path(GET real PARENT_PATH dotnet_root)
    file(GLOB sdks ${dotnet_root}/sdk/10.*)
    if(sdks)
        set(UMH_DOTNET ${real})
        break()
    endif()
endforeach()

# Build servers would outlive the build; a banner and reports home are noise.
set(UMH_DOTNET_ENVIRONMENT
    DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
    DOTNET_GENERATE_ASPNET_CERTIFICATE=false DOTNET_CLI_USE_MSBUILD_SERVER=0 MSBUILDDISABLENODEREUSE=1)
