#!/bin/sh
# The same as ../install.sh, for those who start here.
exec "$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)/../install.sh" "$@"
