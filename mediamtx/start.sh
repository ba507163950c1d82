#!/bin/sh
# Starts MediaMTX for production, in compose and in Kubernetes: reads our few settings, refuses what is not safe in one sentence,
# and turns them into MediaMTX' own (MTX_…), which win over mediamtx.yml. Wants a POSIX shell: the image variant -ffmpeg has one.
#
#   MEDIA_HOOK_SECRET       the media server's word to the door, 16 characters or more, letters and digits
#   AUTH_URL                where the door answers, http://auth:3001
#   MEDIA_NODE              name of this server at the door; main by default
#   MEDIAMTX_PUBLIC_HOST    names and addresses at which browsers reach it, comma-separated
#   TLS_CERT, TLS_KEY       PEM files; they are watched and read again when they change
#   CONTROL_TLS_CERT, …KEY  the same for the control API and the metrics, where they go by other names; TLS_CERT by default
#   INSECURE_PROTOCOLS      true opens RTSP, RTMP and SRT without encryption beside the encrypted ones
#   SRT_PASSPHRASE          10 to 79 characters; without it SRT is off, unless INSECURE_PROTOCOLS
#   CORS_ORIGINS            pages that may play HLS and WebRTC, comma-separated; none by default
#   TRUSTED_PROXIES         networks of the proxies before HLS and WebRTC, comma-separated; none by default
#   HLS_CDN_SECRET          the CDN's word; without it there is no CDN
#   TURN_URL, TURN_SECRET   turn:host:3478?transport=tcp and the secret that the TURN server makes logins from
#
# NAME_FILE names a file that holds NAME.
set -eu

fail() {
  echo "mediamtx: $1" >&2
  exit 1
}

# Prints $NAME, or what is in the file that $NAME_FILE names.
value() {
  eval "value_file=\${$1_FILE:-}; value_given=\${$1:-}"
  if [ -z "$value_file" ]; then
    printf '%s' "$value_given"
  elif [ -r "$value_file" ]; then
    cat "$value_file"
  else
    fail "$1_FILE: $value_file cannot be read"
  fi
}

# secret NAME VALUE MIN MAX: of a usable length and alphabet, and not one of the words that stand in examples.
secret() {
  case "$2" in *[!A-Za-z0-9_-]*) fail "$1 may have letters, digits, - and _ only" ;; esac
  if [ "${#2}" -lt "$3" ] || [ "${#2}" -gt "$4" ]; then fail "$1 must have $3 to $4 characters"; fi
  case "$2" in *[Cc]hange[-_]*[Mm]e* | *changeme* | *example* | *placeholder* | *REPLACE*)
    fail "$1 is still the one of an example" ;;
  esac
}

hook_secret=$(value MEDIA_HOOK_SECRET)
srt_passphrase=$(value SRT_PASSPHRASE)
cdn_secret=$(value HLS_CDN_SECRET)
turn_secret=$(value TURN_SECRET)
auth_url=${AUTH_URL:-http://auth:3001}
node=${MEDIA_NODE:-main}
cert=${TLS_CERT:-/certificates/media.crt}
key=${TLS_KEY:-/certificates/media.key}
control_cert=${CONTROL_TLS_CERT:-$cert}
control_key=${CONTROL_TLS_KEY:-$key}

[ -n "$hook_secret" ] || fail 'MEDIA_HOOK_SECRET has no value'
secret MEDIA_HOOK_SECRET "$hook_secret" 16 128
case "$auth_url" in http://*@* | https://*@*) fail 'AUTH_URL must have no login in it' ;;
  http://?* | https://?*) ;;
  *) fail 'AUTH_URL must be an http:// or https:// URL' ;;
esac
case "$node" in '' | *[!A-Za-z0-9_-]*) fail 'MEDIA_NODE may have letters, digits, - and _ only' ;; esac
pair() {
  [ -r "$1" ] || fail "the certificate $1 cannot be read"
  [ -r "$2" ] || fail "the certificate $1 has no key: $2 cannot be read"
}
pair "$cert" "$key"
pair "$control_cert" "$control_key"
case "${INSECURE_PROTOCOLS:-false}" in
  true) encryption=optional ;;
  false) encryption=strict ;;
  *) fail 'INSECURE_PROTOCOLS must be true or false' ;;
esac

# Tells which server asks; the door keeps their sessions apart.
export MTX_AUTHHTTPADDRESS="${auth_url%%://*}://media:$hook_secret@${auth_url#*://}/mediamtx/auth/$node"
export MTX_LOGSTRUCTURED=true

export MTX_RTSPENCRYPTION=$encryption MTX_RTSPSERVERCERT="$cert" MTX_RTSPSERVERKEY="$key"
export MTX_RTSPTRANSPORTS=tcp
export MTX_RTMPENCRYPTION=$encryption MTX_RTMPSERVERCERT="$cert" MTX_RTMPSERVERKEY="$key"

if [ -n "$srt_passphrase" ]; then
  secret SRT_PASSPHRASE "$srt_passphrase" 10 79
  export MTX_PATHDEFAULTS_SRTREADPASSPHRASE="$srt_passphrase" MTX_PATHDEFAULTS_SRTPUBLISHPASSPHRASE="$srt_passphrase"
elif [ "$encryption" = strict ]; then
  export MTX_SRT=false
fi

# Low latency asks for HTTPS on Apple's devices.
export MTX_HLSENCRYPTION=true MTX_HLSSERVERCERT="$cert" MTX_HLSSERVERKEY="$key" MTX_HLSVARIANT=lowLatency
export MTX_HLSALLOWORIGINS="${CORS_ORIGINS:-}" MTX_HLSTRUSTEDPROXIES="${TRUSTED_PROXIES:-}"
if [ -n "$cdn_secret" ]; then
  secret HLS_CDN_SECRET "$cdn_secret" 16 128
  export MTX_HLSCDNSECRET="$cdn_secret"
fi

export MTX_WEBRTCENCRYPTION=true MTX_WEBRTCSERVERCERT="$cert" MTX_WEBRTCSERVERKEY="$key"
export MTX_WEBRTCALLOWORIGINS="${CORS_ORIGINS:-}" MTX_WEBRTCTRUSTEDPROXIES="${TRUSTED_PROXIES:-}"
# A container's own addresses say nothing to a browser.
export MTX_WEBRTCADDITIONALHOSTS="${MEDIAMTX_PUBLIC_HOST:-}"
if [ -n "${MEDIAMTX_PUBLIC_HOST:-}" ]; then export MTX_WEBRTCIPSFROMINTERFACES=false; fi
# For networks that let no UDP out.
export MTX_WEBRTCLOCALTCPADDRESS="${MTX_WEBRTCLOCALTCPADDRESS-:8189}"
if [ -n "${TURN_URL:-}" ]; then
  [ -n "$turn_secret" ] || fail 'TURN_URL needs TURN_SECRET'
  secret TURN_SECRET "$turn_secret" 16 128
  # The user name AUTH_SECRET makes MediaMTX derive a login per session from the password.
  export MTX_WEBRTCICESERVERS2_0_URL="$TURN_URL" MTX_WEBRTCICESERVERS2_0_USERNAME=AUTH_SECRET
  export MTX_WEBRTCICESERVERS2_0_PASSWORD="$turn_secret"
fi

# Within the network, for the monitor and Prometheus.
export MTX_APIADDRESS="${MTX_APIADDRESS:-:9997}" MTX_APIENCRYPTION=true
export MTX_APISERVERCERT="$control_cert" MTX_APISERVERKEY="$control_key"
export MTX_METRICSADDRESS="${MTX_METRICSADDRESS:-:9998}" MTX_METRICSENCRYPTION=true
export MTX_METRICSSERVERCERT="$control_cert" MTX_METRICSSERVERKEY="$control_key"
export MTX_PPROF=false MTX_MOQ=false MTX_PLAYBACK=false

unset MEDIA_HOOK_SECRET SRT_PASSPHRASE HLS_CDN_SECRET TURN_SECRET
exec "${MEDIAMTX_PROGRAM:-/mediamtx}" "${MEDIAMTX_CONFIG:-/mediamtx.yml}"
