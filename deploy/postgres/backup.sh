#!/bin/sh
# A backup of the transcripts now and every BACKUP_HOURS, each kept BACKUP_DAYS. `backup.sh once` makes one and ends; `backup.sh check` says
# by its exit status whether the newest is young enough. Which database: PGHOST, PGUSER, PGDATABASE, PGPASSWORD_FILE.
set -eu
umask 077

backups() { find "$BACKUP_FOLDER" -maxdepth 1 -name 'wegwijzer-*.dump' "$@"; }

backup() {
    file="$BACKUP_FOLDER/wegwijzer-$(date -u +%Y%m%d-%H%M%S).dump"
    # What was broken off is no backup: it gets its name when it is whole.
    if ! pg_dump --format=custom --file="$file.part"; then
        rm -f "$file.part"
        echo "backup: failed" >&2
        return 1
    fi
    mv "$file.part" "$file"
    # Old ones go only after a new one came.
    backups -mmin "+$((BACKUP_DAYS * 24 * 60))" -exec rm -f {} +
    echo "backup: $file, $(wc -c <"$file") bytes"
}

check() { [ -n "$(backups -mmin "-$((BACKUP_HOURS * 60 + 60))")" ]; }

# In the environment it stands in no list of processes.
[ -z "${PGPASSWORD_FILE:-}" ] || PGPASSWORD=$(cat "$PGPASSWORD_FILE")
export PGPASSWORD="${PGPASSWORD:-}" PGCONNECT_TIMEOUT=10

case ${1:-} in
    once) backup ;;
    check) check ;;
    "") while :; do
        if backup; then sleep "$((BACKUP_HOURS * 3600))"; else sleep 300; fi
    done ;;
    *)
        echo "backup: once, check or nothing" >&2
        exit 2
        ;;
esac
