#!/usr/bin/env bash
# Rendered by Berth. Puts one approved commit and its configuration on each target and starts its containers beside
# those that run. Runs in the checkout of the management repository. May run twice: what is done is left as it is.
#
# Exit status: 0 it runs; 3 the plugin's tree must not be deployed ("berth: refused: ..."); 1 anything else
# ("berth: failed: ..."). Secrets come as variables and go to programs as environment or input, never as arguments.
set -euo pipefail
export LC_ALL=C
umask 022

refused() {
    printf 'berth: refused: %s\n' "$1" >&2
    exit 3
}

failed() {
    printf 'berth: failed: %s\n' "$1" >&2
    exit 1
}

say() {
    printf 'berth: %s\n' "$1"
}

# Ends with one clear line for what a program said; a full disk is named as such.
explained() { # what, where, what the program said
    tail -n 20 <<<"$3" >&2
    if grep -qi 'no space left on device\|disk quota exceeded' <<<"$3"; then
        failed "$1: the disk is full on $2: free space there and deploy again"
    fi
    if grep -qi 'no such image\|pull access denied' <<<"$3"; then
        failed "$1: an image is gone from $2: an operator must run manage.py build_images, then deploy the release again"
    fi
    if grep -qi 'timed out\|connection refused\|connection reset\|could not resolve\|temporary failure\|early eof\|hung up\|returned error: 5\|cannot connect to the docker daemon\|couldn.t connect to docker' <<<"$3"; then
        printf 'berth: retry: this may pass by itself\n' >&2
    fi
    failed "$1 on $2"
}

# Runs a command whose output is of interest only where it fails. It is kept in memory: the disk may be what is full.
attempt() { # what, where, command...
    local what="$1" where="$2" output
    shift 2
    output="$("$@" 2>&1)" || explained "$what" "$where" "$output"
}

require() { # variable, pattern that its whole value must match
    local value="${!1-}"
    [[ -n $value ]] || failed "$1 is not set: the platform sets it when it makes the pipeline"
    [[ $value =~ ^($2)$ ]] || failed "$1 is not valid: the platform sets it when it makes the pipeline"
}

require BERTH_INSTALLATION '[a-z0-9][a-z0-9-]{0,100}'
require BERTH_RELEASE '[1-9][0-9]{0,8}'
require BERTH_ENVIRONMENT 'test|production'
require BERTH_COMMIT '[0-9a-f]{40}'
require BERTH_PROJECT '[a-z0-9][a-z0-9-]{0,100}'
require BERTH_NETWORK '[a-z0-9][a-z0-9-]{0,100}'
require BERTH_SUBNET '[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}'
require BERTH_BRIDGE 'pa-[0-9a-f]{10}'
services='(live|standby)-(web|app)( (live|standby)-(web|app))*'
require BERTH_START "$services"
require BERTH_MAX_FILES '[1-9][0-9]{0,8}'
require BERTH_MAX_BYTES '[1-9][0-9]{0,14}'
require BERTH_CODE_URL '[^[:space:][:cntrl:]]+'
[[ -n ${BERTH_TARGETS-} ]] || failed "BERTH_TARGETS is not set: the platform sets it when it makes the pipeline"
BERTH_DOCKER_HOST="${BERTH_DOCKER_HOST:-unix:///var/run/docker.sock}"
[[ $BERTH_DOCKER_HOST =~ ^(unix|tcp|ssh)://[A-Za-z0-9@:/._-]+$ ]] || failed "BERTH_DOCKER_HOST is not valid"

case "$BERTH_CODE_URL" in
    http://*@* | https://*@*) failed "BERTH_CODE_URL has a user in it: credentials go into BERTH_CODE_TOKEN" ;;
    http://* | https://*) protocols=http:https ;;
    file://*)
        [[ ${BERTH_ALLOW_FILE_URL-} == 1 ]] || failed "BERTH_CODE_URL must be http:// or https://"
        protocols="file"
        ;;
    *) failed "BERTH_CODE_URL must be http:// or https://" ;;
esac

# In the checkout, which the runner clears away even where this script is killed; the sockets' paths must be short.
scratch="$(pwd -P)/.berth.$$"
sockets="/tmp/berth.$$.$RANDOM$RANDOM"
trap 'rm -rf -- "$scratch" "$sockets"' EXIT
trap 'exit 143' TERM INT HUP
(umask 077 && attempt "a scratch directory can't be made" "the runner" mkdir -- "$scratch" "$sockets")
repository="$scratch/repository"
release="$scratch/release"
tree="$release/code"
attempt "the scratch directory can't be filled" "the runner" mkdir -- "$repository" "$release" "$tree" "$scratch/home"

# ---------------------------------------------------------------- the approved commit, and no other

pointer="$(git ls-tree HEAD -- codes | awk '{print $1, $3}')" || failed "the management repository has no commit"
[[ $pointer == "160000 $BERTH_COMMIT" ]] ||
    failed "codes points to ${pointer#* } and not to the approved commit $BERTH_COMMIT"
for file in compose.json nginx.conf seccomp.json; do
    [[ -f conf/$file && ! -L conf/$file ]] || failed "conf/$file is missing from the management repository"
done

# git as it is used on a hostile repository: no configuration but this, no hook, no filter, no submodule, no redirect.
guarded_git() {
    local -a settings=(
        credential.helper ""
        # shellcheck disable=SC2016 # the helper's own shell expands it
        credential.helper '!answer() { [ "$1" = get ] && printf "username=berth\npassword=%s\n" "$BERTH_CODE_TOKEN"; }; answer'
        core.hooksPath /dev/null core.fsmonitor false core.protectHFS true core.protectNTFS true core.symlinks true
        core.autocrlf false core.attributesFile /dev/null safe.bareRepository explicit submodule.recurse false
        fetch.recurseSubmodules false protocol.version 2 http.followRedirects false http.lowSpeedLimit 1000
        http.lowSpeedTime 20 transfer.bundleURI false transfer.fsckObjects true fetch.fsck.zeroPaddedFilemode ignore
        fetch.fsck.missingSpaceBeforeDate ignore fetch.fsck.badTimezone ignore fetch.fsck.missingEmail ignore
        core.fsync none gc.auto 0 maintenance.auto false advice.detachedHead false
    )
    local -a assignments=() && local index
    for ((index = 0; index < ${#settings[@]}; index += 2)); do
        assignments+=("GIT_CONFIG_KEY_$((index / 2))=${settings[index]}" "GIT_CONFIG_VALUE_$((index / 2))=${settings[index + 1]}")
    done
    # The token is exported in a subshell, so that it is no argument of any process, not even of env.
    (
        unset "${!GIT_@}"
        export "${assignments[@]}" GIT_CONFIG_COUNT=$((${#settings[@]} / 2)) BERTH_CODE_TOKEN="${BERTH_CODE_TOKEN-}"
        export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1
        export GIT_ALLOW_PROTOCOL="$protocols" GIT_NO_REPLACE_OBJECTS=1 GIT_ATTR_NOSYSTEM=1 HOME="$scratch/home"
        git --git-dir="$repository" "$@"
    )
}

make_repository() {
    guarded_git init --quiet --bare --template= -- "$repository" && mkdir -p -- "$repository/info" &&
        # The tree is deployed byte for byte as it was reviewed: its own attributes may not change a file or leave one out.
        printf '* -text -eol -ident -filter -working-tree-encoding -export-ignore -export-subst\n' >"$repository/info/attributes"
}

fetch_commit() {
    # No file that git writes may be larger than what is allowed, compressed or not. The unit of ulimit is a KiB.
    ulimit -f $((BERTH_MAX_BYTES / 1024 + 16384))
    guarded_git fetch --quiet --depth 1 --no-tags --no-recurse-submodules --no-write-fetch-head -- "$BERTH_CODE_URL" "$BERTH_COMMIT"
}

attempt "a repository can't be made" "the runner" make_repository
if ! output="$(fetch_commit 2>&1)"; then
    if grep -qi 'file size limit\|signal 25\|file too large' <<<"$output"; then
        refused "too large: the commit has more than $BERTH_MAX_BYTES bytes"
    fi
    if grep -qi 'fsck error\|unpack-objects.*failed' <<<"$output" && [[ ! $output =~ [Nn]o\ space\ left ]]; then
        refused "git finds the commit malformed: $(grep -i -m 1 '^error: object' <<<"$output" | tr -cd '[:print:]')"
    fi
    if grep -qi 'not our ref\|unadvertised object\|remote error: upload-pack' <<<"$output"; then
        refused "commit $BERTH_COMMIT is gone from the code repository: push it again or request another release"
    fi
    explained "the approved commit can't be fetched from the code repository" "the runner" "$output"
fi
[[ "$(guarded_git cat-file -t "$BERTH_COMMIT" 2>/dev/null)" == commit ]] || refused "$BERTH_COMMIT is not a commit"
say "fetched $BERTH_COMMIT"

# ---------------------------------------------------------------- the tree, before a file of it is written

shown() { # a path, made harmless for a log
    printf '%q' "$1"
}

# The very program that the platform ran before the review, on what was fetched now. Each of its errors is one line.
check_tree() {
    python3 -I check_tree.py --git-dir="$repository" --commit="$BERTH_COMMIT" --max-files="$BERTH_MAX_FILES" \
        --max-bytes="$BERTH_MAX_BYTES" --refusals-only >"$scratch/findings" 2>"$scratch/size"
}
command -v python3 >/dev/null || failed "python3 is missing on the runner: an operator must install it"
verdict=0
check_tree || verdict=$?
case "$verdict" in
    0) ;;
    3)
        python3 -I -c 'import json, sys
for line in sys.stdin:
    found = json.loads(line)
    if found["severity"] == "error":
        print("berth: refused: " + found["message"], file=sys.stderr)' <"$scratch/findings"
        exit 3
        ;;
    *) explained "the commit's tree can't be checked" "the runner" "$(<"$scratch/size")" ;;
esac
mapfile -d '' -t links < <(guarded_git ls-tree -r -z --full-tree "$BERTH_COMMIT" | sed -zn 's/^120000 [^\t]*\t//p')

# ---------------------------------------------------------------- the tree, written and checked again

write_tree() {
    guarded_git --work-tree="$tree" read-tree "$BERTH_COMMIT" && guarded_git --work-tree="$tree" checkout-index --all --force
}
output="$(write_tree 2>&1)" || {
    # What this machine's file system does not take is the developer's to rename.
    if grep -qi 'invalid path\|file name too long' <<<"$output"; then
        refused "a name can't be written to a disk: $(grep -i -m 1 'invalid path\|file name too long' <<<"$output" | tr -cd '[:print:]')"
    fi
    explained "the commit's files can't be written" "the runner" "$output"
}
for link in ${links[@]+"${links[@]}"}; do
    [[ "$(realpath -m -- "$tree/$link")/" == "$tree"/* ]] || refused "$(shown "$link") is a link that leaves the tree: remove it"
done
stranger="$(find "$tree" ! -type f ! -type d ! -type l -print -quit)"
[[ -z $stranger ]] || refused "$(shown "${stranger#"$tree"/}") is neither a file, a directory nor a link"
stranger="$(find "$tree" -type f \( -links +1 -o -perm /7000 \) -print -quit)"
[[ -z $stranger ]] || refused "$(shown "${stranger#"$tree"/}") is a hard link or has special permissions"

attempt "the configuration can't be written" "the runner" cp -R -- conf "$release/conf"
chmod -R u=rwX,go=rX -- "$release"
# The engine enters as root; on the host nobody else needs to.
chmod 0700 -- "$release"
secret="BERTH_VARIABLES_${BERTH_ENVIRONMENT^^}"
write_variables() { # the plugin's variables: nobody enters the directory that they lie in but the engine
    local file="$release/variables.php"
    (umask 077 && base64 -d <<<"${!secret}" | gzip -dc >"$file") && chmod 0444 -- "$file"
}
[[ -n ${!secret-} ]] || failed "$secret is not set: the platform sets it before it makes the pipeline"
attempt "the variables can't be written" "the runner" write_variables
say "checked $(<"$scratch/size")"

# ---------------------------------------------------------------- on each target

@START_RELEASE@
deliver() { # transport, address, home, service...
    local transport="$1" address="$2" home="$3" port=22
    local -a ssh=() copy=(--archive --checksum --delete --no-owner --no-group)
    local -a arguments=("$BERTH_DOCKER_HOST" "$BERTH_INSTALLATION" "$BERTH_NETWORK" "$BERTH_SUBNET" "$BERTH_BRIDGE" "$BERTH_PROJECT")
    shift 3
    [[ $home =~ ^/[A-Za-z0-9._/-]+$ && /$home/ != */../* ]] || failed "BERTH_TARGETS names a home that is not valid"
    if [[ $transport == local ]]; then
        attempt "$home can't be made" "$address" mkdir -p -- "$home"
        attempt "the release can't be copied" "$address" rsync "${copy[@]}" -- "$release/" "$home/"
        attempt "the containers can't be started" "$address" start_release "$home" "${arguments[@]}" "$@"
        return
    fi
    [[ $address =~ ^([a-z_][a-z0-9_-]*@[A-Za-z0-9][A-Za-z0-9.-]*):([0-9]{1,5})$ ]] || failed "BERTH_TARGETS names an address that is not user@host:port"
    address="${BASH_REMATCH[1]}" port="${BASH_REMATCH[2]}"
    [[ -f ${BERTH_SSH_KEY-} && -f ${BERTH_SSH_KNOWN_HOSTS-} ]] || failed "$address needs the file variables BERTH_SSH_KEY and BERTH_SSH_KNOWN_HOSTS"
    # ssh wants a key that only its owner reads; a runner's file variable may be open to more.
    [[ -f $scratch/key ]] || (umask 077 && cat -- "$BERTH_SSH_KEY" >"$scratch/key")
    # One connection for the copy and the start.
    ssh=(ssh -F none -p "$port" -i "$scratch/key" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=10
        -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=$BERTH_SSH_KNOWN_HOSTS" -o GlobalKnownHostsFile=/dev/null
        -o ControlMaster=auto -o "ControlPath=$sockets/%C" -o ControlPersist=20 -o ServerAliveInterval=15 -o LogLevel=ERROR)
    attempt "$home can't be made" "$address" "${ssh[@]}" -- "$address" "mkdir -p -- $home"
    attempt "the release can't be copied" "$address" rsync "${copy[@]}" --rsh="${ssh[*]}" -- "$release/" "$address:$home/"
    start_there() {
        {
            declare -f start_release as_wanted start_container start_by_compose
            printf '%q ' start_release "$home" "${arguments[@]}" "$@"
        } | "${ssh[@]}" -- "$address" bash -s
    }
    attempt "the containers can't be started" "$address" start_there "$@"
    "${ssh[@]}" -O exit -- "$address" >/dev/null 2>&1 || true
}

# A line of BERTH_TARGETS: `local HOME [SERVICE...]` or `ssh USER@HOST:PORT HOME [SERVICE...]`.
while read -r transport rest; do
    case "$transport" in
        '') continue ;;
        local) address="this machine" ;;
        ssh) read -r address rest <<<"$rest" ;;
        *) failed "BERTH_TARGETS names the transport $(shown "$transport"), which is neither local nor ssh" ;;
    esac
    read -r home own <<<"$rest"
    [[ ${own:-$BERTH_START} =~ ^$services$ ]] || failed "BERTH_TARGETS names services that are not valid"
    read -r -a start <<<"${own:-$BERTH_START}"
    deliver "$transport" "$address" "$home" "${start[@]}" </dev/null
    say "started ${start[*]} on $address"
done <<<"$BERTH_TARGETS"
say "release $BERTH_RELEASE is started in $BERTH_ENVIRONMENT"
