# One folder, one library: vbs_library(<name> [DIRS ...] [DEPS ...]) takes every .cc of the folder
# but main files; vbs_program(<name> <main.cc> [DEPS ...]) links one program;
# vbs_test_program(<name> SOURCES ... [DEPS ...]) links one of tests, and vbs_unit_test(<folder> [DEPS ...])
# the one of a folder of *_test.cc.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# Line tables are enough for a sanitizer's report and a backtrace. Full debug information doubles the
# time of an optimised build; with -O1 it made the sanitized build four times slower. Say
# -DCMAKE_CXX_FLAGS_DEBUG=-g for a debugger.
if(CMAKE_CXX_FLAGS_DEBUG STREQUAL "-g")
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
endif()
if(CMAKE_CXX_FLAGS_RELWITHDEBINFO STREQUAL "-O2 -g -DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
endif()

add_library(vbs_flags INTERFACE)
target_compile_features(vbs_flags INTERFACE cxx_std_20)
target_compile_options(vbs_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
                                           -fno-strict-aliasing)
get_filename_component(VBS_SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)
target_include_directories(vbs_flags INTERFACE "${VBS_SOURCE_DIR}")
target_compile_definitions(vbs_flags INTERFACE VBS_VERSION="${PROJECT_VERSION}"
                                               BOOST_ASIO_NO_DEPRECATED
                                               BOOST_ERROR_CODE_HEADER_ONLY)
if(VBS_SANITIZE)
  # GCC's analysis of uninitialized memory is unreliable in instrumented code (gcc(1), -fsanitize);
  # and the thread sanitizer does not see the fences around asio's handlers, which lock anyway.
  # -Og halves the instrumented programs and costs no time to compile.
  target_compile_options(vbs_flags INTERFACE -fsanitize=${VBS_SANITIZE} -fno-omit-frame-pointer -Og
                                             -fno-sanitize-recover=all
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  if(VBS_SANITIZE MATCHES "undefined")
    # The check of virtual calls opens a pipe to look at memory and calls every object broken once
    # descriptors have run out, which the server must survive; and cpprestsdk lacks type information.
    target_compile_options(vbs_flags INTERFACE -fno-sanitize=vptr)
  endif()
  # At a fixed address the sanitizers' 700,000 relocations are done by the linker: a program starts in
  # half the time (50 ms, not 100), with 7,000 page faults instead of 11,500.
  target_link_options(vbs_flags INTERFACE -fsanitize=${VBS_SANITIZE} -no-pie)
endif()
target_compile_definitions(vbs_flags INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)

function(vbs_library name)
  cmake_parse_arguments(ARG "" "" "DIRS;DEPS;EXCLUDE" ${ARGN})
  set(patterns "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  foreach(dir ${ARG_DIRS})
    list(APPEND patterns "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cc")
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  list(FILTER sources EXCLUDE REGEX "/(main|[a-z_]+_main)\\.cc$")
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC vbs_flags ${ARG_DEPS})
endfunction()

function(vbs_program name main)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE vbs_flags ${ARG_DEPS})
endfunction()

# For sources of tests alone: what they test is checked for undefined behaviour, they are not. They are
# most of what there is to compile, and take a third less time so.
add_library(vbs_test_flags INTERFACE)
target_link_libraries(vbs_test_flags INTERFACE vbs_flags)
target_compile_options(vbs_test_flags INTERFACE -Wno-shadow)  # see vbs_test_program
if(VBS_SANITIZE MATCHES "undefined")
  target_compile_options(vbs_test_flags INTERFACE -fno-sanitize=undefined)
endif()

# Sources of a test program are compiled several at a time, which takes less than half as long: most of it goes to
# reading GoogleTest and making the same templates. So names in their unnamed namespaces differ within a folder, and a
# local name may be that of a neighbour.
function(vbs_test_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} vbs_test_flags)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
endfunction()

function(vbs_unit_test folder)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cc")
  if(NOT sources)
    return()
  endif()
  string(REPLACE "/" "_" target "${folder}_test")
  vbs_test_program(${target} SOURCES ${sources} DEPS ${ARG_DEPS} GTest::gmock_main)
  gtest_discover_tests(${target} TEST_PREFIX "${folder}."
                       DISCOVERY_TIMEOUT 60 PROPERTIES LABELS unit COST 400 TIMEOUT 300)
endfunction()
