# Completion of slipway for bash: roles, commands, their words and options; tests/test_man.py holds it against every --help.

_slipway() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at i words=''
    local roles='ingress parser auth executor responder notifier refresher'
    local names="all $roles token state $(printf 'curve-%s ' $roles)"
    local filters='--actor --reason --installation --since'
    COMPREPLY=()
    # Bash splits --actor=auth into three words.
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] && return
    done
    if ((COMP_CWORD == 1)); then
        words="$roles up status doctor parse keys acl manifest trace audit send dead version --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
    fi
    at=${COMP_WORDS[1]}
    case $at in
    keys | dead) ((COMP_CWORD > 2)) && at+=" ${COMP_WORDS[2]}" ;;
    esac
    case $before in
    --actor) words=${roles#ingress } at='' ;;
    --reason) words='refused poison unknown_kind newer_version malformed too_big' at='' ;;
    --replicas) words=$(printf '%s= ' $roles) at='' ;;
    --last | --user | --pipeline | --installation | --since | --timeout | --url | --team | --channel | --name | --command) return ;;
    esac
    case $at in
    '') ;;
    up) words='--replicas' ;;
    status) words='--watch --json' ;;
    doctor | trace | version) words='--json' ;;
    parse) words='-- - --table' ;;
    manifest) words='--name --command' ;;
    audit) words='--json --last --user --pipeline' ;;
    send) words='--url --team --user --channel --wait --timeout --json --' ;;
    dead) words='list show retry drop' ;;
    'dead list') words="--json $filters" ;;
    'dead show') words='--json' ;;
    'dead retry' | 'dead drop') words="--json --all --yes $filters" ;;
    keys) words='init curve list add rotate reseal retire' ;;
    'keys list') words='--json' ;;
    'keys add') words=$names ;;
    'keys rotate') words="$names --offline" ;;
    'keys reseal') words='--timeout' ;;
    'keys retire') words='--offline' ;;
    acl)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        [[ $cur == -* ]] && COMPREPLY=(--help)
        return
        ;;
    'keys '*) ;;
    *) [[ " $roles " == *" $at "* ]] || return ;;
    esac
    [[ -n $at ]] && words+=' --help'
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    # ROLE= goes on with a number.
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _slipway slipway
