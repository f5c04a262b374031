#!/bin/sh
# Proves that the bundle of `make bundle` installs and answers where there is no network:
#
#     sh deploy/offline.sh [dist/citewire-bundle.tar [FOLDER_OF_ARTICLES]]
#
# Runs in a network namespace of its own (unshare), with a new home folder, from another folder than this repository.
# Prints the seconds of installing, of indexing the articles and of the first answers by command and over HTTP. Minutes.
set -eu
if [ "${1:-}" != --inside ]; then
  here=$(cd "$(dirname "$0")/.." && pwd)
  bundle=$(realpath "${1:-$here/dist/citewire-bundle.tar}")
  articles=$(realpath "${2:-$here/seeds}")
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cp "$here/deploy/offline.sh" "$work"
  cp -r "$articles" "$work/articles"
  cd "$work"
  env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$work/home" ${PYTHON:+PYTHON="$PYTHON"} \
    unshare --map-root-user --net sh offline.sh --inside "$bundle"
  exit
fi

took() { printf '%-28s %4d s\n' "$1" $(($(date +%s) - began)); }
ip link set lo up
[ -z "$(ip route show table all type unicast | grep -v ' dev lo ')" ] || { ip route; exit 1; }
began=$(date +%s)
mkdir home bundle
tar -C bundle -xf "$2"
took unpacked
began=$(date +%s)
sh bundle/*/install.sh citewire
took installed
rm -r bundle
began=$(date +%s)
citewire/citewire index articles --index index
took indexed
question='How much revenue did the AI unit generate?'
began=$(date +%s)
citewire/citewire ask --json --index index "$question" > answer.json
took 'answered by the command'
citewire/citewire serve --index index --port 7860 > served 2>&1 &
server=$!
trap 'kill $server' EXIT
began=$(date +%s)
citewire/venv/bin/python - "$question" <<'END'
import json, sys, time, urllib.error, urllib.request

def over_http():
    body = json.dumps({"question": sys.argv[1]}).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request("http://127.0.0.1:7860/v1/ask", body, headers)
    for _ in range(600):
        try:
            return json.load(urllib.request.urlopen(asked))
        except (urllib.error.URLError, ConnectionError):  # it starts, then its models load
            time.sleep(0.5)
    sys.exit("the page does not answer")

for answer in (json.load(open("answer.json")), over_http()):
    quotes = [quote["text"] for claim in answer["claims"] if claim["shown"] for quote in claim["quotes"]]
    assert answer["status"] == "answered" and any("$900,000" in quote for quote in quotes), answer
print(answer["text"])
END
took 'answered by the page'
du -sh citewire
