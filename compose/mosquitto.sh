#!/bin/sh
# Starts Mosquitto once its password and access files are there, and tells it (SIGHUP) when they or its certificate have changed.
#   start.sh CONFIGURATION
# INSECURE_PROTOCOLS=true opens MQTT without encryption on port 1883 as well.
set -eu

fail() {
  echo "broker: $1" >&2
  exit 1
}

access=${ACCESS_DIR:-/mosquitto/access}
certificates=${CERTIFICATES_DIR:-/certificates}
configuration=$1
[ -r "$certificates/broker.crt" ] || fail "the certificate $certificates/broker.crt cannot be read"
[ -r "$certificates/broker.key" ] || fail "the certificate $certificates/broker.crt has no key: broker.key cannot be read"
case "${INSECURE_PROTOCOLS:-false}" in
  true)
    cat "$configuration" > /tmp/mosquitto.conf
    printf 'listener 1883\n' >> /tmp/mosquitto.conf
    configuration=/tmp/mosquitto.conf
    ;;
  false) ;;
  *) fail 'INSECURE_PROTOCOLS must be true or false' ;;
esac

waited=0
until [ -s "$access/passwords" ] && [ -e "$access/acl" ]; do
  [ "$waited" -lt 120 ] || fail "$access/passwords did not come within 120 s: see the log of broker-access"
  waited=$((waited + 1))
  sleep 1
done

"${MOSQUITTO:-mosquitto}" -c "$configuration" &
broker=$!
trap 'kill -TERM "$broker" 2>/dev/null || true' TERM INT

fingerprint() { cat "$access/passwords" "$access/acl" "$certificates/broker.crt" "$certificates/broker.key" | cksum; }
known=$(fingerprint)
while kill -0 "$broker" 2>/dev/null; do
  sleep 1 &
  wait $! || true
  now=$(fingerprint) || continue
  [ "$now" = "$known" ] && continue
  known=$now
  kill -HUP "$broker" 2>/dev/null || true
done
wait "$broker"
