#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command as root in a throw-away Linux guest that has openvswitch.ko: User-Mode Linux, a kernel as one process of this machine.
#
#   run.sh [-t SECONDS] [-m MEGABYTES] COMMAND [ARG...]
#
# The guest sees this machine's files, under a layer of its own into which it may write and which is gone afterwards, and has its environment and directory.
# Prints what the command prints.  Exit status: that of the command; 77 if the guest can't be started here (it says why), 124 if time is up, 125 if the guest died.
set -u
limit=280 memory=768
while getopts t:m: option; do
  case $option in t) limit=$OPTARG;; m) memory=$OPTARG;; *) exit 125;; esac
done
shift $((OPTIND - 1))

skip() { echo "skipped: $*"; exit 77; }
kernel=$(command -v linux.uml) || skip "no User-Mode Linux here (Debian's package user-mode-linux)"
modules=$(echo /usr/lib/uml/modules/*)
[ -f "$modules/modules.dep" ] || skip "no modules for User-Mode Linux (Debian's package user-mode-linux)"
export PATH=$PATH:/usr/sbin:/sbin
command -v modprobe >/dev/null || skip "no modprobe here (Debian's package kmod)"

dir=$(mktemp -d /tmp/sluice-guest.XXXXXX)
uml=
trap '[ -z "$uml" ] || kill -9 "$uml" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 143' INT TERM
: >"$dir/out"
printf '%q ' "$@" >"$dir/command"
export -p >"$dir/environment"

# The guest's memory is a file that must be executable, where there is room for it.
for TMPDIR in /dev/shm "$dir"; do
  [ "$(df -m --output=avail "$TMPDIR" | tail -1)" -gt "$memory" ] && ! findmnt -no OPTIONS -T "$TMPDIR" | grep -qw noexec && break
done
export TMPDIR

# First program of the guest: this machine's files, read only, under a layer in memory.
cat >"$dir/init" <<END
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
insmod $modules/kernel/fs/overlayfs/overlay.ko
mount -t tmpfs -o size=75% tmpfs /mnt && cd /mnt && mkdir host layer work root
mount -t hostfs -o / none host
mount -t overlay -o lowerdir=host,upperdir=layer,workdir=work overlay root
mount -t hostfs -o "$dir" none "root$dir"
cd root && mount -n --move . / && exec chroot . /bin/bash "$dir/main"
END
chmod +x "$dir/init"
cat >"$dir/main" <<END
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts pts /dev/pts; mount -t tmpfs shm /dev/shm; mount -t tmpfs run /run; mkdir -p /run/netns
ln -s /proc/self/fd /dev/fd; ln -s fd/0 /dev/stdin; ln -s fd/1 /dev/stdout; ln -s fd/2 /dev/stderr
mkdir -p /lib/modules/${modules##*/}; mount --bind $modules /lib/modules/${modules##*/}; mount --make-rshared /
hostname guest; ip link set lo up; modprobe -aq ipv6 tun veth openvswitch
( . "$dir/environment"; cd ${PWD@Q}; exec setsid bash "$dir/command" ) </dev/null >>"$dir/out" 2>&1
echo \$? >"$dir/status.new"; mv "$dir/status.new" "$dir/status"; sync; echo o >/proc/sysrq-trigger; sleep 60
END

preload=${SLUICE_BUILD:-$(dirname "$0")/../../build/release}/tests/guest/libwide_xstate.so
[ -f "$preload" ] || preload=
LD_PRELOAD=$preload timeout -k 5 "$limit" "$kernel" "uml_dir=$dir" "mem=${memory}M" rootfstype=hostfs rootflags=/ ro "init=$dir/init" con=null con0=null,fd:1 quiet \
  </dev/null >"$dir/console" 2>&1 &
uml=$!
tail -q -s 0.1 --pid=$uml -c +1 -f "$dir/out" &
tail=$!
wait $uml; ended=$?
uml=
wait $tail
[ ! -f "$dir/status" ] || exit "$(cat "$dir/status")"
[ $ended != 124 ] && [ $ended != 137 ] || { echo "the guest was stopped after $limit s"; exit 124; }
tail -n 20 "$dir/console"
# Where a process may not trace another one, the guest does not start.
grep -q "Kernel panic\|openvswitch" "$dir/console" || skip "the guest does not start (status $ended)"
echo "the guest ended without a result ($ended)"
exit 125
