#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instructions a message of rows of the codec benchmark, by callgrind: codec_instructions.sh PROGRAM ROW...
# Two runs of different length; their difference has no start-up in it.
program=$1; shift
count() { valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 | sed -n 's/.*Collected : //p'; }
for row in "$@"; do
  few=$(count "$row" 50); many=$(count "$row" 250)
  echo "$row $(( (many - few) / (200 * 64) )) instructions/message"
done
