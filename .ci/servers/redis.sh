#!/usr/bin/env bash
# A Redis for the tests of the feature mirror. Prints REDIS_URL.
set -euo pipefail
command -v redis-server > /dev/null || { apt-get update && apt-get install -y --no-install-recommends redis-server; } >&2
redis-server --port 6399 --bind 127.0.0.1 --save '' --appendonly no --daemonize yes >&2
for _ in $(seq 50); do redis-cli -p 6399 ping > /dev/null 2>&1 && break; sleep 0.1; done
redis-cli -p 6399 ping >&2
echo "REDIS_URL=redis://127.0.0.1:6399"
