#!/bin/sh
# Puts the database's password, a secret, where PostgreSQL's clients look for it, and becomes the command that follows.
# It is neither in the environment nor among the arguments; `docker compose exec` finds it too.
set -eu
if [ -n "${DATABASE_PASSWORD_FILE:-}" ]; then
    password="$(cat "$DATABASE_PASSWORD_FILE")"
    case "$password" in
    *\\*)
        echo "entrypoint: the password in $DATABASE_PASSWORD_FILE holds a backslash, which libpq and asyncpg read" \
            "differently; choose another" >&2
        exit 2
        ;;
    esac
    (umask 077 && printf '*:*:*:*:%s\n' "$password" >"$PGPASSFILE")
fi
exec "$@"
