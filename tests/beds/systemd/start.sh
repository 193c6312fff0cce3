#!/bin/bash
# Real systemd as PID 1 in namespaces of its own, on an overlay of this system; nothing of the system itself is touched.
#
# Usage: start.sh FOLDER. Needs root, systemd and dbus; where these are missing they are installed by apt. Exit 77: it
# cannot be had here. Prints `pid N` (systemd, as seen from outside) and `bus PATH`
# once it is up, and ends it when its standard input ends.
set -eu
missing() {
    [ ! -x /lib/systemd/systemd ] || ! command -v dbus-daemon > /dev/null || ! command -v nsenter > /dev/null
}
[ "$(id -u)" = 0 ] || exit 77
if missing && command -v apt-get > /dev/null; then
    # Nothing that is installed for the bed is to start outside of it.
    policy=/usr/sbin/policy-rc.d
    own=; [ -e $policy ] || { own=1; printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy || true; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends systemd dbus util-linux >&2 || true
    [ -z "$own" ] || rm -f $policy
fi
if missing; then exit 77; fi
unshare --pid --fork --mount --cgroup --net true 2> /dev/null || exit 77
W=$1 OUTSIDE=$$
export W OUTSIDE
mkdir -p "$W"/{root,ov,cg}
cat > "$W/inner.sh" <<'I'
set -eu
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=/,upperdir="$W/ov/up",workdir="$W/ov/wk" "$W/root"
mount -t proc proc "$W/root/proc"
mount -t sysfs -o ro sysfs "$W/root/sys" 2>/dev/null || mount --rbind /sys "$W/root/sys"
mount -t tmpfs tmpfs "$W/root/run"
# A unit with NetworkNamespacePath=/run/outside serves on the loopback of whoever started the bed.
touch "$W/root/run/outside"
mount --bind "/proc/$OUTSIDE/ns/net" "$W/root/run/outside"
mount -t tmpfs tmpfs "$W/root/tmp"
mount --bind /dev "$W/root/dev"
umount -l "$W/root/sys/fs/cgroup" 2>/dev/null || true
mount -t cgroup2 cgroup2 "$W/root/sys/fs/cgroup"
units=$W/root/etc/systemd/system
mkdir -p "$units"
rm -f "$units"/*.target.wants/* "$units"/*.target.requires/* 2>/dev/null || true
# Whatever else is installed here is not to start in the bed.
for unit in "$W"/root/lib/systemd/system/*.service; do
    name=$(basename "$unit")
    case $name in
        dbus.service | dbus-broker.service | systemd-journald.service | *@.service) ;;
        *) ln -sf /dev/null "$units/$name" ;;
    esac
done
ln -sf /dev/null "$units/getty.target"
cp "$W"/units/*.service "$units/"
ln -sf /lib/systemd/system/basic.target "$units/default.target"
mkdir -p "$units/basic.target.wants"
ln -sf /lib/systemd/system/dbus.socket "$units/basic.target.wants/dbus.socket"
cd "$W/root"
pivot_root . mnt
umount -l /mnt
# As on a machine: what systemd mounts for a unit (its credentials) is seen by the unit.
mount --make-rshared /
exec env -i container=bed PATH="$PATH" /lib/systemd/systemd --system --log-target=console --show-status=false
I
ov=0 cg=0 up=
finish() {
    trap - EXIT
    [ -z "$up" ] || { kill -9 "$init" 2>/dev/null || true; wait "$up" 2>/dev/null || true; }
    [ $cg = 0 ] || {
        echo $$ > "$W/cg/cgroup.procs" || true
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            find "$W/cg/$name" -depth -type d -exec rmdir {} + 2>/dev/null && break
            sleep .1
        done
        umount "$W/cg"
    }
    [ $ov = 0 ] || umount "$W/ov"
}
trap finish EXIT
mount -t tmpfs tmpfs "$W/ov" && ov=1
mkdir -p "$W"/ov/{up,wk}
mount -t cgroup2 cgroup2 "$W/cg" && cg=1
name=ira-bed-$$
mkdir "$W/cg/$name"
echo $$ > "$W/cg/$name/cgroup.procs"
unshare --pid --fork --mount --uts --ipc --cgroup --net bash "$W/inner.sh" > "$W/log" 2>&1 < /dev/null &
up=$!
init=
for _ in $(seq 1 100); do
    init=$(cat "/proc/$up/task/$up/children" 2>/dev/null || true)
    init=${init%% *}
    [ -z "$init" ] || break
    sleep .05
done
[ -n "$init" ] || { echo "unshare did not start" >&2; exit 1; }
bus=/proc/$init/root/run/dbus/system_bus_socket
for _ in $(seq 1 300); do
    [ -S "$bus" ] && [ -S "/proc/$init/root/run/systemd/private" ] && break
    kill -0 "$init" 2>/dev/null || { tail -5 "$W/log" >&2; exit 1; }
    sleep .05
done
[ -S "$bus" ] || { tail -5 "$W/log" >&2; exit 1; }
echo "pid $init"
echo "bus unix:path=$bus"
cat > /dev/null
