#!/bin/sh
# Replaces the replicas of a running cluster, one after the other, by new ones of the image and
# the compose file as they are here. Streams go on meanwhile.
#
# A new replica serves before an old one is stopped. One that does not get ready within
# STEPWIRE_PATIENCE seconds, 60 otherwise, is taken away again, and the script ends with 1.
# COMPOSE_PROJECT_NAME names the project, as for compose.
set -eu
cd "$(dirname "$0")/.."
export COMPOSE_PROFILES=cluster
patience=${STEPWIRE_PATIENCE:-60}

if docker compose version >/dev/null 2>&1; then
    compose() { docker compose "$@"; }
else
    compose() { docker-compose "$@"; }
fi

replicas() { compose ps --quiet replica | sort; }

# add COUNT: starts one more replica, so that there are COUNT; prints its container.
add() {
    before=$(mktemp)
    replicas >"$before"
    compose up --detach --no-deps --no-recreate --scale "replica=$1" replica >/dev/null 2>&1
    replicas | comm -13 "$before" -
    rm "$before"
}

# await_ready CONTAINER: the image's own check, asked more often.
await_ready() {
    deadline=$(($(date +%s) + patience))
    until docker exec "$1" python -m service.healthcheck >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

name() { docker inspect --format '{{.Name}}' "$1" | cut -c2-; }

# take_away CONTAINER: it has as long to drain as the compose file says.
take_away() {
    docker stop "$1" >/dev/null
    docker rm "$1" >/dev/null
}

old=$(replicas)
count=$(echo "$old" | grep -c .) || {
    echo "no replica is running: docker compose --profile cluster up --detach --scale replica=3" >&2
    exit 1
}
for replica in $old; do
    replaced=$(name "$replica")
    new=$(add $((count + 1)))
    [ -n "$new" ] || {
        echo "compose started no new replica" >&2
        exit 1
    }
    await_ready "$new" || {
        docker logs --tail 20 "$new" >&2
        echo "$(name "$new") was not ready within $patience s: $replaced goes on" >&2
        take_away "$new"
        exit 1
    }
    take_away "$replica"
    echo "$(name "$new") in the place of $replaced"
done
