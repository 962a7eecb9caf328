#!/usr/bin/env bash
# Builds fakecortex from the sources of the action, starts it in the background
# and tells the steps that follow where it is. Needs what a runner sets:
# RUNNER_TEMP, GITHUB_ENV, GITHUB_OUTPUT.
set -euo pipefail
dir=$RUNNER_TEMP/fakecortex
suffix=
case ${RUNNER_OS:-Linux} in
Windows)
  dir=$(cygpath -m "$dir") # C:/..., which both bash and fakecortex read
  suffix=.exe
  ;;
esac
mkdir -p "$dir"
(cd "$ACTION_PATH" && CGO_ENABLED=0 go build -trimpath -o "$dir/fakecortex$suffix" ./cmd/fakecortex)

read -r -a arguments <<<"${INPUT_ARGUMENTS:-}"
nohup "$dir/fakecortex$suffix" serve --scenario "${INPUT_SCENARIO:-default}" --clock "${INPUT_CLOCK:-real}" \
  --listen "${INPUT_LISTEN:-localhost:6868}" --tls-dir "$dir/tls" --ready-file "$dir/ready.json" \
  ${arguments[@]+"${arguments[@]}"} >"$dir/out" 2>"$dir/log" </dev/null &
pid=$!
for _ in $(seq 100); do
  [ -s "$dir/ready.json" ] && break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
[ -s "$dir/ready.json" ] || { echo "::error::fakecortex did not start: $(tail -n 1 "$dir/log")"; exit 1; }

# The ready line is flat JSON that fakecortex writes itself.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$dir/ready.json"; }
ca=$dir/tls/rootCA.pem
{
  echo "url=$(field url)"
  echo "ca=$ca"
  echo "control=$(field control)"
} >>"$GITHUB_OUTPUT"
{
  echo "FAKECORTEX_URL=$(field url)"
  echo "FAKECORTEX_CA=$ca"
  echo "NODE_EXTRA_CA_CERTS=$ca"
  echo "FAKECORTEX_ACTION_PID=$pid"
  echo "FAKECORTEX_ACTION_DIR=$dir"
} >>"$GITHUB_ENV"

if [ "${INPUT_TRUST:-true}" = true ]; then
  case ${RUNNER_OS:-Linux} in
  Linux)
    sudo cp "$ca" /usr/local/share/ca-certificates/fakecortex.crt
    sudo update-ca-certificates >/dev/null
    ;;
  macOS) sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain "$ca" ;;
  Windows) certutil -addstore Root "$(cygpath -w "$ca")" >/dev/null ;;
  esac
fi
echo "fakecortex serves $(field url)"
