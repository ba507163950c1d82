#!/bin/sh
# Installs the robot's agent on Debian, Ubuntu or Raspberry Pi OS. May be run again: it changes what differs, and nothing else.
#   sudo sh scripts/device/install.sh [--dry-run] [--prefix DIR] [--no-packages] [--enroll SERVER CODE]
set -eu

DRY_RUN=no
PREFIX=
PACKAGES=yes
SERVER=
CODE=

usage() { sed -n '2,3s/^# \{0,1\}//p' "$0"; }
fail() { echo "install.sh: $1" >&2; exit 1; }

while [ $# -gt 0 ]; do
  case "$1" in
    --dry-run) DRY_RUN=yes ;;
    --no-packages) PACKAGES=no ;;
    --prefix) [ $# -ge 2 ] || fail "--prefix needs a folder"; PREFIX=$2; shift ;;
    --enroll) [ $# -ge 3 ] || fail "--enroll needs SERVER and CODE"; SERVER=$2; CODE=$3; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

HERE=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
ROOT=$(CDPATH= cd -- "$HERE/../.." && pwd)
OPT=$PREFIX/opt/rovercast
ETC=$PREFIX/etc/rovercast
STATE=$PREFIX/var/lib/rovercast
UNIT=$PREFIX/etc/systemd/system/rovercast-device.service
LINK=$PREFIX/usr/local/bin/rovercast-device
# With a prefix nothing of this machine is touched: no packages, no user, no systemd.
HOST=yes
[ -z "$PREFIX" ] || HOST=no

# Says what it does; does it unless this is a rehearsal.
run() {
  echo "+ $*"
  [ "$DRY_RUN" = yes ] || "$@"
}

[ "$DRY_RUN" = yes ] || [ "$HOST" = no ] || [ "$(id -u)" = 0 ] || fail "needs root (sudo), or --dry-run"
command -v node >/dev/null || fail "needs Node 20.19 or newer: https://nodejs.org"
node -e 'const [a,b]=process.versions.node.split(".");process.exit(a>20||(a==20&&b>=19)?0:1)' ||
  fail "needs Node 20.19 or newer; this is $(node --version)"

if [ "$HOST" = yes ] && [ "$PACKAGES" = yes ]; then
  MISSING=
  for package in ffmpeg v4l-utils util-linux ca-certificates; do
    dpkg -s "$package" >/dev/null 2>&1 || MISSING="$MISSING $package"
  done
  # shellcheck disable=SC2086 # a list of words
  [ -z "$MISSING" ] || run apt-get install --yes --no-install-recommends $MISSING
fi

if [ "$HOST" = yes ] && ! id rovercast >/dev/null 2>&1; then
  run useradd --system --home-dir /var/lib/rovercast --shell /usr/sbin/nologin --groups video rovercast
fi

[ -f "$ROOT/dist/apps/device/apps/device/src/cli.js" ] || {
  echo "+ (in $ROOT) node scripts/build.mjs device"
  [ "$DRY_RUN" = yes ] || (cd "$ROOT" && node scripts/build.mjs device)
}

run mkdir -p "$OPT/scripts/device" "$OPT/dist/apps" "$(dirname "$UNIT")" "$(dirname "$LINK")" "$ETC" "$STATE"
run chmod 0750 "$ETC"
run chmod 0700 "$STATE"

# A copy, so that an update of the checkout does not reach into a running robot.
if [ "$ROOT" != "$OPT" ]; then
  run cp "$ROOT/package.json" "$ROOT/package-lock.json" "$OPT/"
  run cp "$HERE/rovercast-device.mjs" "$HERE/rovercast-device.service" "$HERE/install.sh" "$OPT/scripts/device/"
  run rm -rf "$OPT/dist/apps/device.new"
  run cp -R "$ROOT/dist/apps/device" "$OPT/dist/apps/device.new"
  run rm -rf "$OPT/dist/apps/device"
  run mv "$OPT/dist/apps/device.new" "$OPT/dist/apps/device"
  if [ "$HOST" = yes ]; then
    if ! cmp -s "$OPT/package-lock.json" "$OPT/.installed-lock"; then
      run npm ci --omit=dev --prefix "$OPT" --no-audit --no-fund
      run cp "$OPT/package-lock.json" "$OPT/.installed-lock"
    fi
  fi
fi
run chmod 0755 "$OPT/scripts/device/rovercast-device.mjs"
run ln -sfn "$OPT/scripts/device/rovercast-device.mjs" "$LINK"

if [ -n "$SERVER" ]; then
  # The code goes over standard input: arguments can be read by everybody on the machine.
  echo "+ rovercast-device enroll --server $SERVER --code - --out $ETC/device.env --force"
  [ "$DRY_RUN" = yes ] || printf '%s' "$CODE" |
    node "$OPT/scripts/device/rovercast-device.mjs" enroll --server "$SERVER" --code - --out "$ETC/device.env" --force
elif [ ! -e "$ETC/device.env" ]; then
  echo "+ write $ETC/device.env (0600; ROBOT_ID, MQTT_URL and ROBOT_KEY are missing in it)"
  [ "$DRY_RUN" = yes ] || (umask 077 && printf '%s\n' '# ROBOT_ID=' '# MQTT_URL=mqtts://' '# ROBOT_KEY=' 'CAMERAS=main=test' >"$ETC/device.env")
fi

if ! cmp -s "$HERE/rovercast-device.service" "$UNIT"; then
  run cp "$HERE/rovercast-device.service" "$UNIT"
  run chmod 0644 "$UNIT"
  [ "$HOST" = no ] || run systemctl daemon-reload
fi
if [ "$HOST" = yes ]; then
  run systemctl enable rovercast-device.service
  run systemctl restart rovercast-device.service
fi
echo "Done. Look: systemctl status rovercast-device; rovercast-device probe --env /etc/rovercast/device.env"
