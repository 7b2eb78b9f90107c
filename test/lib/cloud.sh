# shellcheck shell=bash
# cloud.sh: the fake of three clouds (test/fake/cloud) and the controller that is sent to it; sourced after harness.sh and parts.sh.
#
#   cloud_fake_start [local=ADDRESS:PORT]...   listens; PROXY, TENANT, NOBODY are its proxies, LOCAL its metadata services, CA its CA
#   world first AWS_REGION=x                   an environment for the controller, and a fake that knows $BASE only
#   answers HOST LIST; settings HOST OBJECT    what differs there (test/fake/cloud/state.py)
#   controller_environment                     CONTROLLER: the program in the world's environment and nothing else
#   settle; ready web; refused api "a word"    what the objects say once all of them have said something
#   asked REGEX                                "sts 200 ecr 200": what of the clouds was asked at hosts like this
#   leave                                      every request was right, no secret was said anywhere, the controller ends well
FAKE=$H_ROOT/test/fake/cloud
DAEMON=$CONTROLLER
SOON=${SOON:-20}

# ---- the fake --------------------------------------------------------------------------------------------------------
cloud_fake_start()
{
	mkdir "$H_TMP/fake" "$H_TMP/home"
	h_spawn fake python3 "$FAKE" serve "$H_TMP/fake" "$@"
	h_until 20 test -e "$H_TMP/fake/ports.json" || h_die "the fake does not listen"
	PROXY=http://127.0.0.1:$(cloud_port proxy) TENANT=http://127.0.0.1:$(cloud_port tenant) NOBODY=http://127.0.0.1:$(cloud_port nobody)
	LOCAL=127.0.0.1:$(cloud_port local) CONTROL=http://127.0.0.1:$(cloud_port control)
	CA=$H_TMP/fake/ca.pem
}
cloud_port() { jq -r ".$1" "$H_TMP/fake/ports.json"; }
script() { curl -sf -d "$1" "$CONTROL/script" || h_die "the fake does not take: $1"; }
answers() { script "{\"hosts\":{\"$1\":{\"answers\":$2}}}"; } # HOST LIST
settings() { script "{\"hosts\":{\"$1\":$2}}"; } # HOST OBJECT
revoke() { curl -sf -d "{\"host\":\"$1\",\"status\":$2}" "$CONTROL/revoke" || h_die "the fake does not revoke"; } # REGISTRY STATUS
fake_log() { curl -sf "$CONTROL/log"; }
# asked PATTERN: what of the clouds was asked at hosts like this, in order. requests: the same with the registries.
asked() { fake_log | jq -r --arg p "$1" 'select(.role != "connect" and .role != "registry" and .role != "realm" and .role != "tls" and (.host | test($p))) | "\(.role) \(.status)"' | paste -sd ' '; }
requests() { fake_log | jq -r --arg p "$1" 'select(.role != "connect" and .role != "tls" and (.host | test($p))) | "\(.role) \(.status)"' | paste -sd ' '; }
ecr() { echo "123456789012.dkr.ecr.$1.amazonaws.com"; } # REGION

# ---- the controller --------------------------------------------------------------------------------------------------
WORLD='' ENVIRONMENT=()
world()
{
	WORLD=$1
	shift
	ENVIRONMENT=("$@")
	mkdir "$H_TMP/$WORLD.objects"
	curl -sf -d '' "$CONTROL/reset" || h_die "the fake cannot be reset"
	script "$BASE"
}
# Nothing of the tester's own environment counts.
controller_environment()
{
	{
		printf '#!/bin/sh\nexec env -i PATH="$PATH" HOME=%q ' "$H_TMP/home"
		printf '%q ' ${LSAN_OPTIONS:+LSAN_OPTIONS="$LSAN_OPTIONS"} HTTPS_PROXY="$PROXY" HTTP_PROXY="$PROXY" SSL_CERT_FILE="$CA" \
			${ENVIRONMENT[@]+"${ENVIRONMENT[@]}"} "$DAEMON"
		printf '"$@"\n'
	} >"$H_TMP/$WORLD.sh"
	chmod 755 "$H_TMP/$WORLD.sh"
	CONTROLLER=$H_TMP/$WORLD.sh
	STARTED=$(h_now_ms)
}

# ---- what the objects say --------------------------------------------------------------------------------------------
NOW=$H_TMP/now.json
look() { k get ocirepositories -A -o json >"$NOW"; }
# settle [SECONDS [PATTERN]]: until every object (or those called like this) has said True or False. TOOK: milliseconds since the start.
settle()
{
	h_until "${1:-$SOON}" settled "${2:-.}" ||
		h_fail "$WORLD: every object has an outcome" all "$(jq -r '.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status != "Unknown") | not) | .metadata.name' "$NOW" | head -n 5 | paste -sd ' ')"
	TOOK=$(($(h_now_ms) - STARTED))
}
settled()
{
	look && jq -e --arg p "$1" '[.items[] | select(.metadata.name | test($p))] | length > 0 and all(.[];
		.metadata.generation as $g | any(.status.conditions[]?; .type == "Ready" and .status != "Unknown" and .observedGeneration == $g))' "$NOW"
}
# said NAME FILTER: of its condition Ready, as it was when we looked last.
said() { jq -r --arg n "$1" ".items[] | select(.metadata.name == \$n) | .status.conditions[]? | select(.type == \"Ready\") | $2" "$NOW"; }
now_said() { look && said "$@"; }
ready() { local n; for n; do check_eq "$WORLD: $n is Ready" "True Succeeded" "$(said "$n" '"\(.status) \(.reason)" + (if .status == "True" then "" else ": " + .message end)')"; done; }
# refused NAME PART...: it could not log in, and says each part, in one line.
refused()
{
	local name=$1 message part

	shift
	message=$(said "$name" .message)
	check_eq "$WORLD: $name is refused" "False AuthenticationFailed" "$(said "$name" '"\(.status) \(.reason)" + (if .reason == "AuthenticationFailed" then "" else ": " + .message end)')"
	for part; do check_has "$WORLD: $name says" "$part" "$message"; done
	check_eq "$WORLD: $name says it in one line" 1 "$(wc -l <<<"$message")"
}
# again NAME [NAMESPACE]: a reconcile request, handled.
again()
{
	AGAIN=$((${AGAIN:-0} + 1))
	k -n "${2:-default}" annotate --overwrite ocirepository "$1" "reconcile.fluxcd.io/requestedAt=$AGAIN" >/dev/null
	h_until "$SOON" handled "$1" "$AGAIN" || h_fail "$WORLD: a request of $1 is handled" "$AGAIN" "$(said "$1" .message)"
}
handled() { look && [ "$(jq -r --arg n "$1" '.items[] | select(.metadata.name == $n) | .status.lastHandledReconcileAt' "$NOW")" = "$2" ]; }
metrics() { curl -s "http://$(h_address_now "$WORLD" metrics)/metrics"; }

leave()
{
	local rc=0

	check_eq "$WORLD: every request was right" "" "$(curl -s "$CONTROL/wrong")"
	kill -s USR1 "$CONTROLLER_PID"
	metrics >"$H_TMP/said"
	k get ocirepositories,events -A -o json >>"$H_TMP/said"
	{
		curl -s "http://$(h_address_now "$WORLD" health)/?limit=500"
		curl -s "http://$(h_address_now "$WORLD" health)/api/objects?limit=500"
		[ ! -e "$H_TMP/hook.posts" ] || cat "$H_TMP/hook.posts"
	} >>"$H_TMP/said"
	check_has "$WORLD: the page was read" "<!doctype html>" "$(tr A-Z a-z <"$H_TMP/said")"
	curl -s "$CONTROL/secrets" >"$H_TMP/secrets"
	check_ne "$WORLD: there are secrets" "" "$(cat "$H_TMP/secrets")"
	h_stop "$CONTROLLER_PID" || rc=$?
	check_eq "$WORLD: the controller ends well" 0 "$rc"
	check_eq "$WORLD: no secret in logs at trace level, conditions, events, notices, metrics, the page" "" "$(cat "$H_TMP/log/$WORLD.err" "$H_TMP/log/$WORLD.out" "$H_TMP/said" | grep -oF -f "$H_TMP/secrets" | sort -u | head -n 3)"
}
