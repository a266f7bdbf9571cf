# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM= -DIN= -DOUT= -DVERSION= -P page.cmake: one page, with @HELP@ (what PROGRAM --help prints, as roff) and @VERSION@ filled in.
set(ENV{OVS_RUNDIR} "")  # the page shows default directories
set(ENV{OVS_LOGDIR} "")
set(ENV{OVS_DBDIR} "")
set(ENV{OVS_SYSCONFDIR} "")
set(ENV{OVS_PKGDATADIR} "")
execute_process(COMMAND ${PROGRAM} --help OUTPUT_VARIABLE HELP RESULT_VARIABLE status)
if(status)
  message(FATAL_ERROR "${PROGRAM} --help: ${status}")
endif()
string(REPLACE "\\" "\\e" HELP "${HELP}")
string(REPLACE "-" "\\-" HELP "${HELP}")
string(REGEX REPLACE "(^|\n)([.'])" "\\1\\\\&\\2" HELP "${HELP}")
set(HELP ".nf\n${HELP}.fi")
file(READ ${IN} text)
string(REPLACE "@HELP@" "${HELP}" text "${text}")
string(REPLACE "@VERSION@" "${VERSION}" text "${text}")
file(WRITE ${OUT} "${text}")
