# Read by ../../install.sh --uninstall, after common.sh.

# What the service user may have changed is removed as that user.
uninstall_service() {
  [ -f "$facts" ] || fail "Aegis is not installed for a service user under $prefix" 'Without --service-user the installation of this user is meant.'
  . "$facts"
  demand_root
  agent_home=$(home_of "$agent_user")
  node_js=$(readlink -f -- "$(command -v node)")
  stop_service
  if [ -f "$unit" ] && grep -q "$program_dir" "$unit"; then
    systemctl disable --quiet "$unit_name" 2>/dev/null || true
    rm -f "$unit"
    systemctl daemon-reload 2>/dev/null || true
  fi
  if [ -n "$agent_home" ]; then
    as_agent sh -c 'file="$HOME/.config/aegis/agent.json"; if [ -f "$file" ] && grep -q service_user "$file"; then rm -f "$file"; fi'
  fi
  for name in aegis aegisctl; do
    if grep -q '^# Made by Aegis' "$bin_dir/$name" 2>/dev/null; then rm -f "$bin_dir/$name"; fi
  done
  rm -rf "$service_run"
  if [ "$purge" = yes ]; then
    as_service find "$service_config" "$service_data" -mindepth 1 -delete
    rmdir "$service_config" "$service_data"
    [ "$made_user" = no ] || userdel "$service_user"
    say 'removed configuration, keys and evidence'
  else
    say "kept: $service_config, $service_data and user $service_user (--purge removes what Aegis made)"
  fi
  # Last: it holds what a run that failed half way needs again.
  if [ "$purge" = yes ]; then rm -rf "$program_dir"; else find "$program_dir" -mindepth 1 -maxdepth 1 ! -name installed -exec rm -rf {} +; fi
}
