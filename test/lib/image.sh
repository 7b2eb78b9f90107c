# shellcheck shell=bash
# image.sh: what the tests of GitRepository and of the image kinds share. After parts.sh.
#
#   API=embedded|real|peers   who serves the API and who serves the kinds: the embedded API, a real API server with the rights that deploy/ grants,
#                             or that API server with Flux's own controllers, whose programs PEER_IRC and PEER_NC name, and PEER_SC and PEER_IAC
#                             where there are any
#   CRDS=ours|peers           on a real API server: our CRDs, or those of Flux's modules
#
#   i_start ARGS...           starts what API says; HOOK=127.0.0.1:PORT takes the webhooks. A second call starts the controllers again
#   i_stop [SIGNAL]           stops the controllers
#   i_tags_start              TAGS=127.0.0.1:PORT, a registry that test/lib/tags.py plays: `tags REPO JSON` says what it has.
#                             A second call: another registry with the same tags
#   apply KIND NAME SPEC      as JSON, in namespace $NS
API=${API:-embedded}
CRDS=${CRDS:-ours}
NS=${NS:-image-test}
SOON=${SOON:-20}
HOOK=127.0.0.1:$(h_free_port)
STORAGE=127.0.0.1:$(h_free_port)

kn() { k -n "$NS" "$@"; }
i_cluster_start()
{
	h_cluster_start
	cp -r "$H_ROOT/deploy" "$H_TMP/deploy"
	mkdir "$H_TMP/ours"
	printf 'resources: [../deploy]\ncomponents: [../deploy/git-kinds, ../deploy/image-kinds]\n' >"$H_TMP/ours/kustomization.yaml"
	if [ "$CRDS" = peers ] || [ "$API" = peers ]; then
		i_crds=$(h_image_reflector_controller_crds; h_notification_controller_crds; h_git_crds)
	else
		i_crds=$(ls "$H_ROOT"/deploy/crds/{image,notification}.*.yaml "$H_ROOT"/deploy/crds/*_gitrepositories.yaml)
	fi
	for f in $i_crds; do k apply --server-side --force-conflicts -f "$f" >/dev/null || h_die "cannot apply $f"; done
	if [ "$API" = peers ]; then k apply -f "$H_ROOT/deploy/namespace.yaml"; else k apply --server-side --force-conflicts -k "$H_TMP/ours"; fi >/dev/null ||
		h_die "cannot apply deploy/"
	k wait --for=condition=Established --timeout=30s crd --all >/dev/null || h_die "the CRDs were not established"
	[ "$API" = peers ] || h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
}

i_start()
{
	case $API in
	embedded)
		mkdir -p "$H_TMP/objects"
		h_embedded_start src "$H_TMP/objects" --storage-addr="$STORAGE" --storage-adv-addr="$STORAGE" --receiverAddr="$HOOK" "$@"
		;;
	real)
		[ -n "${KUBE_PID:-}" ] || i_cluster_start
		mkdir -p "$H_TMP/store"
		h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" \
			--storage-addr="$STORAGE" --storage-adv-addr="$STORAGE" --receiverAddr="$HOOK" "$@"
		h_address src artifacts >/dev/null || h_die "the controller did not start"
		;;
	peers)
		[ -n "${KUBE_PID:-}" ] || i_cluster_start
		mkdir -p "$H_TMP/store"
		i_health=127.0.0.1:$(h_free_port)
		RUNTIME_NAMESPACE=flux-system KUBECONFIG=$ADMIN_KUBECONFIG h_spawn src "$PEER_IRC" --watch-all-namespaces --storage-path="$H_TMP/store" \
			--health-addr="$i_health" --metrics-addr=0 --events-addr= "$@"
		CONTROLLER_PID=$H_PID
		RUNTIME_NAMESPACE=flux-system KUBECONFIG=$ADMIN_KUBECONFIG h_spawn nc "$PEER_NC" --watch-all-namespaces --events-addr="127.0.0.1:$(h_free_port)" \
			--receiverAddr="$HOOK" --health-addr="127.0.0.1:$(h_free_port)" --metrics-addr=0
		PEER_PIDS=("$H_PID")
		# It starts with none of its kinds unknown.
		[ -z "${PEER_SC:-}" ] || k apply --server-side --force-conflicts -f "$(dirname "$(h_git_crds | head -n 1)")" >/dev/null || h_die "cannot apply its CRDs"
		[ -z "${PEER_SC:-}" ] || peer_start sc "$PEER_SC" --storage-path="$H_TMP/store-sc" --storage-addr="$STORAGE" --storage-adv-addr="$STORAGE"
		[ -z "${PEER_IAC:-}" ] || peer_start iac "$PEER_IAC"
		h_until 60 curl -sf "http://$i_health/readyz" || h_die "image-reflector-controller does not become ready"
		;;
	esac
	h_until 30 i_hook_listens || h_die "nobody takes webhooks at $HOOK"
}
# peer_start NAME PROGRAM ARGS...
peer_start()
{
	mkdir -p "$H_TMP/store-$1"
	RUNTIME_NAMESPACE=flux-system KUBECONFIG=$ADMIN_KUBECONFIG h_spawn "$1" "$2" --watch-all-namespaces --health-addr="127.0.0.1:$(h_free_port)" \
		--metrics-addr=0 --events-addr= "${@:3}"
	PEER_PIDS+=("$H_PID")
}
i_hook_listens() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "http://$HOOK/hook/none")" = 404 ]; }

i_stop()
{
	local pid

	for pid in ${PEER_PIDS[@]+"${PEER_PIDS[@]}"}; do h_stop "$pid" "$@"; done
	PEER_PIDS=()
	h_stop "$CONTROLLER_PID" "$@"
}

# Where what a stopped controller has scanned is kept.
i_tag_files() { find "$H_TMP/store" "$H_TMP/src.state" -path '*/tags/*' -type f 2>/dev/null; }

i_tags_start()
{
	local port

	port=$(h_free_port)
	TAGS=127.0.0.1:$port
	mkdir -p "$H_TMP/tags"
	h_spawn tags python3 "$H_ROOT/test/lib/tags.py" "$port" "$H_TMP/tags" "$H_TMP/tags.log"
	TAGS_PID=$H_PID
	h_until 20 curl -sf "http://$TAGS/v2/" || h_die "the registry of tags does not answer"
}
tags() { printf '%s' "$2" >"$H_TMP/tags/.new" && mv "$H_TMP/tags/.new" "$H_TMP/tags/${1//\//+}.json"; }
# asked REPO [METHOD]: how many requests of that kind there were for REPO.
asked() { grep -c "^${2:-GET} /v2/$1/" "$H_TMP/tags.log"; }

# ---- objects ---------------------------------------------------------------------------------------------------------
i_version() { case $1 in Receiver) echo notification.toolkit.fluxcd.io/v1 ;; GitRepository) echo source.toolkit.fluxcd.io/v1 ;; *) echo image.toolkit.fluxcd.io/v1 ;; esac; }
manifest()
{
	jq -n --arg kind "$1" --arg name "$2" --argjson spec "$3" --arg version "$(i_version "$1")" \
		'{apiVersion: $version, kind: $kind, metadata: {$name}, $spec}'
}
apply() { manifest "$@" | kn apply -f - >/dev/null || h_die "cannot apply $1 $2"; }
repository() { apply ImageRepository "$1" "$(jq -cn --argjson more "$2" '{interval: "10m"} + $more')"; }
policy() { apply ImagePolicy "$1" "$2"; }
get() { kn get "$1" "$2" -o json 2>&1; }
field() { get "$1" "$2" | jq -r "$3" 2>&1; }
message() { field "$1" "$2" '.status.conditions[]? | select(.type == "Ready") | .message'; }
# outcome KIND NAME: what Ready says about the generation there is now ("True Succeeded"); empty while it is about an older one.
outcome()
{
	field "$1" "$2" '.metadata.generation as $g | .status.conditions[]? | select(.type == "Ready" and .observedGeneration == $g and .status != "Unknown") | "\(.status) \(.reason)"'
}
conditions() { field "$1" "$2" '[.status.conditions[]? | "\(.type)=\(.status)/\(.reason)"] | sort | join(" ")'; }
count() { field imagerepository "$1" '.status.lastScanResult.tagCount'; }
chosen() { field imagepolicy "$1" '.status.latestRef.tag // empty'; }
# request KIND NAME: asks for a run as `flux reconcile` does, and waits until it was handled.
I_REQUEST=0
request()
{
	I_REQUEST=$((I_REQUEST + 1))
	kn annotate --overwrite "$1" "$2" "reconcile.fluxcd.io/requestedAt=request-$I_REQUEST" >/dev/null
	h_until "$SOON" i_handled "$1" "$2" "request-$I_REQUEST" ||
		h_fail "$1 $2: the request is handled" "request-$I_REQUEST" "$(field "$1" "$2" .status.lastHandledReconcileAt)"
}
i_handled() { [ "$(field "$1" "$2" .status.lastHandledReconcileAt)" = "$3" ]; }
hook_path() { field receiver "$1" '.status.webhookPath // empty'; }
hook() { curl -s -o /dev/null -w '%{http_code}' --max-time 20 "${@:2}" "http://$HOOK$(hook_path "$1")"; }
