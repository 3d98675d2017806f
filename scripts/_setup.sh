# shellcheck shell=bash
# Shared by scripts/test, scripts/docs and scripts/demo, which source it: system packages and the virtual environment.
# Afterwards $bin is the folder with the environment's programs.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${FOCUSFUSE_VENV:-$root/.venv}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# What a viewer needs on Linux, and the Debian package that brings it.
libraries='
libGL.so.1 libgl1
libEGL.so.1 libegl1
libglib-2.0.so.0 libglib2.0-0
libfontconfig.so.1 libfontconfig1
libdbus-1.so.3 libdbus-1-3
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-shape.so.0 libxcb-shape0'

# missing_packages COMMAND:PACKAGE... prints the Debian packages that this machine lacks.
missing_packages() {
    local known pair library package
    known=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p)
    while read -r library package; do
        [[ -z $library || $known == *"$library "* ]] || echo "$package"
    done <<<"$libraries"
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair##*:}"
    done
}

# system_packages COMMAND:PACKAGE... installs what is missing (root on Debian or Ubuntu), or says what it is and fails.
system_packages() {
    [[ $(uname -s) == Linux ]] || return 0
    local missing
    missing=$(missing_packages "$@" | xargs)
    [[ -n $missing ]] || return 0
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        printf 'missing system packages (Debian names): %s\n' "$missing" >&2
        return 1
    fi
    echo "installing system packages: $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

find_python() {
    local python
    for python in ${PYTHON:-python3 python python3.14 python3.13 python3.12 python3.11}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    fail "no Python 3.11 or newer was found: install one, or name it in the variable PYTHON"
}

# make_venv EXTRAS makes the environment if need be and installs this checkout in it, once for each state of the files.
make_venv() {
    local extras=$1 python stamp
    if ! [[ -x $venv/bin/python || -x $venv/Scripts/python.exe ]]; then
        python=$(find_python)
        "$python" -m venv "$venv" || fail "$python cannot make a virtual environment: on Debian install python3-venv"
    fi
    bin=$venv/bin
    [[ -d $bin ]] || bin=$venv/Scripts
    stamp=$venv/focusfuse-${extras//,/-}-$(echo "$root" | cat - "$root"/{pyproject.toml,constraints.txt} | cksum | tr ' ' '-')
    [[ ! -e $stamp ]] || return 0
    echo "installing napari-focusfuse[$extras] in $venv"
    # torch first and alone: its version is held by the constraints.
    "$bin/python" -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt" torch
    "$bin/python" -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt" -e "$root[$extras]"
    rm -f "$venv"/focusfuse-"${extras//,/-}"-*
    touch "$stamp"
}
