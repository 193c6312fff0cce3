#!/bin/sh
# Installs these Debian packages where they are missing, and starts nothing. Needs root; ends with 1 where they are not to
# be had.
#   debian.sh PACKAGE...
set -e
# A command of that name counts, however it came here.
there() {
  for one; do
    command -v "$one" >/dev/null || dpkg-query -W -f '${Status}' "$one" 2>/dev/null | grep -qx 'install ok installed' || return 1
  done
}
there "$@" && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -qq -y --no-install-recommends "$@"; }
install "$@" >/dev/null 2>&1 || { apt-get update -qq && install "$@"; } >/dev/null 2>&1 || true
there "$@"
