#!/bin/sh
# Installs Aegis from this checkout for the current user: builds it, writes its configuration and keys, starts it,
# and proves by three real actions that it judges. Run again it keeps keys, configuration and evidence.
set -eu

usage() {
  cat <<'USAGE'
./install.sh [--policy NAME] [--api-key KEY] [--port 8080] [--admin-port 8081] [--store FILE|URL]
             [--github-app-id ID --github-app-key FILE] [--editor claude|cursor|vscode|none]
             [--demo] [--no-start]
sudo ./install.sh --service-user NAME [--agent-user NAME] [the same]
./install.sh --uninstall [--purge] [--own]
sudo ./install.sh --uninstall [--purge] --service-user NAME
sudo ./install.sh --hand-on-key

  --policy      pr-writer (default), readonly, infra-review, docs-writer, sql-explorer, github-guarded,
               or a file of your own
  --api-key     the agent's key; a random one where absent. The admin key is always random
  --editor      add the bridge to that editor's file in the current folder (the old file is kept)
  --demo        tell the whole story afterwards, in a temporary folder
  --no-start    install only
  --service-user  run server, keys and evidence as this user (made where missing), apart from the one agents run as
  --agent-user  the user agents run as (so far; at first, with sudo, who typed it); gets the agent key and nothing else
  --uninstall   stop the server and remove the two commands; --purge also removes configuration, keys and evidence.
                Where root has an installation of its own beside the service, --own or --service-user says which
  --hand-on-key   give the user of the agents the agent key that is in force, as after `aegisctl keys rotate`

Configuration: AEGIS_CONFIG_DIR (else XDG, else ~/.config/aegis). Data: AEGIS_DATA_DIR (else ~/.local/share/aegis).
With --service-user: /etc/aegis and /var/lib/aegis, the program in /usr/local/lib/aegis (AEGIS_PREFIX).
USAGE
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
aegis_js="$root/dist/src/cli/aegis.js"
aegisctl_js="$root/dist/src/cli/aegisctl.js"
start=yes demo=no uninstall=no purge=no build_only=no own=no hand_on=no service_user='' agent_user='' policy='' store='' app_key='' editor=''

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  -> %s\n' "$2" >&2
  exit "${3:-1}"
}

# The options for `aegis init` are kept quoted, one string that eval reads back.
init_args=''
pass() { init_args="$init_args $1 '$(printf '%s' "$2" | sed "s/'/'\\\\''/g")'"; }

while [ $# -gt 0 ]; do
  option=$1
  value=''
  case $option in
    --*=*) value=${option#*=}; option=${option%%=*}; shift ;;
    --policy | --api-key | --port | --admin-port | --store | --github-app-id | --github-app-key | --editor | --service-user | --agent-user)
      [ $# -ge 2 ] || fail "$option needs a value" './install.sh --help' 2
      value=$2
      shift 2 ;;
    *) shift ;;
  esac
  case $option in
    --policy | --api-key | --port | --admin-port | --store | --github-app-id | --github-app-key | --editor | --service-user | --agent-user)
      [ -n "$value" ] || fail "$option needs a value" './install.sh --help' 2
      case $option in
        --policy) policy=$value ;;
        --store) store=$value ;;
        --github-app-key) app_key=$value ;;
        --editor) editor=$value ;;
        --service-user) service_user=$value ;;
        --agent-user) agent_user=$value ;;
        *) pass "$option" "$value" ;;
      esac ;;
    --demo) demo=yes ;;
    --no-start) start=no ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    --build-only) build_only=yes ;;
    --own) own=yes ;;
    --hand-on-key) hand_on=yes ;;
    --help | -h) usage; exit 0 ;;
    *) fail "unknown option $option" './install.sh --help lists them' 2 ;;
  esac
done

# What a service installation takes over or writes itself is passed on by it.
pass_choices() {
  [ -z "$policy" ] || pass --policy "$policy"
  [ -z "$store" ] || pass --store "$store"
  [ -z "$app_key" ] || pass --github-app-key "$app_key"
}

[ -n "${HOME:-}" ] || fail 'HOME is not set' 'Set HOME to the home directory of the user who will run Aegis.'
bin="$HOME/.local/bin"
config_dir=${AEGIS_CONFIG_DIR:-${XDG_CONFIG_HOME:-$HOME/.config}/aegis}
data_dir=${AEGIS_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/aegis}

aegis() { node "$aegis_js" "$@"; }

check_node() {
  command -v node >/dev/null 2>&1 || fail 'Node.js is not installed' 'Install Node 20.19 or newer (20, 22 or 24): https://nodejs.org'
  command -v npm >/dev/null 2>&1 || fail 'npm is not installed' 'It comes with Node.js: https://nodejs.org'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node $(node --version) is too old" 'Install Node 20.19 or newer (20, 22 or 24): https://nodejs.org'
  # The local forge keeps a real repository.
  command -v git >/dev/null 2>&1 || fail 'git is not installed' 'Install it with your package manager.'
}

# Nothing it is made from is younger. Other processes may be running what is there: it is not written anew for nothing.
is_built() {
  [ -f "$aegis_js" ] && [ -f "$aegisctl_js" ] && [ -z "$(cd "$root" &&
    find src starter-kit bench test/fixtures tsconfig.json package.json node_modules/.package-lock.json -newer "$aegis_js" 2>/dev/null | head -n 1)" ]
}

# What is installed is up to date when it is younger than the lock file.
build() {
  # npm would empty the folder that a link points to, whoever else uses it.
  [ ! -L "$root/node_modules" ] || fail "$root/node_modules is a link" 'Remove the link, then run this again: packages are installed beside the code.'
  if [ ! -f "$root/node_modules/.package-lock.json" ] || [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
    step 'Installing packages'
    (cd "$root" && npm ci --no-fund --no-audit --no-update-notifier --loglevel=error) || fail 'npm ci failed' 'The lines above say why; a registry that cannot be reached is the usual reason.'
  fi
  if ! is_built; then
    step 'Building'
    # What a build leaves that failed or was broken off looks built: without this file it does not.
    trap 'rm -f "$aegis_js"; exit 130' INT TERM
    (cd "$root" && npm run --silent build) || { rm -f "$aegis_js"; fail 'the build failed' 'Is the checkout complete and unchanged? git status shows it.'; }
    trap - INT TERM
  fi
  [ -x "$aegis_js" ] && [ -x "$aegisctl_js" ] || chmod +x "$aegis_js" "$aegisctl_js"
}

# A link of ours points into a checkout's dist; anything else of that name is somebody else's.
link() {
  target=$1
  name="$bin/$2"
  if [ -e "$name" ] || [ -L "$name" ]; then
    case $(readlink "$name" 2>/dev/null || true) in
      */dist/src/cli/"$2".js) ;;
      *) fail "$name exists and is not ours" 'Move it away, then run this again.' ;;
    esac
  fi
  mkdir -p "$bin"
  ln -sfn "$target" "$name"
}

unlink_ours() {
  if [ "$(readlink "$bin/$1" 2>/dev/null || true)" = "$2" ]; then
    rm -f "$bin/$1"
    say "removed $bin/$1"
  fi
}

if [ "$build_only" = yes ]; then
  check_node
  build
  exit 0
fi

. "$root/starter-kit/service/common.sh"
. "$root/starter-kit/service/agents.sh"
[ "$purge" = no ] || [ "$uninstall" = yes ] || fail '--purge goes with --uninstall' './install.sh --help' 2
[ "$own" = no ] || [ "$uninstall" = yes ] || fail '--own goes with --uninstall' './install.sh --help' 2
if [ "$hand_on" = yes ]; then
  hand_on_key_alone
  exit 0
fi
if [ "$uninstall" = yes ]; then
  . "$root/starter-kit/service/uninstall.sh"
  which_uninstall
  if [ "$own" = yes ]; then uninstall_own; else uninstall_service; fi
  exit 0
fi
if [ -n "$service_user" ]; then
  . "$root/starter-kit/service/install.sh"
  install_service
  exit 0
fi
[ -z "$agent_user" ] || fail '--agent-user goes with --service-user' './install.sh --help' 2
pass_choices
[ -z "$editor" ] || pass --editor "$editor"

check_node
build
step 'Configuration and keys'
config_sum() { if [ -f "$config_dir/aegis.yaml" ]; then cksum <"$config_dir/aegis.yaml"; fi; }
before=$(config_sum)
# Its exit status tells a wrong option (2) from the rest.
eval "aegis init $init_args" || fail 'configuring failed; nothing was started' 'The lines above say why.' $?
link "$aegis_js" aegis
link "$aegisctl_js" aegisctl
say "commands: $bin/aegis, $bin/aegisctl"
case ":${PATH:-}:" in
  *":$bin:"*) ;;
  *) say "  $bin is not in your PATH; add it: export PATH=\"$bin:\$PATH\"" ;;
esac

if [ "$start" = yes ]; then
  step 'Starting'
  # A server that runs already has read the old settings. Its running calls finish first.
  if [ -n "$before" ] && [ "$before" != "$(config_sum)" ]; then aegis stop; fi
  aegis serve --detach || fail 'the server did not start' 'The lines above say why. No program but Aegis was touched.'
  step 'Three true checks'
  aegis doctor --prove || fail 'a check failed' 'aegis doctor looks at everything else.'
fi

if [ "$demo" = yes ]; then
  step 'Demo'
  aegis demo || fail 'the demo failed' 'Its server ran apart from the installed one, which is not touched.'
fi

admin_url=$(node -p 'JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")).admin_url' "$config_dir/client.json")
step 'Next'
[ "$start" = yes ] || say 'Start it:           aegis serve --detach'
cat <<NEXT
Connect an agent:   starter-kit/editors/claude-code.md (also cursor.md, vscode.md, codex.md)
Ask as the agent:   curl -s -w '\\n' $admin_url/admin/v1/test-action \\
                      -H 'Content-Type: application/json' \\
                      -H "X-API-Key: \$(node -p 'require("$config_dir/agent.json").agent_key')" \\
                      -d '{"protocol":"git","tool":"github.get_file_contents","target":"aegisflow/aegisflow","capability":"read"}'
In a browser:       $admin_url/ (your key is admin_key in $config_dir/client.json)
What waits for you: aegisctl pending (with an ID: exactly what would run)
Approve:            aegisctl approve ID --comment "looks right"
Evidence:           aegisctl evidence sessions; aegisctl evidence verify --session LABEL

Files: $config_dir (configuration, keys), $data_dir (evidence, log)

An agent that runs as $(id -un 2>/dev/null || id -u) on this machine can read the admin key and the evidence: file modes do not keep
apart what runs as the same user. \`sudo ./install.sh --service-user aegis\` gives the server a user of its own;
docs/separation.md says how to go there and keep the evidence, and has the other ways. \`aegis doctor\` says how you stand.
NEXT
