#!/bin/sh
# Installs citewire from the bundle that this file lies in, without a network:
#
#     sh install.sh FOLDER                   then: FOLDER/citewire serve
#     PYTHON=/path/to/python3.11 sh install.sh FOLDER
set -eu
fail() { printf 'citewire: %s. %s\n' "$1" "$2" >&2; exit 2; }

bundle=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
[ $# = 1 ] || fail 'the folder to install to is missing' 'Name one: sh install.sh /opt/citewire'
[ ! -e "$1/venv" ] || fail "$1/venv is there already" 'Name another folder, or remove that one'
made_for=$(cat "$bundle/python")
here=$("$python" -c 'import platform as p, sys; print("%d.%d" % sys.version_info[:2], p.system(), p.machine())') ||
  fail "$python does not start" "Install the one this was made for, $made_for, or name it: PYTHON=/path/to/python3"
[ "$here" = "$made_for" ] ||
  fail "this was made for Python $made_for, and $python is $here" 'Name another one: PYTHON=/path/to/python3'
(cd "$bundle" && sha256sum --quiet --check SHA256SUMS) || fail 'the bundle is damaged' 'Copy it again'

mkdir -p "$1"
to=$(cd "$1" && pwd)
"$python" -m venv "$to/venv" || fail "$python has no venv" 'Install it: apt-get install python3-venv'
"$to/venv/bin/python" -m pip install --disable-pip-version-check --no-input -qq --no-index --no-deps \
  "$bundle"/files/*.whl
cp -a "$bundle/models" "$bundle/LICENSE" "$bundle/licences.md" "$to"
cat > "$to/citewire" <<END
#!/bin/sh
export CITEWIRE_CACHE="\${CITEWIRE_CACHE:-$to}" CITEWIRE_MODEL="\${CITEWIRE_MODEL:-$(cat "$bundle/model")}" HF_HUB_OFFLINE=1
exec "$to/venv/bin/citewire" "\$@"
END
chmod +x "$to/citewire"
echo "citewire: installed. Start it: $to/citewire run FOLDER_OF_ARTICLES"
