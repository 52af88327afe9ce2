#!/bin/sh
# Runs the program that REAL_RUNTIME names, in this very process, and ends it when the process that started it is gone.
#
# Miniflare starts the runtime with four pipes; nothing is ever written towards us on the fourth (descriptor 3), so
# reading from it returns when the other end is gone, however that came about: no polling, and nothing to be left behind.
# Signals that a terminal sends to everyone must not end the watch before its cause is gone.
(
  trap '' HUP INT TERM
  read -r _ <&3
  kill -9 $$
) </dev/null >/dev/null 2>&1 &
exec "$REAL_RUNTIME" "$@"
