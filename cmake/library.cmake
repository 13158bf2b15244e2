# SPDX-License-Identifier: MIT
# The library: one set of objects, a static and a shared library made of it, and (for tests) one with steps.
#
# Boost.Interprocess and xxHash are headers that only lib/**.cc sees: their folders are given to the objects alone, so neither is
# anything to a program that uses carafe.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_path(CARAFE_XXHASH_INCLUDE_DIR xxhash.h DOC "Folder of xxhash.h (libxxhash-dev)")
if(NOT CARAFE_XXHASH_INCLUDE_DIR)
  message(FATAL_ERROR "xxhash.h not found: install libxxhash-dev, or set CARAFE_XXHASH_INCLUDE_DIR")
endif()

file(GLOB_RECURSE carafe_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/*.cc)
file(GLOB carafe_public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/carafe/*.h)

# What a target needs that includes headers of lib/: tools, tests, benchmarks.
add_library(carafe_internals INTERFACE)
target_include_directories(carafe_internals INTERFACE ${PROJECT_SOURCE_DIR}/lib)
target_include_directories(carafe_internals SYSTEM INTERFACE ${Boost_INCLUDE_DIRS} ${CARAFE_XXHASH_INCLUDE_DIR})
target_compile_features(carafe_internals INTERFACE cxx_std_20)

function(carafe_compile_settings target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${target} PRIVATE carafe_internals)
  set_target_properties(
    ${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  # gcc packs pairs of small fields into vectors only to unpack them: 4 % of a get, 3 % of a set (bench/RESULTS.md).
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-tree-slp-vectorize>)
  carafe_warnings(${target})
endfunction()

# What both libraries tell their users: the public headers, C++20, threads. Nothing else.
function(carafe_interface target)
  target_sources(
    ${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${carafe_public_headers})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE Threads::Threads rt)
endfunction()

add_library(carafe_objects OBJECT ${carafe_sources})
carafe_compile_settings(carafe_objects)

add_library(carafe SHARED $<TARGET_OBJECTS:carafe_objects>)
add_library(carafe::carafe ALIAS carafe)
carafe_interface(carafe)
set_target_properties(
  carafe
  PROPERTIES LINKER_LANGUAGE CXX
             VERSION ${PROJECT_VERSION}
             SOVERSION ${PROJECT_VERSION_MAJOR}
             VERIFY_INTERFACE_HEADER_SETS ${CARAFE_TESTS})
if(NOT CARAFE_SANITIZE AND NOT CARAFE_FUZZ)
  target_link_options(carafe PRIVATE LINKER:--no-undefined)
else()
  set_target_properties(carafe PROPERTIES EXCLUDE_FROM_ALL ON)  # tests link the static one; clang's sanitizers live in the program
endif()

add_library(carafe_static STATIC $<TARGET_OBJECTS:carafe_objects>)
add_library(carafe::carafe_static ALIAS carafe_static)
carafe_interface(carafe_static)
set_target_properties(carafe_static PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME carafe)

# The same sources with a hook at every CARAFE_STEP, for the crash tests; built when something links it.
if(CARAFE_TESTS)
  add_library(carafe_steps STATIC EXCLUDE_FROM_ALL ${carafe_sources})
  carafe_compile_settings(carafe_steps)
  carafe_interface(carafe_steps)
  target_compile_definitions(carafe_steps PUBLIC CARAFE_STEPS=1)
  if(CARAFE_FEW_UNITS)
    set_target_properties(carafe_steps PROPERTIES UNITY_BUILD ON)
  endif()
endif()
