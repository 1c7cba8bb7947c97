#!/bin/sh
# Makes the secrets that compose.scale.yml hands to its containers, in deploy/secrets/. What is there already stays.
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"

# Readable for the users of the containers; on this machine nobody else gets into the folder.
keep() {
    if [ ! -e "$folder/$1" ]; then
        printf '%s\n' "$2" >"$folder/$1.new"
        chmod 444 "$folder/$1.new"
        mv "$folder/$1.new" "$folder/$1"
        echo "made $folder/$1"
    fi
}

# Without signs that mean something in an address or in Redis' file of settings.
random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

keep redis_password "$(random)"
keep redis_url "redis://:$(cat "$folder/redis_password")@redis:6379/0"
keep postgres_password "$(random)"
keep database_url "postgresql://wegwijzer:$(cat "$folder/postgres_password")@postgres/wegwijzer"
keep transcript_key "$(head -c 32 /dev/urandom | base64)"
keep web_secret "$(random)"
keep telegram_secret "$(random)"
echo "Keep a copy of $folder/transcript_key elsewhere: who loses it loses the texts of the transcripts."
