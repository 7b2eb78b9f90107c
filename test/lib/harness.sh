# shellcheck shell=bash
# harness.sh: what every test script starts with. `. "$(dirname "$0")/../lib/harness.sh"`, then checks, then `h_finish`.
#
#   h_spawn registry docker-registry serve config.yml     # a process in the background; its output is $H_TMP/log/registry.{out,err}
#   h_until 10 grep -q listening "$H_TMP/log/registry.err" || h_die "the registry did not start"
#   check_eq "tag list" "1.0.0" "$(curl ...)"             # counts one check, passed or failed, and prints both values when they differ
#   h_finish                                              # "N passed, N failed", exit 1 if one failed
#
# Processes are known by their pid and stopped when the script ends, however it ends; so is $H_TMP removed (KEEP=1 keeps it).
# Nothing sleeps for a guessed time: h_until asks again, every 50 ms or less often (h_rest), until its deadline. Every port is a free one on 127.0.0.1.
# test/lib/parts.sh has the real parts: registry, API server, kustomize-controller, and the controller itself.
set -u
set -o pipefail
export LC_ALL=C

H_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
H_TMP=$(mktemp -d "${TMPDIR:-/tmp}/oci-test.XXXXXX")
H_NAME=$(basename "$0" .sh)
H_PASSED=0
H_FAILED=0
H_PIDS=()
mkdir -p "$H_TMP/log"

h_log() { printf '%s\n' "$*" >&2; }

# Stops the script: something that is no part of what is tested does not work.
h_die()
{
	h_log "$H_NAME: $*"
	H_FAILED=$((H_FAILED + 1))
	h_show_logs
	h_finish
}

# ---- processes -------------------------------------------------------------------------------------------------------

# h_spawn NAME COMMAND...: leaves the pid in H_PID. Output is appended, so that a restarted process keeps its old lines.
h_spawn()
{
	local name=$1

	shift
	"$@" >>"$H_TMP/log/$name.out" 2>>"$H_TMP/log/$name.err" </dev/null &
	H_PID=$!
	H_PIDS+=("$H_PID")
}

h_alive() { kill -0 "$1" 2>/dev/null; }

# h_stop PID [SIGNAL]: SIGTERM (or SIGNAL), SIGKILL after 15 s. Returns the exit status of the process; 124 if it had to be killed.
h_stop()
{
	local pid=$1 killed=0 rc=0

	kill -s "${2:-TERM}" "$pid" 2>/dev/null
	if ! h_until 15 h_gone "$pid"; then
		kill -s KILL "$pid" 2>/dev/null
		killed=1
	fi
	wait "$pid" 2>/dev/null || rc=$?
	h_forget "$pid"
	[ $killed -eq 0 ] || rc=124
	return $rc
}

# A process that has ended but was not waited for yet is still there for kill -0: look at its state.
h_gone()
{
	local stat

	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	case ${stat##*) } in Z*) return 0 ;; esac
	return 1
}

h_forget()
{
	local p keep=()

	for p in "${H_PIDS[@]}"; do
		[ "$p" = "$1" ] || keep+=("$p")
	done
	H_PIDS=(${keep[@]+"${keep[@]}"})
}

# Last started, first stopped.
h_cleanup()
{
	local rc=$? i

	trap - EXIT INT TERM HUP
	for ((i = ${#H_PIDS[@]} - 1; i >= 0; i--)); do
		kill -s TERM "${H_PIDS[i]}" 2>/dev/null
	done
	for ((i = ${#H_PIDS[@]} - 1; i >= 0; i--)); do
		h_until 5 h_gone "${H_PIDS[i]}" || kill -s KILL "${H_PIDS[i]}" 2>/dev/null
		wait "${H_PIDS[i]}" 2>/dev/null
	done
	if [ -n "${KEEP:-}" ]; then
		h_log "kept: $H_TMP"
	else
		umount "$H_TMP"/* 2>/dev/null # a test may have mounted a file system of its own
		chmod -R u+rwx "$H_TMP" 2>/dev/null
		rm -rf "$H_TMP"
	fi
	exit $rc
}
trap h_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The ends of all logs, for a failed run.
h_show_logs()
{
	local f

	for f in "$H_TMP"/log/*; do
		[ -s "$f" ] || continue
		h_log "--- ${f##*/}"
		tail -n "${LOG_LINES:-15}" "$f" | cut -c1-600 >&2
	done
}

# A mount namespace of one's own: `"${H_UNSHARE[@]}" COMMAND...`. In a chroot the root is no mount point whose propagation could be changed.
H_UNSHARE=(unshare --mount --propagation private)
"${H_UNSHARE[@]}" true 2>/dev/null || H_UNSHARE=(unshare --mount --propagation unchanged)

# ---- waiting ---------------------------------------------------------------------------------------------------------

h_now_ms()
{
	local t=${EPOCHREALTIME/./}

	echo "${t%???}"
}

# h_until SECONDS COMMAND...: repeats COMMAND until it succeeds; 1 at the deadline.
h_until()
{
	local asked=${EPOCHREALTIME/./}
	local end=$((asked + $1 * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		h_rest "$asked"
		asked=${EPOCHREALTIME/./}
	done
}

# h_rest ASKED: a pause after a question that began at ASKED (microseconds): twice as long as it took, 50 to 500 ms. A kubectl takes
# a tenth of a second of a processor, and what it asks after needs that too.
h_rest()
{
	local us=$(((${EPOCHREALTIME/./} - $1) * 2))

	[ $us -ge 50000 ] || us=50000
	[ $us -le 500000 ] || us=500000
	sleep "0.$(printf %06d $us)"
}

# h_free_port: prints a port of 127.0.0.1 that nobody listens on. Below the range that the kernel gives to clients. Scripts that run at
# the same time (test/all.sh) have each a share of that: H_SLOT of H_SLOTS, from 0.
h_free_port()
{
	local port hex share=$((14000 / ${H_SLOTS:-1}))

	while :; do
		port=$((18000 + ${H_SLOT:-0} * share + (RANDOM * 32768 + RANDOM) % share))
		hex=$(printf ':%04X ' "$port")
		grep -qs "$hex" /proc/net/tcp /proc/net/tcp6 || break
	done
	echo "$port"
}

# ---- checks ----------------------------------------------------------------------------------------------------------

h_pass()
{
	H_PASSED=$((H_PASSED + 1))
	[ -z "${VERBOSE:-}" ] || h_log "ok    $1"
}

# h_fail NAME WANTED GOT
h_fail()
{
	H_FAILED=$((H_FAILED + 1))
	h_log "FAIL  $H_NAME: $1"
	h_log "      wanted: $2"
	h_log "      got:    $3"
}

check_eq() { if [ "$2" = "$3" ]; then h_pass "$1"; else h_fail "$1" "'$2'" "'$3'"; fi; }
check_ne() { if [ "$2" != "$3" ]; then h_pass "$1"; else h_fail "$1" "not '$2'" "'$3'"; fi; }

# check_le NAME LIMIT NUMBER
check_le() { if [[ $3 =~ ^-?[0-9]+$ ]] && [ "$3" -le "$2" ]; then h_pass "$1"; else h_fail "$1" "at most $2" "'$3'"; fi; }

# check_has NAME PART TEXT: TEXT contains PART literally. check_hasnt: it does not.
check_has() { case $3 in *"$2"*) h_pass "$1" ;; *) h_fail "$1" "…$2…" "'$3'" ;; esac; }
check_hasnt() { case $3 in *"$2"*) h_fail "$1" "nothing of '$2'" "'$3'" ;; *) h_pass "$1" ;; esac; }

# check_match NAME REGEX TEXT: extended regular expression, anywhere in TEXT.
check_match() { if [[ $3 =~ $2 ]]; then h_pass "$1"; else h_fail "$1" "=~ $2" "'$3'"; fi; }

# check_ok NAME COMMAND..., check_fails NAME COMMAND...: by exit status; a surprise shows what the command said.
check_ok()
{
	local name=$1 out rc=0

	shift
	out=$("$@" 2>&1) || rc=$?
	if [ $rc -eq 0 ]; then h_pass "$name"; else h_fail "$name" "success of: $*" "exit $rc: $out"; fi
}
check_fails()
{
	local name=$1 out rc=0

	shift
	out=$("$@" 2>&1) || rc=$?
	if [ $rc -ne 0 ]; then h_pass "$name"; else h_fail "$name" "failure of: $*" "exit 0: $out"; fi
}

# check_soon NAME SECONDS WANTED COMMAND...: COMMAND prints WANTED before the deadline; else its last output is shown.
check_soon()
{
	local name=$1 secs=$2 want=$3 asked end got

	shift 3
	end=$((${EPOCHREALTIME/./} + secs * 1000000))
	while :; do
		asked=${EPOCHREALTIME/./}
		got=$("$@" 2>&1)
		[ "$got" != "$want" ] || break
		if [ "${EPOCHREALTIME/./}" -ge "$end" ]; then
			h_fail "$name" "'$want' within $secs s" "'$got'"
			return 1
		fi
		h_rest "$asked"
	done
	h_pass "$name"
}

# check_soon_match NAME SECONDS REGEX COMMAND...
check_soon_match()
{
	local name=$1 secs=$2 want=$3 asked end got

	shift 3
	end=$((${EPOCHREALTIME/./} + secs * 1000000))
	while :; do
		asked=${EPOCHREALTIME/./}
		got=$("$@" 2>&1)
		[[ ! $got =~ $want ]] || break
		if [ "${EPOCHREALTIME/./}" -ge "$end" ]; then
			h_fail "$name" "=~ $want within $secs s" "'$got'"
			return 1
		fi
		h_rest "$asked"
	done
	h_pass "$name"
}

h_finish()
{
	[ $H_FAILED -eq 0 ] || h_show_logs
	[ $((H_PASSED + H_FAILED)) -gt 0 ] || H_FAILED=1 # a script that checked nothing has not passed
	echo "$H_NAME: $H_PASSED passed, $H_FAILED failed"
	[ $H_FAILED -eq 0 ] || exit 1
	exit 0
}
