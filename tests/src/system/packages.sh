# Installs the named packages without starting any server that they bring.
set -eu

# Debian's way to say so. One that is there already belongs to this machine's owner and is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
install() {
  apt-get install --yes --quiet --no-install-recommends --no-upgrade -o Dpkg::Use-Pty=0 \
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@"
}

# The list of packages may be old or not there at all; one foreign source that fails is no reason to give up.
apt-get update --quiet -o Acquire::Retries=3 || echo 'apt-get update failed; trying with the list that is there' >&2
install "$@"
