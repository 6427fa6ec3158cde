#!/bin/sh
# Made by Aegis's install.sh --service-user.
if [ "$(id -u)" = 0 ] || [ "$(id -un)" = @service_user@ ]; then
  unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS AEGIS_ADMIN_URL AEGIS_SOCKET
  AEGIS_CONFIG_DIR=@config@ AEGIS_DATA_DIR=@data@
  export AEGIS_CONFIG_DIR AEGIS_DATA_DIR
fi
exec @node@ @program@/dist/src/cli/aegisctl.js "$@"
