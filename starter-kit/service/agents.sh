# Read by install.sh and uninstall.sh, after common.sh: what is done in folders of the users that agents run as. Always as that
# user, so that a link leads nowhere they could not go themselves. They can stop, trace and answer for what runs as them: it gets
# its time and no more, and its words stay off root's terminal.

as_agent() (
  limit='timeout -k 5 60'
  as_user "$agent_user" "$agent_home" "$@"
)

# Why the key could not be handed on, told by us from the status of the shell that tried.
why_not() {
  case $1 in
    21) say "$agent_user cannot enter their home $agent_home" ;;
    22) say 'it is no folder that they may enter' ;;
    23) say 'they may not write there, or the disk is full' ;;
    24) say 'agent.json there cannot be replaced' ;;
    25) say 'it is a link, or lies behind one, to where they may not write' ;;
    124 | 137) say "it took $agent_user more than a minute" ;;
    *) say "what ran as $agent_user ended with status $1" ;;
  esac
}

hand_on_key() {
  given=$(as_service cat "$service_config/agent.json") || fail 'the agent key could not be read' "Is $service_config/agent.json there?"
  status=0
  printf '%s\n' "$given" | as_agent sh -c '
    no() { for part in .config .config/aegis; do [ ! -L "$HOME/$part" ] || exit 25; done; exit "$1"; }
    umask 077
    cd || exit 21
    mkdir -p .config/aegis && cd .config/aegis || no 22
    new=$(mktemp agent.json.XXXXXX) || no 23
    cat >"$new" || { rm -f "$new"; no 23; }
    mv -fT "$new" agent.json || { rm -f "$new"; no 24; }' >/dev/null 2>&1 || status=$?
  [ "$status" = 0 ] ||
    fail "the agent key could not be put into $agent_home/.config/aegis: $(why_not $status)" \
      "${1:-}\`ls -ld $agent_home/.config $agent_home/.config/aegis\` shows it. Mend it as $agent_user, then: sudo $program_dir/install.sh --hand-on-key"
  say "agent key: $agent_home/.config/aegis/agent.json"
}

connect_editor() {
  [ -n "$editor" ] && [ "$editor" != none ] || return 0
  status=0
  said=$(as_agent PATH="$bin_dir:$safe_path" "$node_js" "$program_dir/dist/src/cli/aegis.js" connect "$editor" 2>&1) || status=$?
  printf '%s\n' "$said" | LC_ALL=C tr -cd '\n\40-\176'
  [ "$status" = 0 ] || fail "$editor could not be connected" 'The lines above say why; all the rest is done.'
}

# From user $1, whose agents are served no longer. What they copied elsewhere they keep: what counts is that the key is not in force.
take_back_key() (
  agent_user=$1
  agent_home=$(home_of "$agent_user")
  [ -n "$agent_home" ] || return 0
  status=0
  as_agent sh -c '
    cd && cd .config/aegis || exit 10
    [ -e agent.json ] || [ -L agent.json ] || exit 10
    [ -f agent.json ] && grep -qF "\"service_user\": \"$1\"" agent.json && rm -f agent.json' sh "$service_user" >/dev/null 2>&1 || status=$?
  case $status in
    0) say "removed $agent_home/.config/aegis/agent.json" ;;
    10) ;;
    *) say "! left as it is, since it is no file of this installation that $agent_user can remove: $agent_home/.config/aegis/agent.json" ;;
  esac
)

# After `aegisctl keys rotate`, or where it could not be done: no build, no restart.
hand_on_key_alone() {
  [ "$(id -u)" = 0 ] || fail '--hand-on-key needs root' "sudo $0 --hand-on-key" 2
  [ -f "$facts" ] || fail "Aegis is not installed for a service user under $prefix" './install.sh --help' 2
  . "$facts"
  demand_root
  agent_home=$(home_of "$agent_user")
  [ -n "$agent_home" ] || fail "there is no user $agent_user any more" './install.sh --service-user NAME --agent-user NAME gives the key to another.'
  hand_on_key
}
