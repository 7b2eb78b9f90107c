#!/usr/bin/env bash
# The program as its flags set it up: the defaults of --embedded, the limits of an artifact, Flux's other flags, signals.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/rawpush.sh"
SOON=${SOON:-20}
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
object()
{
	jq -n --arg name "$1" --arg tag "$2" --arg url "oci://$REGISTRY/app" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: {interval: "10m", url: $url, ref: {tag: $tag}}}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
mkdir "$H_TMP/many" "$H_TMP/wide" "$H_TMP/noise" "$H_TMP/small"
for i in 1 2 3 4 5; do echo $i >"$H_TMP/many/$i.yaml"; done
head -c 300000 /dev/zero >"$H_TMP/wide/zeros"
head -c 100000 /dev/urandom >"$H_TMP/noise/noise"
echo small >"$H_TMP/small/file.yaml"
for d in many wide noise small; do
	"$OCICTL" push "oci://$REGISTRY/app:$d" --path="$H_TMP/$d" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push $d"
done

# ---- --embedded alone: no folder, the state where the XDG specification has it ---------------------------------------
export XDG_STATE_HOME=$H_TMP/xdg
h_controller_start src --embedded --artifact-max-size=50k --artifact-max-expanded-size=200k --artifact-max-entries=4 --artifact-digest-algo=sha512 \
	--helm-cache-max-size=10 --helm-index-max-size=1 --gc-interval=10 --events-addr=http://127.0.0.1:1/ --enable-leader-election --requeue-dependency=5s
STATE=$XDG_STATE_HOME/oci-source-controller
ADMIN_KUBECONFIG=$STATE/kubeconfig
h_until 30 k get namespaces || h_die "the embedded API does not answer where XDG_STATE_HOME says"
check_eq "the kubeconfig is for its owner only" 600 "$(stat -c %a "$ADMIN_KUBECONFIG")"
check_eq "and so is what it is kept in" 700 "$(stat -c %a "$STATE")"
for f in helm-cache-max-size helm-index-max-size gc-interval; do
	check_eq "--$f of another controller: a line, no exit" 1 "$(grep -F 'flag has no meaning' "$H_TMP/log/src.err" | jq -r "select(.flag == \"$f\") | .flag" | grep -c .)"
done

# ---- limits ----------------------------------------------------------------------------------------------------------
for d in many wide noise small; do object $d $d; done
check_soon "small enough, and nobody at --events-addr" "$SOON" "True Succeeded" outcome small
check_match "--artifact-digest-algo" '^sha512:[0-9a-f]{128}$' "$(field small .status.artifact.digest)"
check_eq "of the bytes that are served" "$(field small .status.artifact.digest)" "sha512:$(curl -sf "$(field small .status.artifact.url)" | sha512sum | cut -d' ' -f1)"
check_ok "the store is in the state directory" test -d "$STATE"/*/ocirepository/default/small
for d in many wide noise; do check_soon "$d: too much" "$SOON" "False OCIArtifactLayerOperationFailed" outcome $d; done
less="push less, with spec.ignore's patterns as --ignore-paths"
before="before spec.ignore leaves anything out; $less, or let layerSelector choose another layer or take this one as it is (operation 'copy')"
check_has "a large layer: the flag, and what helps" "more than the 50000 that --artifact-max-size allows; $less, or choose another layer with layerSelector" "$(message noise)"
check_has "one that expands" "more than 200000 bytes (--artifact-max-expanded-size), $before" "$(message wide)"
check_has "one of many files" "more than 4 entries (--artifact-max-entries), $before" "$(message many)"
for d in wide many; do
	k patch ocirepository $d --type=merge -p '{"spec":{"layerSelector":{"mediaType":"application/vnd.cncf.flux.content.v1.tar+gzip","operation":"copy"}}}' >/dev/null
	check_soon "$d: it is true, a copy is not expanded" "$SOON" "True Succeeded" outcome $d
done

# ---- a registry that says nothing: spec.timeout, and what SIGUSR1 shows -----------------------------------------------
kill -s STOP "$REGISTRY_PID"
k patch ocirepository small --type=merge -p '{"spec":{"timeout":"2s"}}' >/dev/null
h_until "$SOON" bash -c "[ \"\$(KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL get ocirepository small -o jsonpath='{.metadata.generation}')\" = 2 ]"
live() { kill -s USR1 "$CONTROLLER_PID"; grep -F '"msg":"live task"' "$H_TMP/log/src.err"; }
check_soon_match "SIGUSR1 logs what is going on" "$SOON" '"name":"small".*"step":"resolve"' live
check_soon "spec.timeout ends it" "$SOON" "False OCIArtifactPullFailed" outcome small
check_match "and is named" "$REGISTRY.*(timed out|no answer|2 ?s|2000 ms)" "$(message small)"
kill -s CONT "$REGISTRY_PID"
check_soon "it speaks again" "$SOON" "True Succeeded" outcome small
h_stop "$CONTROLLER_PID" INT
check_eq "SIGINT: exit status" 0 $?

# ---- a changed algorithm keeps what there is -------------------------------------------------------------------------
h_controller_start src --embedded
h_until 30 k get namespaces || h_die "the embedded API does not answer"
check_soon "without the flags all is small enough" "$SOON" "True Succeeded" outcome noise
check_match "another algorithm: the artifact stays what it was" '^sha512:' "$(field small .status.artifact.digest)"
check_match "new ones have the new one" '^sha256:' "$(field noise .status.artifact.digest)"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?

# ---- what is wrong is told, with what is meant -----------------------------------------------------------------------
# command line | exit status | in the message
for row in "--no-such-flag|2|'--no-such-flag'" "--concurrent=many|2|'many' for --concurrent" "stray|2|'stray'" "--kubeconfig=$H_TMP/nowhere|1|$H_TMP/nowhere" \
	"--embedded --feature-gates=ObjectLevelWorkloadIdentity=true,Nonsense=true|2|'Nonsense' is not known" \
	"--embedded --storage-adv-addr=ftp://host|2|--storage-adv-addr" \
	"--embedded --storage-path=$H_TMP/small/file.yaml|1|store '$H_TMP/small/file.yaml': Not a directory" \
	"--embedded --storage-path=$H_TMP/small/file.yaml/sub|1|'$H_TMP/small/file.yaml/sub': Not a directory" \
	"--embedded --storage-path=/proc/nowhere|1|'/proc/nowhere'" \
	"--embedded --storage-addr=$REGISTRY|1|--storage-addr: server 'artifacts': listen on '$REGISTRY': Address already in use" \
	"--embedded --health-addr=$REGISTRY|1|--health-addr: server 'health': listen on" \
	"--embedded --embedded-addr=$REGISTRY|1|--embedded-addr: server 'embedded-api': listen on" \
	"--embedded --embedded-addr=0.0.0.0:0|1|not on '0.0.0.0:0'" "--embedded --watch-label-selector=a,!|1|--watch-label-selector 'a,!': unable to parse"; do
	IFS='|' read -r args want part <<<"$row"
	out=$(timeout 20 "$CONTROLLER" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 $args 2>&1)
	check_eq "refused: $args" "$want" $?
	check_has "and named: $args" "$part" "$out"
done
check_eq "--help begins with all kinds" "oci-source-controller: serves OCIRepository, GitRepository, ImageRepository, ImagePolicy, ImageUpdateAutomation and Receiver objects" \
	"$("$CONTROLLER" --help | head -n1)"
out=$(env -u KUBECONFIG -u KUBERNETES_SERVICE_HOST "$CONTROLLER" --storage-path="$H_TMP" 2>&1)
check_match "no API server at all: what there is to choose from" '--kubeconfig.*--embedded' "$out"

# ---- an API server that does not answer: which kind has no list yet --------------------------------------------------
jq -n '{apiVersion: "v1", kind: "Config", "current-context": "c", contexts: [{name: "c", context: {cluster: "c", user: "u"}}],
	clusters: [{name: "c", cluster: {server: "http://127.0.0.1:1"}}], users: [{name: "u", user: {}}]}' >"$H_TMP/nobody.yaml"
h_controller_start lone --kubeconfig="$H_TMP/nobody.yaml" --storage-path="$H_TMP/lone" --kinds=OCIRepository
health=$(h_address lone health) || h_die "no health port"
check_has "the readiness probe names the kind" "[-]ocirepository failed" "$(curl -s "http://$health/readyz")"
h_stop "$CONTROLLER_PID"
h_controller_start which --kubeconfig="$H_TMP/nobody.yaml" --storage-path="$H_TMP/lone"
health=$(h_address which health) || h_die "no health port"
check_has "without --kinds nobody knows which there are" "[-]kinds failed" "$(curl -s "http://$health/readyz")"
h_stop "$CONTROLLER_PID"
check_eq "and its end waits for nobody" 0 $?

# ---- a store that cannot be written to is told at the start, not by every artifact -----------------------------------
refused_store() { timeout 20 "$@" "$CONTROLLER" --embedded --state-dir="$H_TMP/other" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 --storage-path="$H_TMP/disk/store" 2>&1; }
if [ "$(id -u)" = 0 ] && mkdir "$H_TMP/disk" && mount -t tmpfs tmpfs "$H_TMP/disk" 2>/dev/null; then
	mkdir -p "$H_TMP/disk/store/.tmp" "$H_TMP/other"
	chmod 755 "$H_TMP" "$H_TMP/disk" "$H_TMP/disk/store" "$H_TMP/disk/store/.tmp"
	chown 65534 "$H_TMP/other"
	out=$(refused_store setpriv --reuid=65534 --regid=65534 --clear-groups)
	check_eq "a store of somebody else: exit status" 1 $?
	check_has "and the reason" "write to store '$H_TMP/disk/store': Permission denied" "$out"
	rm -r "$H_TMP/disk/store/.tmp" "$H_TMP/other"
	mount -o remount,ro "$H_TMP/disk"
	out=$(refused_store env)
	check_eq "an empty store on a read-only disk: exit status" 1 $?
	check_has "and the reason" "Read-only file system" "$out"
	mount -o remount,rw "$H_TMP/disk" && rmdir "$H_TMP/disk/store" && mount -o remount,ro "$H_TMP/disk"
	out=$(refused_store env)
	check_has "a folder that cannot be made: the reason" "make directory '$H_TMP/disk/store': Read-only file system" "$out"
	umount "$H_TMP/disk"
fi

# ---- how consumers reach the artifacts --------------------------------------------------------------------------------
export STORAGE_ADV_ADDR=http://source-controller.flux-system.svc.cluster.local./
h_controller_start src --embedded
h_until 30 k get namespaces || h_die "the embedded API does not answer"
object advertised small
check_soon "an advertised address with scheme and slash" "$SOON" "True Succeeded" outcome advertised
check_match "stays one URL" '^http://source-controller\.flux-system\.svc\.cluster\.local\./ocirepository/default/advertised/sha256:' "$(field advertised .status.artifact.url)"
h_stop "$CONTROLLER_PID"
STORAGE_ADV_ADDR=https://artifacts.example.org/source
h_controller_start src --embedded --metrics-addr=0 --health-addr=0 --receiverAddr=0
h_until 30 k get namespaces || h_die "the embedded API does not answer"
object ended small
check_soon "one of a proxy that ends TLS" "$SOON" "True Succeeded" outcome ended
check_match "keeps its scheme" '^https://artifacts\.example\.org/source/ocirepository/default/ended/sha256:' "$(field ended .status.artifact.url)"
check_eq "--metrics-addr=0, --health-addr=0 and --receiverAddr=0: no such servers" "artifacts embedded-api" \
	"$(h_log_since_start src | jq -r 'select(.msg == "listening") | .server' | sort | xargs)"
h_stop "$CONTROLLER_PID"
check_eq "and none to wait for at the end" 0 $?
unset STORAGE_ADV_ADDR

# ---- what make install puts -------------------------------------------------------------------------------------------
check_ok "make install" env -u MAKEFLAGS -u MAKELEVEL make -s -C "$H_ROOT" O="$BUILD" DESTDIR="$H_TMP/dest" PREFIX=/usr install
for p in oci-source-controller ocictl; do
	check_eq "$p: stripped, for everybody" "755 0" "$(stat -c %a "$H_TMP/dest/usr/bin/$p") $(readelf -SW "$H_TMP/dest/usr/bin/$p" | grep -c '\.symtab')"
	check_ok "$p: and runs" "$H_TMP/dest/usr/bin/$p" --version
done
h_finish
