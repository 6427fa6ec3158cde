# Read by ../../install.sh --uninstall, after common.sh and agents.sh.

# Root may have an installation of its own beside the service: only words tell them apart, and one purged is gone.
which_uninstall() {
  [ -z "$service_user" ] || [ "$own" = no ] || fail '--own and --service-user exclude each other' './install.sh --help' 2
  if [ "$(id -u)" != 0 ] || [ ! -f "$facts" ]; then
    [ -z "$service_user" ] || demand_root
    [ -z "$service_user" ] || fail "Aegis is not installed for a service user under $prefix" 'Without --service-user the installation of this user is meant.'
    own=yes
    return
  fi
  there=$(fact service_user)
  [ -z "$service_user" ] || [ "$service_user" = "$there" ] ||
    fail "Aegis is installed here for user $there, not for $service_user; nothing was removed" "$0 --uninstall --service-user $there" 2
  [ -z "$service_user" ] || return 0
  [ "$config_dir" != "$(fact service_config)" ] && [ "$data_dir" != "$(fact service_data)" ] || {
    [ "$own" = no ] || fail "$config_dir is that of user $there; nothing was removed" "$0 --uninstall --service-user $there" 2
    return 0
  }
  if [ "$own" = no ] && { [ -e "$config_dir/aegis.yaml" ] || [ -e "$data_dir/aegis.db" ]; }; then
    fail "there are two installations: that of user $there ($(fact service_config), $(fact service_data)), and one of your own ($config_dir, $data_dir); nothing was removed" \
      "Say which: $0 --uninstall --service-user $there, or $0 --uninstall --own" 2
  fi
}

# Of the settings on stdin, before they are removed. Nothing of them is shown: the URL of a database may hold a password.
evidence_elsewhere() {
  case $(sed -n 's/^store: *["'\'']\{0,1\}//p') in
    postgres*) say 'kept: the evidence in PostgreSQL; who administers that database can remove it' ;;
    */*) say 'kept: evidence in the file that `store` in aegis.yaml names, where that is in another folder' ;;
  esac
}

# What Aegis did not make is left, and so is the folder it is in.
say_left() {
  for folder in "$@"; do
    [ ! -d "$folder" ] || say "left in $folder, since Aegis does not know it: $(ls -Aq "$folder" | tr '\n' ' ')"
  done
}

uninstall_own() {
  for folder in "$config_dir" "$data_dir"; do
    [ "$(id -u)" != 0 ] || [ ! -e "$folder" ] || [ -O "$folder" ] || fail "$folder is not root's; nothing was removed" 'Type this as its owner.'
  done
  if [ "$purge" = yes ]; then say "removing with all keys and evidence what Aegis made in $config_dir and $data_dir"; fi
  if [ -f "$aegis_js" ] && [ -f "$config_dir/aegis.yaml" ]; then aegis stop; fi
  unlink_ours aegis "$aegis_js"
  unlink_ours aegisctl "$aegisctl_js"
  if [ "$purge" = no ]; then
    say "kept: $config_dir and $data_dir (--purge removes what Aegis made there)"
    return
  fi
  [ ! -f "$config_dir/aegis.yaml" ] || evidence_elsewhere <"$config_dir/aegis.yaml"
  for name in aegis.yaml installation.key client.json agent.json forge-app.pem forge-app.pub log.key log.key.next log.vkey; do rm -f "$config_dir/$name"; done
  rm -f "$config_dir"/aegis.yaml.backup-* "$config_dir"/*.new
  rm -rf "$data_dir/forge"
  rm -f "$data_dir"/aegis.db* "$data_dir/aegis.log" "$data_dir/aegis.pid" "$data_dir/aegis.sock" "$data_dir"/log.checkpoint*
  # Only where nothing else is left in them.
  rmdir "$config_dir" "$data_dir" 2>/dev/null || true
  say "removed configuration, keys and evidence: $config_dir, $data_dir"
  say_left "$config_dir" "$data_dir"
}

# Both folders are the service's alone: everything in them goes. What the service user may have changed is removed as that user.
purge_service() {
  as_service cat "$service_config/aegis.yaml" 2>/dev/null | evidence_elsewhere
  as_service find "$service_config" "$service_data" -mindepth 1 -delete || true
  rmdir "$service_config" "$service_data" ||
    fail "user $service_user could not remove everything; left are $(ls -Admq "$service_config"/* "$service_data"/* 2>/dev/null | tr '\n' ' ')" 'Look at it and remove it, then run this again.'
  [ "$made_user" = no ] || userdel "$service_user"
  say "removed configuration, keys and evidence: $service_config, $service_data"
  if [ "$made_user" = no ]; then say "kept: user $service_user, who was there before"; else say "removed user $service_user"; fi
}

remove_unit() {
  [ -f "$unit" ] && grep -q "$program_dir" "$unit" || return 0
  systemctl disable --quiet "$unit_name" 2>/dev/null || true
  rm -f "$unit"
  systemctl daemon-reload 2>/dev/null || true
}

uninstall_service() {
  demand_root
  . "$facts"
  node_js=$(readlink -f -- "$(command -v node)")
  say "removing the installation for user $service_user: $program_dir, $bin_dir/aegis, $bin_dir/aegisctl, $service_run"
  if [ "$purge" = yes ]; then say "removing with all keys and evidence: $service_config, $service_data"; fi
  stop_service
  remove_unit
  for name in $agent_user ${former_agents:-}; do take_back_key "$name"; done
  for name in aegis aegisctl; do
    if grep -q '^# Made by Aegis' "$bin_dir/$name" 2>/dev/null; then rm -f "$bin_dir/$name"; fi
  done
  rm -rf "$service_run"
  # The facts last: they are what a run that failed half way needs again.
  if [ "$purge" = yes ]; then
    purge_service
    rm -rf "$program_dir"
  else
    find "$program_dir" -mindepth 1 -maxdepth 1 ! -name installed -exec rm -rf {} +
    say "kept: $service_config, $service_data, user $service_user and $program_dir/installed (--purge removes them, with keys and evidence)"
  fi
  say "removed $program_dir, $bin_dir/aegis, $bin_dir/aegisctl, $service_run"
}
