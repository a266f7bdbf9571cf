# SPDX-License-Identifier: Apache-2.0
# How a room becomes a library, a program or a test.  Sources are globbed: a new file needs no line here.
include_directories(${CMAKE_SOURCE_DIR})
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -fno-omit-frame-pointer)
# Packets and flows are looked at as bytes, words and headers.
add_compile_options($<$<CONFIG:Release>:-fno-strict-aliasing>)
# A Match is 1.5 kB: the C library clears and copies it in wide stores, "rep stos" takes a step for each word.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<CONFIG:Release>:-mmemset-strategy=unrolled_loop:128:noalign,libcall:-1:noalign>
                      $<$<CONFIG:Release>:-mmemcpy-strategy=unrolled_loop:128:noalign,libcall:-1:noalign>)
endif()

# sluice_precompile(TARGET HEADER): TARGET's files begin with HEADER, precompiled by the first target that asks for it.  All options of compilation
# are therefore the same in all targets with one header.
function(sluice_precompile target header)
  get_property(owner GLOBAL PROPERTY "sluice_precompiled_${header}")
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE <${header}>)
    set_property(GLOBAL PROPERTY "sluice_precompiled_${header}" ${target})
  endif()
endfunction()

# sluice_library(NAME [deps...]): all .cc files of this folder except main.cc.
function(sluice_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${ARGN})
    sluice_precompile(${name} cmake/precompiled.h)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARGN})
  endif()
endfunction()

# sluice_program(NAME SOURCE COMPAT [deps...]): a program and, in compat/, a link with the name that Open vSwitch gives it ("" for none).
function(sluice_program name source compat)
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    return()
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN})
  sluice_precompile(${name} cmake/precompiled.h)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  set(dir ${CMAKE_INSTALL_BINDIR})
  if(name MATCHES "vswitchd|dbserver")
    set(dir ${CMAKE_INSTALL_SBINDIR})
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION ${dir})
  if(compat)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/compat)
    file(CREATE_LINK ../bin/${name} ${CMAKE_BINARY_DIR}/compat/${compat} SYMBOLIC)
    file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBEXECDIR}/sluice/compat /${dir})
    install(CODE "file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBEXECDIR}/sluice/compat\")
      file(CREATE_LINK ${up}/${name} \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBEXECDIR}/sluice/compat/${compat}\" SYMBOLIC)")
  endif()
endfunction()

# sluice_unit_test(NAME [deps...]): all .cc files of tests/unit/NAME as one GoogleTest program, one ctest entry, run in the source tree.
function(sluice_unit_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(unit_${name} ${sources})
  target_link_libraries(unit_${name} PRIVATE ${ARGN} GTest::gtest_main)
  sluice_precompile(unit_${name} tests/unit/precompiled.h)
  add_test(NAME unit_${name} COMMAND unit_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(unit_${name} PROPERTIES TIMEOUT 300)
endfunction()
