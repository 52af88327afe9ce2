#!/usr/bin/env bash
# A browser for the SDK's tests. Prints CHROMIUM_PATH.
set -euo pipefail
command -v chromium > /dev/null || { apt-get update && apt-get install -y --no-install-recommends chromium; } >&2
echo "CHROMIUM_PATH=$(command -v chromium)"
