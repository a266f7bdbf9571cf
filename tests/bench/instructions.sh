#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instructions an operation of rows of a benchmark, by callgrind: instructions.sh PROGRAM FEW MANY EACH ROW...
# Two runs of FEW and MANY rounds, of EACH operations a round; their difference has no start-up in it.
program=$1 few=$2 many=$3 each=$4; shift 4
count() { valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 | sed -n 's/.*Collected : //p'; }
for row in "$@"; do
  echo "$row $(( ($(count "$row" "$many") - $(count "$row" "$few")) / ((many - few) * each) )) instructions"
done
