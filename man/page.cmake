# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM= -DIN= -DOUT= -DVERSION= -P page.cmake: one page, with @HELP@ (what PROGRAM --help prints, as roff), @HELP:COMMAND@ (the same of
# PROGRAM COMMAND --help) and @VERSION@ filled in.
cmake_minimum_required(VERSION 3.25)
set(ENV{OVS_RUNDIR} "")  # the page shows default directories
set(ENV{OVS_LOGDIR} "")
set(ENV{OVS_DBDIR} "")
set(ENV{OVS_SYSCONFDIR} "")
set(ENV{OVS_PKGDATADIR} "")

function(help_of command out)
  execute_process(COMMAND ${PROGRAM} ${command} --help OUTPUT_VARIABLE help RESULT_VARIABLE status)
  if(status)
    message(FATAL_ERROR "${PROGRAM} ${command} --help: ${status}")
  endif()
  string(REPLACE "\\" "\\e" help "${help}")
  string(REPLACE "-" "\\-" help "${help}")
  string(REGEX REPLACE "(^|\n)([.'])" "\\1\\\\&\\2" help "${help}")
  set(${out} ".nf\n${help}.fi" PARENT_SCOPE)
endfunction()

file(READ ${IN} text)
string(REGEX MATCHALL "@HELP(:[a-z]+)?@" places "${text}")
foreach(place ${places})
  string(REGEX REPLACE "^@HELP:?([a-z]*)@$" "\\1" command "${place}")
  help_of("${command}" help)
  string(REPLACE "${place}" "${help}" text "${text}")
endforeach()
string(REPLACE "@VERSION@" "${VERSION}" text "${text}")
file(WRITE ${OUT} "${text}")
