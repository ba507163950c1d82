#!/bin/sh
# Prints the Secrets of one installation with new random values; for clusters without a store of secrets.
#
#   sh k8s/secrets.sh | kubectl create -f -        (create, and not apply: a second run must not replace the first one's)
#
# With External Secrets or the like, make the same names and keys there.
set -eu
namespace=${1:-rovercast}
command -v openssl >/dev/null || { echo 'secrets.sh: openssl is not installed' >&2; exit 1; }
secret() { openssl rand -hex 32; }

auth_secret=$(secret)
media_hook=$(secret)
broker_hook=$(secret)
gateway_mqtt=$(secret)
monitor_api=$(secret)
prometheus=$(secret)
monitor_token=$(secret)

# object NAME KEY VALUE [KEY VALUE …]
object() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: { name: %s, namespace: %s }\nstringData:\n' "$1" "$namespace"
  shift
  while [ "$#" -gt 0 ]; do
    printf "  %s: '%s'\n" "$1" "$2"
    shift 2
  done
}

object auth AUTH_SECRET "$auth_secret" MEDIA_HOOK_SECRET "$media_hook" BROKER_HOOK_SECRET "$broker_hook" \
  BROKER_ACCOUNTS "gateway:$gateway_mqtt" \
  MACHINE_ACCOUNTS "monitor:$monitor_api:api,prometheus:$prometheus:metrics"
object gateway AUTH_SECRET "$auth_secret" MONITOR_TOKEN "$monitor_token" \
  MQTT_URL "mqtts://gateway:$gateway_mqtt@broker.$namespace.svc:8883"
object monitor AUTH_SECRET "$auth_secret" MONITOR_TOKEN "$monitor_token" \
  MEDIAMTX_API_URL "https://monitor:$monitor_api@mediamtx-control.$namespace.svc:9997"
object mediamtx MEDIA_HOOK_SECRET "$media_hook"
object mediamtx-metrics username prometheus password "$prometheus"
object broker BROKER_HOOK_SECRET "$broker_hook" COOKIE "$(secret)" \
  AUTHORIZATION "Basic $(printf 'broker:%s' "$broker_hook" | openssl base64 -A)"
