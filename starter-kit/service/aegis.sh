#!/bin/sh
# Made by Aegis's install.sh --service-user.
if [ "$(id -u)" = 0 ]; then
  install -d -o @service_user@ -g @agent_group@ -m 2750 @run@
  cd @data@ && exec setsid -w setpriv --reuid=@service_user@ --regid=@service_group@ --clear-groups \
    env -i PATH=@path@ HOME=@data@ LANG=C.UTF-8 AEGIS_CONFIG_DIR=@config@ AEGIS_DATA_DIR=@data@ \
    @node@ @program@/dist/src/cli/aegis.js "$@"
fi
exec @node@ @program@/dist/src/cli/aegis.js "$@"
