#!/bin/sh
# embed.sh PRELUDE SCRIPT...: the scripts, each behind the prelude, as one C table in the order given.
prelude=$1
shift
quote() { sed -e '/^ *--/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' "$@"; }
printf '/* Made by embed.sh from common/lua. */\n#include "common/scripts.h"\n\n'
printf 'const char *const sw_script_text[] = {\n'
for script; do
    quote "$prelude" "$script"
    printf '    ,\n'
done
printf '};\n'
