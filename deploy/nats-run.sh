#!/bin/sh
# Runs nats-server with the arguments given. After a failed write the server takes no more messages until it is started
# again, though it runs: when that is so for half a minute and there is room on the disk, it is ended here, and the container
# is started anew. For the alpine image, whose shell and wget are busybox's.
STORE="${STORE:-/data}"
HEALTH="${HEALTH:-http://127.0.0.1:8222/healthz}"
ROOM_MB="${STORE_FREE_MB_MIN:-512}"
EVERY="${LOOK_SECONDS:-5}"
TIMES=6

nats-server "$@" &
server=$!
trap 'kill -TERM "$server"' TERM INT

failed=0
while kill -0 "$server" 2>/dev/null; do
  sleep "$EVERY" &
  wait $!
  # JetStream runs, and yet not all is well.
  if wget -q -O /dev/null "$HEALTH?js-enabled-only=true" 2>/dev/null && ! wget -q -O /dev/null "$HEALTH" 2>/dev/null; then
    failed=$((failed + 1))
  else
    failed=0
  fi
  free=$(df -P -m "$STORE" | awk 'NR == 2 { print $4 }')
  if [ "$failed" -ge "$TIMES" ] && [ "${free:-0}" -ge "$ROOM_MB" ]; then
    echo "nats-server takes no messages since a write failed, and there is room now: starting it again" >&2
    kill -TERM "$server"
  fi
done
wait "$server"
code=$?
# A clean end is one that was asked for; either way Docker starts it again unless the container was stopped.
exit "$code"
