#!/usr/bin/env bash
# Runs the command of the action, then ends fakecortex; fails when either did.
set -uo pipefail
bash -euo pipefail -c "$INPUT_RUN"
status=$?
if ! kill "$FAKECORTEX_ACTION_PID" 2>/dev/null; then
  echo "::error::fakecortex had ended before the command did"
  [ "$status" != 0 ] || status=1
fi
if [ "$status" != 0 ]; then
  echo "::group::log of fakecortex"
  cat "$FAKECORTEX_ACTION_DIR/log"
  echo "::endgroup::"
fi
exit "$status"
