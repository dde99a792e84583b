# SPDX-License-Identifier: MIT
# Run by `cmake -P` when the managed parts are built: DOTNET, OUTPUT (a folder with managed.slnx and publish.proj).
# Where the ahead-of-time compiler cannot be restored, the managed host is built without it and starts more slowly.
function(run result)
    execute_process(COMMAND ${DOTNET} ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
    if(NOT status EQUAL 0)
        if(NOT text MATCHES "Crossgen2|NETSDK1094")
            message("${text}")
            message(FATAL_ERROR "building the managed parts failed")
        endif()
        set(${result} OFF PARENT_SCOPE)
    endif()
endfunction()

function(build_managed result ready_to_run)
    set(${result} ON)
    run(${result} build ${OUTPUT}/managed.slnx -c Release --artifacts-path ${OUTPUT}/artifacts
        -p:UseSharedCompilation=false -p:UmhReadyToRun=${ready_to_run} -v quiet -nologo -clp:NoSummary)
    if(${result})
        file(REMOVE_RECURSE ${OUTPUT}/publish ${OUTPUT}/nuget)
        run(${result} msbuild ${OUTPUT}/publish.proj -t:Publish -p:UmhReadyToRun=${ready_to_run} -v:quiet -nologo)
    endif()
    set(${result} ${${result}} PARENT_SCOPE)
endfunction()

build_managed(is_built true)
if(NOT is_built)
    message("the ahead-of-time compiler of .NET was not found: the managed host is built without it")
    build_managed(is_built false)
endif()
if(NOT is_built)
    message(FATAL_ERROR "building the managed parts failed")
endif()
