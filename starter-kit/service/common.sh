# Read by install.sh: an installation whose server runs as a user of its own, apart from the one that agents run as.
# Everything here runs as root on a machine where that other user may be hostile: root never writes into a folder of theirs
# or of the service user, and runs no file of theirs but this installer itself. docs/separation.md has the whole picture.

# The copy that was installed knows where it lies.
case $root in
  */lib/aegis) [ ! -f "$root/installed" ] || AEGIS_PREFIX=${AEGIS_PREFIX:-${root%/lib/aegis}} ;;
esac
prefix=${AEGIS_PREFIX:-/usr/local}
program_dir=$prefix/lib/aegis
bin_dir=$prefix/bin
service_config=${AEGIS_CONFIG_DIR:-/etc/aegis}
service_data=${AEGIS_DATA_DIR:-/var/lib/aegis}
service_run=${AEGIS_RUN_DIR:-/run/aegis}
unit_name=${AEGIS_UNIT:-aegis}
unit=/etc/systemd/system/$unit_name.service
# What is needed to undo it: root's own file, never one that the service user could write.
facts=$program_dir/installed
safe_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
limit=''

# One of the facts, without running the file.
fact() { sed -n "s/^$1='\(.*\)'$/\1/p" "${2:-$facts}"; }

# As another user, with nothing of our environment and no terminal that they could type into.
as_user() {
  user=$1 home=$2
  shift 2
  # shellcheck disable=SC2086 # words, or nothing
  $limit setsid -w setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups \
    env -i PATH="$safe_path" HOME="$home" LANG=C.UTF-8 "$@"
}
as_service() {
  (cd "$service_data" && as_user "$service_user" "$service_data" \
    AEGIS_CONFIG_DIR="$service_config" AEGIS_DATA_DIR="$service_data" "$@")
}
service_aegis() { as_service "$node_js" "$program_dir/dist/src/cli/aegis.js" "$@"; }
# One of the files beside this one, with the names of this installation in it.
filled_in() {
  sed -e "s|@service_user@|$service_user|g; s|@service_group@|$(id -gn "$service_user")|g; s|@agent_group@|$(id -gn "$agent_user")|g" \
    -e "s|@program@|$program_dir|g; s|@config@|$service_config|g; s|@data@|$service_data|g; s|@run@|$service_run|g" \
    -e "s|@path@|$safe_path|g; s|@node@|$node_js|g" "$root/starter-kit/service/$1"
}
home_of() { getent passwd "$1" | cut -d: -f6; }

# Whoever may write to a folder on the way may put something else in its place. A sticky folder (/tmp) keeps what is others'.
only_root_writes() {
  way=$(readlink -m -- "$1")
  while :; do
    if [ -e "$way" ]; then
      case $(stat -c '%u %A' "$way") in
        '0 '?????w*t | '0 '????????wt) ;;
        '0 '?????w* | '0 '????????w*) return 1 ;;
        '0 '*) ;;
        *) return 1 ;;
      esac
    fi
    [ "$way" != / ] || return 0
    way=$(dirname -- "$way")
  done
}

demand_root() {
  [ "$(id -u)" = 0 ] || fail '--service-user needs root: it makes a user' "sudo $0 --service-user $service_user" 2
  [ "$(uname -s)" = Linux ] ||
    fail "--service-user is made for Linux, not for $(uname -s)" 'docs/separation.md says how to keep a reviewer apart without it.' 2
  for tool in setpriv setsid getent stat readlink install tar timeout; do
    command -v "$tool" >/dev/null 2>&1 || fail "$tool is not installed" 'It is part of util-linux, coreutils, libc-bin or tar.'
  done
}

check_users() {
  expr "x$service_user" : 'x[a-z_][a-z0-9_-]\{0,30\}$' >/dev/null ||
    fail "not a name for a user: $service_user" 'Letters, digits, - and _, such as aegis.' 2
  # Whom it was made for stays whom it is for, whoever types the upgrade.
  agent_user=${agent_user:-${had_key%% *}}
  agent_user=${agent_user:-${SUDO_USER:-${DOAS_USER:-}}}
  [ -n "$agent_user" ] || fail 'whom do the agents run as?' 'Type it with sudo as that user, or add --agent-user NAME.' 2
  agent_uid=$(id -u "$agent_user" 2>/dev/null) || fail "there is no user $agent_user" 'Give --agent-user the one that agents run as.' 2
  [ "$agent_uid" != 0 ] || fail 'agents that run as root cannot be kept from anything' 'Give --agent-user the user they are to run as.' 2
  [ "$agent_user" != "$service_user" ] || fail "agents run as $agent_user: the server needs another user" '--service-user aegis' 2
  agent_home=$(home_of "$agent_user")
  if id -u "$service_user" >/dev/null 2>&1; then
    [ "$(id -u "$service_user")" != 0 ] || fail 'the server must not run as root' '--service-user aegis' 2
    case " $(id -G "$agent_user") " in
      *" $(id -g "$service_user") "*) fail "$agent_user is in the group of $service_user" "gpasswd -d $agent_user $(id -gn "$service_user")" ;;
    esac
  fi
  [ ! -e "$agent_home/.config/aegis/aegis.yaml" ] ||
    fail "$agent_user has an installation of their own in $agent_home/.config/aegis" "As $agent_user: ./install.sh --uninstall, then move that folder away. docs/separation.md says how its evidence is kept."
}

check_places() {
  for place in "$program_dir" "$bin_dir" "$service_config" "$service_data" "$service_run"; do
    expr "x$place" : 'x/[A-Za-z0-9/._-]*$' >/dev/null || fail "not a path that is taken here: $place" 'Absolute, of letters, digits and / . _ -' 2
    only_root_writes "$(dirname -- "$place")" ||
      fail "others than root may write to a folder above $place" "An agent could put something else in its place. Choose another, or mend the folder's mode."
  done
  node_js=$(readlink -f -- "$(command -v node)")
  only_root_writes "$node_js" ||
    fail "$node_js belongs to others than root, who could put another program in its place" "Install Node for the whole machine, and run this with it in PATH."
  for place in "$service_config" "$service_data"; do
    [ ! -e "$place" ] || [ "$(stat -c %U "$place")" = "$service_user" ] || fail "$place exists and is not of user $service_user" 'Move it away, or choose another by AEGIS_CONFIG_DIR and AEGIS_DATA_DIR.'
  done
}

stop_service() {
  if [ -d /run/systemd/system ] && [ -f "$unit" ]; then systemctl stop "$unit_name" || true; fi
  if [ -f "$program_dir/dist/src/cli/aegis.js" ] && [ -d "$service_data" ]; then service_aegis stop; fi
}
