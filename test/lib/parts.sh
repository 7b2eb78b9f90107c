# shellcheck shell=bash
# parts.sh: the real parts a test runs against, after harness.sh. Each start function waits until its part answers.
#
#   h_registry_start reg                       REGISTRY=127.0.0.1:PORT, its storage in $H_TMP/reg, its access log in $H_TMP/log/reg.out
#   h_registry_start priv puller:open-sesame   the same with Basic authentication (that user only)
#   h_front_start 127.0.0.1:PORT [FILE]        FRONT=127.0.0.1:PORT, which stands in front of that registry; what it was asked is in $H_TMP/front.log.
#                                              While FILE exists the tag that stands in it is left out of tag lists
#   h_cluster_start                            etcd and kube-apiserver; KUBE_SERVER, KUBE_CA, ADMIN_KUBECONFIG; audit log $H_TMP/kube/audit.log
#   h_controller_start src ARGS...             the program under test; h_address src artifacts gives what it listens on
#   h_embedded_start src DIR ARGS...           the same with the embedded API; ADMIN_KUBECONFIG
#   h_kustomize_controller_start
#   h_notification_controller_start 127.0.0.1:PORT
#   h_receiver_start hook                      RECEIVER=127.0.0.1:PORT; what is POSTed there is in $H_TMP/hook.posts
#   h_helm_controller_start
#   k get pods                                 kubectl ($KUBECTL) as the administrator

# ---- programs --------------------------------------------------------------------------------------------------------
BUILD=${BUILD:-$H_ROOT/build}
CONTROLLER=${CONTROLLER:-$BUILD/oci-source-controller}
OCICTL=${OCICTL:-$BUILD/ocictl}
KUBECTL=${KUBECTL:-}
HTPASSWD_USER=puller
HTPASSWD_WORD=open-sesame

# Debian's kubectl (1.20 on Debian 12, 1.32 on 13), without touching one that is installed: the package's file in a cache of ours.
h_kubectl_debian()
{
	local package=kubectl cache=${XDG_CACHE_HOME:-$HOME/.cache}/oci-source-controller-e2e/kubectl-debian

	! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || package=kubernetes-client
	if [ "$(dpkg-query -S /usr/bin/kubectl 2>/dev/null)" = "$package: /usr/bin/kubectl" ]; then
		echo /usr/bin/kubectl
		return
	fi
	if [ ! -x "$cache/usr/bin/kubectl" ]; then
		mkdir -p "$cache"
		(cd "$cache" && apt-get download -qq $package && dpkg-deb -x ${package}_*.deb . && rm -f ${package}_*.deb) >/dev/null 2>&1
		[ -x "$cache/usr/bin/kubectl" ] || { h_log "no kubectl: apt-get download $package failed"; return 1; }
	fi
	echo "$cache/usr/bin/kubectl"
}

# h_tool NAME: the directory of a Go tool of test/e2e/tools, built if need be.
h_tool() { "$H_ROOT/test/e2e/tools/build.sh" "$1"; }

k() { KUBECONFIG=$ADMIN_KUBECONFIG "$KUBECTL" --cache-dir="$H_TMP/kubectl-cache" "$@"; }

# ---- registry --------------------------------------------------------------------------------------------------------

# h_registry_start NAME [USER:PASSWORD]: REGISTRY and REGISTRY_PID. The only user there can be is puller:open-sesame.
# A second start of the same NAME goes on with the same storage and the same port. REGISTRY_HOST: another address than 127.0.0.1.
h_registry_start()
{
	local name=$1 host=${REGISTRY_HOST:-127.0.0.1} auth='' port

	if [ -e "$H_TMP/$name.port" ]; then port=$(cat "$H_TMP/$name.port"); else port=$(h_free_port); fi
	mkdir -p "$H_TMP/$name"
	if [ -n "${2:-}" ]; then
		[ "$2" = "$HTPASSWD_USER:$HTPASSWD_WORD" ] || h_die "h_registry_start: only $HTPASSWD_USER:$HTPASSWD_WORD has a password hash here"
		# bcrypt of the password above, four rounds: it is no secret, and the registry is quick to check it.
		echo "$HTPASSWD_USER:"'$2b$04$MIBe72IvSlAggx6Z6XOBOOD8D76fmAJe/vaRsMKgYUv3WLhX./4Ye' >"$H_TMP/$name.htpasswd"
		auth="auth: {htpasswd: {realm: test, path: $H_TMP/$name.htpasswd}}"
	fi
	cat >"$H_TMP/$name.yml" <<-EOF
	version: 0.1
	log: {level: warn, formatter: json, accesslog: {disabled: false}}
	storage:
	  filesystem: {rootdirectory: $H_TMP/$name}
	  delete: {enabled: true}
	  maintenance: {uploadpurging: {enabled: false}}
	http: {addr: '$host:$port'}
	$auth
	EOF
	h_spawn "$name" docker-registry serve "$H_TMP/$name.yml"
	REGISTRY_PID=$H_PID
	REGISTRY=$host:$port
	echo "$port" >"$H_TMP/$name.port"
	h_until 20 h_http_answers "http://$REGISTRY/v2/" || h_die "docker-registry does not answer"
}

h_http_answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "$1")" != 000 ]; }

# h_registry_requests NAME METHOD REGEX: how many requests with this method and a path like this are in the access log.
h_registry_requests() { grep -cE "\"$2 $3( HTTP|\?)" "$H_TMP/log/$1.out"; }

h_front_start()
{
	local port

	port=$(h_free_port)
	FRONT=127.0.0.1:$port
	h_spawn front python3 "$H_ROOT/test/lib/front.py" "$port" "$1" "$H_TMP/front.log" "${2:-}"
	h_until 20 curl -sf "http://$FRONT/v2/" || h_die "what stands in front of the registry does not answer"
}

# ---- Kubernetes ------------------------------------------------------------------------------------------------------

# h_kubeconfig FILE SERVER CA TOKEN
h_kubeconfig()
{
	(umask 077; cat >"$1" <<-EOF
	apiVersion: v1
	kind: Config
	current-context: test
	clusters: [{name: test, cluster: {server: '$2', certificate-authority: '$3'}}]
	users: [{name: test, user: {token: '$4'}}]
	contexts: [{name: test, context: {cluster: test, user: test}}]
	EOF
	)
}

h_etcd_start()
{
	local client peer

	client=$(h_free_port)
	peer=$(h_free_port)
	mkdir -p "$H_TMP/etcd"
	chmod 700 "$H_TMP/etcd"
	h_spawn etcd etcd --name default --data-dir "$H_TMP/etcd" --unsafe-no-fsync \
		--listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
		--listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
		--initial-cluster "default=http://127.0.0.1:$peer"
	ETCD=http://127.0.0.1:$client
	h_until 20 curl -sf "$ETCD/health" || h_die "etcd does not answer"
}

# KUBE_SERVER, KUBE_CA, ADMIN_KUBECONFIG, KUBE_PID, KUBECTL. One audit line per request, without bodies.
h_cluster_start()
{
	local dir=$H_TMP/kube tools token

	tools=$(h_tool kube-apiserver) || h_die "kube-apiserver was not built"
	[ -n "$KUBECTL" ] || KUBECTL=$tools/kubectl
	[ -n "${ETCD:-}" ] || h_etcd_start
	if [ ! -e "$dir/sa.key" ]; then
		mkdir -p "$dir/certs"
		openssl genrsa -out "$dir/sa.key" 2048 2>/dev/null
		openssl rsa -in "$dir/sa.key" -pubout -out "$dir/sa.pub" 2>/dev/null
		openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/client-ca.key" -out "$dir/client-ca.crt" -subj /CN=client-ca -days 30 2>/dev/null
		token=$(openssl rand -hex 16)
		echo "$token,admin,admin,system:masters" >"$dir/tokens.csv"
		cat >"$dir/audit.yaml" <<-EOF
		apiVersion: audit.k8s.io/v1
		kind: Policy
		omitStages: [RequestReceived]
		rules:
		- {level: None, users: ['system:apiserver']}
		- {level: Metadata}
		EOF
		KUBE_PORT=$(h_free_port)
		KUBE_SERVER=https://127.0.0.1:$KUBE_PORT
		KUBE_CA=$dir/certs/apiserver.crt
		ADMIN_KUBECONFIG=$dir/admin.kubeconfig
		h_kubeconfig "$ADMIN_KUBECONFIG" "$KUBE_SERVER" "$KUBE_CA" "$token"
	fi
	h_spawn kube-apiserver "$tools/kube-apiserver" --etcd-servers "$ETCD" --bind-address 127.0.0.1 --secure-port "$KUBE_PORT" \
		--cert-dir "$dir/certs" --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$dir/sa.pub" \
		--service-account-signing-key-file "$dir/sa.key" --token-auth-file "$dir/tokens.csv" --client-ca-file "$dir/client-ca.crt" --authorization-mode RBAC \
		--service-cluster-ip-range 10.96.0.0/16 --endpoint-reconciler-type none --profiling=false \
		--audit-policy-file "$dir/audit.yaml" --audit-log-path "$dir/audit.log" --audit-log-mode blocking ${KUBE_APISERVER_ARGS:-}
	KUBE_PID=$H_PID
	h_until 60 k get --raw /readyz || h_die "kube-apiserver does not become ready"
}

# h_crds_apply FILE...: and wait until the API server serves them.
h_crds_apply()
{
	local f

	for f in "$@"; do
		k apply -f "$f" >/dev/null || h_die "cannot apply $f"
	done
	k wait --for=condition=Established --timeout=30s crd --all >/dev/null || h_die "the CRDs were not established"
}

# h_namespace NAME: a fresh namespace with what a namespace controller would put there.
h_namespace()
{
	k create namespace "$1" >/dev/null || h_die "cannot create namespace $1"
	[ -z "${KUBE_SERVER:-}" ] || k -n "$1" create serviceaccount default >/dev/null
}

# h_sa_kubeconfig FILE NAMESPACE SERVICEACCOUNT: a kubeconfig with a token that the API server issued for the account.
h_sa_kubeconfig()
{
	local token

	token=$(k create --raw "/api/v1/namespaces/$2/serviceaccounts/$3/token" -f - <<<'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":7200}}' |
		jq -r .status.token) || h_die "no token for $2/$3"
	h_kubeconfig "$1" "$KUBE_SERVER" "$KUBE_CA" "$token"
}

# h_audit FILTER: how many requests in the audit log pass a jq filter, as in '.verb == "patch" and .objectRef.subresource == "status"'.
h_audit() { jq -s "[.[] | select($1)] | length" "$H_TMP/kube/audit.log"; }

# ---- the program under test ------------------------------------------------------------------------------------------

# h_controller_start NAME ARGS...: CONTROLLER_PID. Returns at once; h_address waits. All listeners are on free ports unless ARGS says otherwise.
h_controller_start()
{
	local name=$1

	shift
	[ -x "$CONTROLLER" ] || h_die "there is no $CONTROLLER: run make first"
	printf '%s\n' "$(h_log_size "$name")" >"$H_TMP/$name.logstart"
	h_spawn "$name" "$CONTROLLER" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 --receiverAddr=127.0.0.1:0 "$@"
	CONTROLLER_PID=$H_PID
}

# CONTROLLER is a program that can be made to die at a point from then on (lib/base/sys.h): the sanitized build, whatever BUILD is.
h_points_build()
{
	local san=$BUILD

	[ "${BUILD##*/}" = san ] || san=$BUILD/san
	mkdir -p "$san"
	flock "$san" make -s --no-print-directory -C "$H_ROOT" O="$san" SAN=1 "$san/oci-source-controller" >&2 || h_die "no sanitized build"
	CONTROLLER=$san/oci-source-controller
}

# h_seed: SEED, printed; a new one when none is given.
h_seed()
{
	SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	H_CHOICE=$((SEED % 2147483648))
	echo "$H_NAME: SEED=$SEED"
}

# h_choose WORD...: one of them, as SEED says, is CHOSEN. Not $RANDOM: whoever asks for a free port takes of that.
h_choose()
{
	H_CHOICE=$(((H_CHOICE * 1103515245 + 12345) % 2147483648))
	shift $((H_CHOICE / 65536 % $#))
	CHOSEN=$1
}

h_log_size() { if [ -e "$H_TMP/log/$1.err" ]; then stat -c %s "$H_TMP/log/$1.err"; else echo 0; fi; }

# h_log_since_start NAME: what the process wrote since it was started last.
h_log_since_start() { tail -c "+$(($(cat "$H_TMP/$1.logstart") + 1))" "$H_TMP/log/$1.err"; }

# h_address NAME SERVER: the address that the listener (artifacts, metrics, health, embedded-api) chose, from the log.
h_address()
{
	h_until "${WAIT:-30}" h_address_now "$1" "$2" || { h_log "$1 does not listen for $2"; return 1; }
	h_address_now "$1" "$2"
}
h_address_now()
{
	local a

	a=$(h_log_since_start "$1" | grep -F '"msg":"listening"' | jq -r --arg s "$2" 'select(.server == $s) | .address' 2>/dev/null | tail -n 1)
	[ -n "$a" ] || return 1
	echo "$a"
}

# h_embedded_start NAME DIR ARGS...: also sets ADMIN_KUBECONFIG. The state is in $H_TMP/NAME.state and outlives a restart.
h_embedded_start()
{
	local name=$1 dir=$2

	shift 2
	[ -n "$KUBECTL" ] || KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
	rm -f "$H_TMP/$name.state/kubeconfig"
	h_controller_start "$name" --embedded="$dir" --state-dir="$H_TMP/$name.state" "$@"
	ADMIN_KUBECONFIG=$H_TMP/$name.state/kubeconfig
	h_address "$name" embedded-api >/dev/null || h_die "the embedded API did not start"
	h_until 30 k get namespaces || h_die "the embedded API does not answer"
}

h_kustomize_controller_start()
{
	local tools health

	tools=$(h_tool kustomize-controller) || h_die "kustomize-controller was not built"
	health=$(h_free_port)
	RUNTIME_NAMESPACE=flux-system KUBECONFIG=${1:-$ADMIN_KUBECONFIG} h_spawn kustomize-controller \
		"$tools/kustomize-controller" --watch-all-namespaces --log-level=debug --health-addr="127.0.0.1:$health" \
		--metrics-addr=0 --events-addr= --requeue-dependency=2s --concurrent=2
	KUSTOMIZE_CONTROLLER_PID=$H_PID
	h_until 60 curl -sf "http://127.0.0.1:$health/readyz" || h_die "kustomize-controller does not become ready"
}

# The CRDs that come with kustomize-controller's module.
h_kustomize_controller_crds()
{
	local dir

	dir=$(cd "$H_ROOT/test/e2e/tools/kustomize-controller" && GOTOOLCHAIN=local "${GO:-go}" mod download -json github.com/fluxcd/kustomize-controller | jq -r .Dir)
	echo "$dir/config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml"
}

# h_receiver_start NAME: RECEIVER=127.0.0.1:PORT and RECEIVER_PID: takes POSTs, each body a line of $H_TMP/NAME.posts. It answers with the
# status in $H_TMP/NAME.status, 200 when there is none. A second start of the same NAME has the same port.
h_receiver_start()
{
	local name=$1

	[ -e "$H_TMP/$name.port" ] || h_free_port >"$H_TMP/$name.port"
	RECEIVER=127.0.0.1:$(cat "$H_TMP/$name.port")
	touch "$H_TMP/$name.posts"
	h_spawn "$name" python3 "$H_ROOT/test/lib/receiver.py" "${RECEIVER#*:}" "$H_TMP/$name.posts" "$H_TMP/$name.status"
	RECEIVER_PID=$H_PID
	h_until 20 curl -s -o /dev/null "http://$RECEIVER/" || h_die "the receiver does not answer"
}

# h_notification_controller_start ADDRESS: takes events there. NOTIFICATION_CONTROLLER_PID.
h_notification_controller_start()
{
	local tools health

	tools=$(h_tool notification-controller) || h_die "notification-controller was not built"
	health=$(h_free_port)
	RUNTIME_NAMESPACE=flux-system KUBECONFIG=$ADMIN_KUBECONFIG h_spawn notification-controller \
		"$tools/notification-controller" --watch-all-namespaces --events-addr="$1" --receiverAddr="127.0.0.1:$(h_free_port)" \
		--health-addr="127.0.0.1:$health" --metrics-addr=0
	NOTIFICATION_CONTROLLER_PID=$H_PID
	h_until 60 curl -sf "http://127.0.0.1:$health/readyz" || h_die "notification-controller does not become ready"
}

# The CRDs that come with notification-controller's module.
h_notification_controller_crds()
{
	local dir

	dir=$(cd "$H_ROOT/test/e2e/tools/notification-controller" && GOTOOLCHAIN=local "${GO:-go}" mod download -json github.com/fluxcd/notification-controller | jq -r .Dir)
	echo "$dir"/config/crd/bases/notification.toolkit.fluxcd.io_{alerts,providers,receivers}.yaml
}

# Those that come with image-reflector-controller's module.
h_image_reflector_controller_crds()
{
	local dir

	dir=$(cd "$H_ROOT/test/e2e/tools/flux" && GOTOOLCHAIN=local "${GO:-go}" mod download -json github.com/fluxcd/image-reflector-controller | jq -r .Dir)
	echo "$dir"/config/crd/bases/image.toolkit.fluxcd.io_{imagepolicies,imagerepositories}.yaml
}

# GitRepository and ImageUpdateAutomation, with source-controller's and image-automation-controller's modules.
h_git_crds()
{
	local module

	for module in source-controller image-automation-controller; do
		(cd "$H_ROOT/test/e2e/tools/crds" && GOTOOLCHAIN=local "${GO:-go}" mod download -json github.com/fluxcd/$module | jq -r .Dir)
	done | sed -n '1s#$#/config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml#p; 2s#$#/config/crd/bases/image.toolkit.fluxcd.io_imageupdateautomations.yaml#p'
}

# h_helm_controller_start [KUBECONFIG]
h_helm_controller_start()
{
	local tools health

	tools=$(h_tool helm-controller) || h_die "helm-controller was not built"
	health=$(h_free_port)
	RUNTIME_NAMESPACE=flux-system KUBECONFIG=${1:-$ADMIN_KUBECONFIG} h_spawn helm-controller \
		"$tools/helm-controller" --watch-all-namespaces --log-level=debug --health-addr="127.0.0.1:$health" \
		--metrics-addr=0 --events-addr= --requeue-dependency=2s --concurrent=2
	HELM_CONTROLLER_PID=$H_PID
	h_until 60 curl -sf "http://127.0.0.1:$health/readyz" || h_die "helm-controller does not become ready"
}

# The CRDs that come with helm-controller's module.
h_helm_controller_crds()
{
	local dir

	dir=$(cd "$H_ROOT/test/e2e/tools/helm-controller" && GOTOOLCHAIN=local "${GO:-go}" mod download -json github.com/fluxcd/helm-controller | jq -r .Dir)
	echo "$dir/config/crd/bases/helm.toolkit.fluxcd.io_helmreleases.yaml"
}
