# Starts a release's containers. Runs on the target itself, which may be another machine: uses its arguments and nothing
# else. May run twice: what runs as it should is left as it is.
start_release() ( # home, engine, installation, network, subnet, bridge, project, service...
    local home="$1" installation="$3" network="$4" subnet="$5" bridge="$6" project="$7" found service lock status=0
    # No configuration of this user's, which could give a proxy's password to every container.
    local -a docker=(env -i "PATH=$PATH" "HOME=${HOME:-/}" "DOCKER_CONFIG=$home/conf" LC_ALL=C "DOCKER_HOST=$2" docker) starting=()
    shift 7
    # One at a time: the platform may start the same containers while the pipeline is on its way. The lock is gone with
    # this subshell, and with the programs that it started.
    exec {lock}<"$home" && flock "$lock" || return 1
    as_wanted "$@" && return 0
    if ! found="$("${docker[@]}" network inspect --format '{{(index .IPAM.Config 0).Subnet}}' "$network" 2>/dev/null)"; then
        # Nobody on it but the platform's own sidecars; they don't see each other, and nothing goes out.
        "${docker[@]}" network create --driver bridge --subnet "$subnet" \
            --opt "com.docker.network.bridge.name=$bridge" \
            --opt com.docker.network.bridge.enable_icc=false \
            --opt com.docker.network.bridge.enable_ip_masquerade=false \
            --opt com.docker.network.bridge.host_binding_ipv4=127.0.0.1 \
            --label "berth.installation=$installation" "$network" >/dev/null || return 1
    elif [[ $found != "$subnet" ]]; then
        echo "network $network has the subnet $found and not $subnet: remove it, and deploy again" >&2
        return 1
    fi
    if [[ ! -f $home/conf/containers/$1 ]] || grep -qs '"environment": *{ *"' -- "$home/variables.json"; then
        start_by_compose "$@"
        return
    fi
    for service in "$@"; do
        start_container "$home/conf/containers/$service" &
        starting+=("$!")
    done
    for service in "${starting[@]}"; do
        wait "$service" || status=1
    done
    return "$status"
)

# Whether all run already, with these very arguments. Of the caller's: docker, installation, home.
as_wanted() { # service...
    local service name label wanted="" found
    local -a names=()
    for service in "$@"; do
        { read -r name && read -r label; } <"$home/conf/containers/$service" || return 1
        names+=("${name#--name=}") wanted+="true $installation ${label##*=}"$'\n'
    done 2>/dev/null
    found="$("${docker[@]}" inspect --type container --format '{{.State.Running}} {{index .Config.Labels "berth.installation"}} {{index .Config.Labels "berth.arguments"}}' -- "${names[@]}" 2>/dev/null)" &&
        [[ $found == "${wanted%$'\n'}" ]]
}

# Of the caller's: docker, installation.
start_container() { # a file with a name, a label over the rest, and the rest of the arguments of `docker run`
    local said taken name label
    local -a arguments
    mapfile -t arguments <"$1" || return 1
    name="${arguments[0]#--name=}" label="${arguments[1]##*=}"
    said="$("${docker[@]}" run --detach --pull never "${arguments[@]}" 2>&1)" && return 0
    if [[ $said == *'is already in use by container'* ]]; then
        taken="$said"
        said="$("${docker[@]}" inspect --format '{{index .Config.Labels "berth.installation"}} {{index .Config.Labels "berth.arguments"}}' -- "$name" 2>&1)"
        case "$said" in
            "$installation $label") said="$("${docker[@]}" start -- "$name" 2>&1)" && return 0 ;;
            "$installation "*)
                said="$("${docker[@]}" rm --force --volumes -- "$name" && "${docker[@]}" run --detach --pull never "${arguments[@]}" 2>&1)" && return 0
                ;;
            # A stranger's: it stays, and the engine's own words name it.
            *) said="$taken" ;;
        esac
    fi
    printf '%s\n' "$said" >&2
    return 1
}

# One that an older Berth brought here: it has variables in a file of their own, or no arguments of `docker run`. Of the caller's: docker, home, project.
start_by_compose() { # service...
    local place
    local -a compose=(docker-compose) variables=()
    for place in /usr/local/lib /usr/local/libexec /usr/lib /usr/libexec; do
        [[ -x $place/docker/cli-plugins/docker-compose ]] && compose=(docker compose) && break
    done
    [[ -f $home/variables.json ]] && variables=(--file "$home/variables.json")
    # An empty environment: compose would put a variable of this process in the place of a `$NAME`.
    "${docker[@]:0:${#docker[@]}-1}" COMPOSE_HTTP_TIMEOUT=60 "${compose[@]}" --project-name "$project" \
        --project-directory "$home" --file "$home/conf/compose.json" ${variables[@]+"${variables[@]}"} \
        up --detach --no-build --no-deps --quiet-pull "$@"
}
