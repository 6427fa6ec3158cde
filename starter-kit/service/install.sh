# Read by ../../install.sh --service-user, after common.sh and agents.sh.

make_user() {
  id -u "$service_user" >/dev/null 2>&1 && return
  command -v useradd >/dev/null 2>&1 || fail "useradd is not here to make user $service_user" 'Make the user by the means of your system, then run this again.'
  useradd --system --user-group --no-create-home --home-dir "$service_data" --shell /usr/sbin/nologin "$service_user" ||
    fail "user $service_user could not be made" 'The lines above say why.'
  made_user=yes
  say "made user $service_user"
}

# A socket made in it gets the group of the agents' user (set-group-ID); only the service user may make one there.
make_run_dir() { install -d -o "$service_user" -g "$(id -gn "$agent_user")" -m 2750 "$service_run"; }

# As who owns the checkout: npm and the build run code of its packages, which root must not.
build_as_owner() {
  owner=$(stat -c %U "$root")
  if [ "$owner" = root ]; then build; else
    as_user "$owner" "$(home_of "$owner")" PATH="$(dirname "$node_js"):$safe_path" sh "$root/install.sh" --build-only || exit $?
  fi
}

# The server runs a copy that is root's: an agent may change the checkout, which is its user's.
copy_program() {
  rm -rf "$program_dir.new"
  mkdir -p "$program_dir.new"
  parts=$(cd "$root" && node -e '
    const { packages } = JSON.parse(fs.readFileSync("package-lock.json", "utf8"))
    const { files } = JSON.parse(fs.readFileSync("package.json", "utf8"))
    for (const path of files) if (/^[\w.\/-]+$/.test(path) && !path.includes("..") && fs.existsSync(path)) console.log(path)
    for (const [path, { dev }] of Object.entries(packages)) {
      if (/^node_modules\/[\w@.\/-]+$/.test(path) && !path.includes("..") && !dev && fs.existsSync(path)) console.log(path)
    }') || fail 'the list of packages could not be read' 'Is the checkout complete and unchanged? git status shows it.'
  # Links are followed: what they point to may change, the copy does not.
  (cd "$root" && printf '%s\n' package.json "$parts" | tar -chf - -T -) |
    (cd "$program_dir.new" && umask 022 && tar -xf - --no-same-owner --no-same-permissions) || fail 'the program could not be copied' 'Is the disk full?'
  cat >"$program_dir.new/installed" <<FACTS
service_user='$service_user'
made_user='$made_user'
agent_user='$agent_user'
former_agents='$former_agents'
service_config='$service_config'
service_data='$service_data'
service_run='$service_run'
FACTS
  chmod -R u=rwX,go=rX "$program_dir.new"
}

put_in_force() {
  # Whatever fails from here on: who had a server has one afterwards.
  stopped=yes
  trap as_before EXIT
  trap 'exit 130' INT TERM HUP
  stop_service
  rm -rf "$program_dir"
  mv "$program_dir.new" "$program_dir"
}

check_commands() {
  for name in aegis aegisctl; do
    if [ -e "$bin_dir/$name" ] && ! grep -q '^# Made by Aegis' "$bin_dir/$name"; then
      fail "$bin_dir/$name exists and is not ours" 'Move it away, then run this again.'
    fi
  done
}

# root and the service user work on the service's own files, everybody else on theirs.
write_commands() {
  mkdir -p "$bin_dir"
  for name in aegis aegisctl; do
    filled_in "$name.sh" >"$bin_dir/$name.new"
    chmod 755 "$bin_dir/$name.new"
    mv "$bin_dir/$name.new" "$bin_dir/$name"
  done
}

# A file of the agents' user that the server is to go by is copied: they could change or read it later.
taken_over() {
  as_service sh -c 'umask 077; cat >"$1.new" && mv "$1.new" "$1"' sh "$service_config/$2" <"$1" || fail "$1 could not be copied" 'Is it there?'
  say "copied $1 to $service_config/$2" >&2
}

# Looked at before anything of the running installation is touched.
take_policy() {
  case $policy in
    */* | *.yaml | *.yml) ;;
    *) return 0 ;;
  esac
  taken_over "$policy" policy-given.yaml
  as_service "$node_js" "$program_dir.new/dist/src/cli/aegisctl.js" policy lint "$service_config/policy-given.yaml" || {
    as_service rm -f "$service_config/policy-given.yaml"
    fail "$policy is not put in force; nothing was changed" 'The lines above say why.'
  }
  as_service mv "$service_config/policy-given.yaml" "$service_config/policy.yaml"
  policy=$service_config/policy.yaml
}

service_choices() {
  if [ -n "$app_key" ]; then
    taken_over "$app_key" github-app.pem
    app_key=$service_config/github-app.pem
  fi
  pass_choices
  [ "$editor" = '' ] || [ "$editor" = none ] || pass --agent "$editor"
  pass --owner "$agent_user"
  pass --agents-uid "$agent_uid"
  pass --agents-socket "$service_run/agents.sock"
  [ -z "$former_agents" ] || init_args="$init_args --renew-agent-key"
}

start_service() {
  make_run_dir
  if [ ! -d /run/systemd/system ]; then
    service_aegis serve --detach || return 1
    say 'systemd does not run here: after a restart of the machine, start it with `sudo aegis serve --detach`'
    return
  fi
  filled_in aegis.service >"$unit"
  systemctl daemon-reload && systemctl enable --quiet "$unit_name" && systemctl restart "$unit_name" || return 1
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    as_service "$node_js" "$program_dir/dist/src/cli/aegisctl.js" status >/dev/null 2>&1 && return
    sleep 1
  done
  say "the server does not answer; its log: journalctl -u $unit_name"
  return 1
}

warn_of_ways_to_root() {
  for group in $(id -Gn "$agent_user"); do
    case $group in
      docker | lxd | incus-admin | disk | kvm | libvirt)
        say "! $agent_user is in group $group, whose members can become root: nothing here is kept from an agent that tries." ;;
    esac
  done
  if command -v sudo >/dev/null 2>&1 && sudo -n -l -U "$agent_user" 2>/dev/null | grep -q NOPASSWD; then
    say "! $agent_user may use sudo without a password: nothing here is kept from an agent that tries."
  fi
}

# A server that ran when this began runs again with the settings it had.
as_before() {
  [ "$stopped" = yes ] && [ "$start" = yes ] && [ -f "$service_config/client.json" ] || return 0
  stopped=no
  start_service || say '! no server runs: sudo aegis serve --detach'
}

# Of the installation there is, or of one that was broken off: whose it is, and who had the agent key so far.
known_installation() {
  made_user=no had_key=''
  for known in "$program_dir.new/installed" "$facts"; do
    [ -f "$known" ] || continue
    made_user=$(fact made_user "$known")
    before=$(fact service_user "$known")
    [ "$before" = "$service_user" ] || fail "Aegis is installed here for user $before" "$0 --uninstall removes that one."
    had_key="$(fact agent_user "$known") $(fact former_agents "$known")"
  done
}

# Whoever had the agent key and is to have it no longer. Kept with the installation until it is seen to: a run may break off.
former_of() {
  former_agents=''
  for name in $had_key; do
    [ "$name" = "$agent_user" ] || former_agents="$former_agents${former_agents:+ }$name"
  done
}

forget_former() {
  [ -n "$former_agents" ] || return 0
  say "the agent key is a new one: that of $former_agents is no longer in force"
  for name in $former_agents; do take_back_key "$name"; done
  sed "s/^former_agents=.*/former_agents=''/" "$facts" >"$facts.new"
  mv "$facts.new" "$facts"
}

check_options() {
  case $editor in '' | none | claude | cursor | vscode) ;; *) fail '--editor must be one of claude, cursor, vscode, none' '' 2 ;; esac
  case $store in
    '' | postgres://* | postgresql://*) ;;
    */*) fail "--store $store: the evidence stays in $service_data" 'Give a plain file name, or a postgres:// URL.' 2 ;;
  esac
  [ "$demo" = no ] || fail '--demo goes without --service-user' 'aegis demo tells it afterwards, as any user.' 2
}

install_service() {
  demand_root
  check_options
  known_installation
  check_node
  check_users
  former_of
  check_places
  check_commands
  build_as_owner
  step "User $service_user"
  make_user
  install -d -o "$service_user" -g "$(id -gn "$service_user")" -m 0700 "$service_config" "$service_data"
  copy_program
  take_policy
  put_in_force
  write_commands
  step 'Configuration and keys'
  service_choices
  eval "service_aegis init $init_args" || fail 'configuring failed; nothing was changed' 'The lines above say why.' $?
  state=''
  if [ "$start" = yes ]; then
    step 'Starting'
    stopped=no
    start_service || fail 'the server did not start' 'The lines above say why.'
    step 'Three true checks'
    service_aegis doctor --prove || fail 'a check failed' 'sudo aegis doctor looks at everything else.'
    state='The server runs, and all the rest is done. '
  fi
  # After the start: agents may hinder this, and nothing else waits for it.
  step 'The key of the agents'
  forget_former
  hand_on_key "$state"
  connect_editor
  step 'Next'
  warn_of_ways_to_root
  [ "$start" = yes ] || say 'Start it:           sudo aegis serve --detach'
  cat <<NEXT
The server, its keys and its evidence are those of user $service_user. $agent_user, and the agents of $agent_user, have the agent key alone.
What waits for you: sudo aegisctl pending
Approve:            sudo aegisctl approve ID --comment "looks right"    (recorded with separation: uid)
Without sudo, with a key of your own behind a passphrase:
  sudo aegisctl keys create --role reviewer --name $agent_user --owner $agent_user | aegisctl login --key - --protect
  sudo aegisctl keys create --role viewer --name $agent_user-reads --owner $agent_user | aegisctl login --key -
How you stand:      aegis doctor; docs/separation.md says what is kept apart and what is not
NEXT
}
