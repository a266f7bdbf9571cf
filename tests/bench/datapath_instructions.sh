#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instructions a packet of rows of the datapath benchmark, by callgrind: datapath_instructions.sh PROGRAM ROW...
# Two runs of different length; their difference has no start-up in it.
program=$1; shift
count() { valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 | sed -n 's/.*Collected : //p'; }
for row in "$@"; do
  few=$(count "$row" 100000); many=$(count "$row" 300000)
  echo "$row $(( (many - few) / 200000 )) instructions/packet"
done
