#!/usr/bin/env bash
# The real flux and a current kubectl with ImageRepository, ImagePolicy and Receiver objects: what people type, what it prints, how it ends.
# API=real (default; CRDS=peers with the CRDs of Flux's modules), embedded, or peers: Flux's own controllers, whose answers are the measure.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
API=${API:-real}
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/rawpush.sh"
H_NAME=image-$API-$CRDS
ours() { [ "$API" != peers ]; }
KUBECTL=$(h_tool kube-apiserver)/kubectl || h_die "kubectl was not built"
FLUX=$(h_tool flux)/flux || h_die "flux was not built"
i_start
h_namespace "$NS"
i_tags_start
h_registry_start reg
REG=$REGISTRY
# said COMMAND...: its last line; OUT has all, RC the exit status.
said() { OUT=$("$FLUX" --kubeconfig "$ADMIN_KUBECONFIG" --cache-dir "$H_TMP/flux-cache" -n "$NS" "$@" 2>&1); RC=$?; }
# good NAME LASTLINE COMMAND..., bad: exit status 0 or 1, and what the last line has in it.
good() { said "${@:3}"; check_eq "$1: exit status" 0 $RC; check_match "$1: the last line" "$2" "$(tail -n 1 <<<"$OUT")"; }
bad() { said "${@:3}"; check_eq "$1: exit status" 1 $RC; check_match "$1: the last line" "$2" "$(tail -n 1 <<<"$OUT")"; }
row() { grep -E "^$1[[:space:]]" <<<"$OUT"; }
TIME='20[0-9-]{8}T[0-9:]{8}Z'
T=$'[ \t]+'

# ---- create ------------------------------------------------------------------------------------------------------------
echo '{}' >"$H_TMP/config.json"
CONFIG=$(descriptor $FLUX_CONFIG "$(raw_blob app "$H_TMP/config.json")" 3)
ci() { local tag; for tag; do image $OCI_MANIFEST "$CONFIG" "$CONFIG" | raw_manifest app "$tag" $OCI_MANIFEST >/dev/null; done; }
A=sha-0a1b2c3d4e5f60718293a4b5c6d7e8f901234567
B=sha-9f8e7d6c5b4a39281706f5e4d3c2b1a098765432
ci 1.0.0 1.1.0 main-abc1234-1700000000 $A
tags other '{"tags":["1","2"]}'
good "CL-04 create image repository" '^✔ ImageRepository reconciliation completed$' create image repository app --image="$REG/app" --interval=10m
good "CL-04 create image repository, again" '^✔ ImageRepository reconciliation completed$' create image repository app --image="$REG/app" --interval=5m --scan-timeout=10s
check_eq "CL-04 changes it" "5m0s 10s" "$(field imagerepository app '"\(.spec.interval) \(.spec.timeout)"')"
good "CL-04 create image repository, a second" completed create image repository other --image="$TAGS/other" --interval=10m
good "CL-04 create image policy, semver" '^✔ ImagePolicy reconciliation completed$' create image policy semver --image-ref=app --select-semver='>=1.0.0'
good "CL-04 create image policy, numerical" completed create image policy newest --image-ref=app --select-numeric=asc --filter-regex='^main-[a-f0-9]+-(?P<ts>[0-9]+)' --filter-extract='$ts'
good "CL-04 create image policy, seed" completed create image policy seed --image-ref=app --select-alpha=asc --filter-regex='^sha-(?P<sha>[a-fA-F0-9]+)$' --filter-extract='$sha'
good "CL-04 create image policy, with a digest" completed create image policy digest --image-ref=app --select-semver='>=1.0.0' --reflect-digest=Always --interval=10m
bad "CL-04 create image policy, no such group" 'capture group' create image policy nosuch --image-ref=app --select-alpha=asc --filter-regex='^(?P<sha>.)' --filter-extract='$nosuch'
bad "CL-04 create image repository that nobody has" '^✗ ' create image repository nobody --image="$TAGS/nobody" --interval=10m --timeout=6s
bad "CL-04 create image policy that finds nothing" '^✗ ' create image policy nothing --image-ref=app --select-semver='9.x' --timeout=6s
kn create secret generic hook-token --from-literal=token=open-sesame-9 >/dev/null
good "CL-04 create receiver" "^✔ generated webhook URL /hook/$(printf 'open-sesame-9hub%s' "$NS" | sha256sum | cut -d' ' -f1)\$" \
	create receiver hub --type=dockerhub --secret-ref=hook-token --resource=ImageRepository/app
good "CL-04 create receiver, generic" 'generated webhook URL' create receiver ci --type=generic --secret-ref=hook-token --resource=ImageRepository/app
good "CL-04 create receiver, generic-hmac" 'generated webhook URL' create receiver signed --type=generic-hmac --secret-ref=hook-token --resource=ImageRepository/app
bad "CL-04 create receiver without its Secret" '^✗ ' create receiver poor --type=generic --secret-ref=nobody --resource=ImageRepository/app --timeout=6s

# ---- get ---------------------------------------------------------------------------------------------------------------
said get image repository
check_match "CL-01 get image repository: the columns" "^NAME${T}LAST SCAN${T}SUSPENDED${T}READY${T}MESSAGE" "$(head -n 1 <<<"$OUT")"
check_match "CL-01 get image repository: the row" "^app${T}$TIME${T}False${T}True${T}successful scan: found 4 tags with checksum" "$(row app)"
check_match "CL-01 get image repository: one that fails" "^nobody${T}.*False${T}(False|Unknown)" "$(row nobody)"
said get image policy
check_match "CL-01 get image policy: the columns" "^NAME${T}IMAGE${T}TAG${T}READY${T}MESSAGE" "$(head -n 1 <<<"$OUT")"
check_match "CL-01 get image policy: the row" "^semver${T}$REG/app${T}1\.1\.0${T}True${T}Latest image tag for $REG/app resolved to 1\.1\.0" "$(row semver)"
check_match "CL-01 get image policy: seed" "^seed${T}$REG/app${T}$A${T}True" "$(row seed)"
check_match "CL-01 get image policy: a digest" "resolved to 1\.1\.0 with digest sha256:[0-9a-f]{64}" "$(row digest)"
check_match "CL-01 get image policy: one that fails" "False${T}unable to determine latest version from provided list" "$(row nothing)"
said get image all
check_match "CL-01 get image all" 'imagerepository/app' "$OUT"
check_match "CL-01 get image all: policies, too" 'imagepolicy/seed' "$OUT"
good "CL-01 get images all -A" '' get images all -A
check_match "CL-01 get images all -A: the namespace" "$NS${T}imagepolicy/semver" "$OUT"
said get receivers
check_match "CL-01 get receivers: the columns" "^NAME${T}SUSPENDED${T}READY${T}MESSAGE" "$(head -n 1 <<<"$OUT")"
check_match "CL-01 get receivers: the row" "^hub${T}False${T}True${T}Receiver initialized for path: /hook/[0-9a-f]{64}" "$(row hub)"
good "CL-01 get receivers NAME" 'initialized' get receivers hub
said get all
check_match "CL-01 get all" 'receiver/hub' "$OUT"
good "CL-01 get image policy --status-selector" '' get image policy --status-selector ready=false
check_match "CL-01 only who is not ready" "^nothing${T}" "$(sed -n 2p <<<"$OUT")"

# ---- reconcile ---------------------------------------------------------------------------------------------------------
good "CL-02 reconcile image repository" '^✔ scan fetched 4 tags$' reconcile image repository app
ci 1.2.0
good "CL-02 reconcile image repository: one more" '^✔ scan fetched 5 tags$' reconcile image repository app
check_soon "CL-02 and its policy follows" "$SOON" 1.2.0 chosen semver
good "CL-02 reconcile image policy" "^✔ selected ref $REG/app:1\.2\.0\$" reconcile image policy semver
good "CL-02 reconcile receiver" '^✔ Receiver reconciliation completed$' reconcile receiver hub
bad "CL-02 reconcile what is not there" '"nosuch" not found' reconcile image repository nosuch
bad "CL-02 reconcile image policy that fails" '^✗ ' reconcile image policy nothing --timeout=6s
repository stalled "{\"image\":\"$TAGS/other:1\"}"
bad "CL-02 reconcile image repository that stalls" "^✗ .*should not include a tag" reconcile image repository stalled --timeout=10s
policy stalled '{"imageRepositoryRef":{"name":"app"},"policy":{"semver":{"range":"not"}}}'
bad "CL-02 reconcile image policy that stalls" '^✗ ' reconcile image policy stalled --timeout=10s
if ours; then # there the failure is forgotten
	h_stop "$TAGS_PID"
	bad "CL-02 reconcile image repository while its registry is down" '^✗ ' reconcile image repository other --timeout=8s
	said get image repository other
	check_match "CL-02 and what get says then" "False${T}scan failed: " "$OUT"
fi

# ---- suspend, resume ---------------------------------------------------------------------------------------------------
good "CL-03 suspend image repository" '^✔ image repository suspended$' suspend image repository app
said get image repository app
check_match "CL-03 get says so" "^app${T}$TIME${T}True${T}True" "$(row app)"
bad "CL-03 reconcile of a suspended one" '^✗ resource is suspended$' reconcile image repository app
good "CL-03 resume image repository" '^✔ scan fetched 5 tags$' resume image repository app
check_eq "CL-03 spec.suspend is gone" null "$(field imagerepository app .spec.suspend)"
good "CL-03 suspend image policy" '^✔ image policy suspended$' suspend image policy seed
good "CL-03 resume image policy" "^✔ selected ref $REG/app:$A\$" resume image policy seed
good "CL-03 suspend receiver" '^✔ receiver suspended$' suspend receiver hub
check_eq "CL-03 and its caller hears" 503 "$(hook hub -X POST -d '{}')"
good "CL-03 resume receiver" '^✔ Receiver reconciliation completed$' resume receiver hub
good "CL-03 suspend image repository --all" '^✔ image repository suspended$' suspend image repository --all
check_eq "CL-03 all of them" true "$(kn get imagerepositories -o json | jq -r '[.items[].spec.suspend] | unique | join(" ")')"
kn delete imagerepository nobody stalled other >/dev/null
good "CL-03 resume image repository --all" '^✔ image repository resumed$' resume image repository --all

# ---- trigger -----------------------------------------------------------------------------------------------------------
scans() { h_registry_requests reg GET '/v2/app/tags/list'; }
ci $B
good "CL-05 trigger receiver" "^✔ Receiver $NS/ci triggered\$" trigger receiver ci --token=open-sesame-9 --url="http://$HOOK"
check_soon "CL-05 wakes the scan, and the policy answers" "$SOON" $B chosen seed
before=$(field imagerepository app '.metadata.annotations["reconcile.fluxcd.io/requestedAt"]')
good "CL-05 trigger receiver, generic-hmac" "^✔ Receiver $NS/signed triggered\$" trigger receiver signed --type=generic-hmac --token=open-sesame-9 --url="http://$HOOK" --payload='{"image":"x"}'
check_ne "CL-05 wakes it as well" "$before" "$(field imagerepository app '.metadata.annotations["reconcile.fluxcd.io/requestedAt"]')"
bad "CL-05 trigger receiver with a wrong token" '^✗ ' trigger receiver ci --token=wrong --url="http://$HOOK" --timeout=3s

# ---- export, events, kubectl, delete -----------------------------------------------------------------------------------
said export image repository app
check_eq "CL-04 export image repository can be applied" 0 "$(kn apply --dry-run=server -f - <<<"$OUT" >/dev/null 2>&1; echo $?)"
check_match "CL-04 export image repository" 'interval: 5m0s' "$OUT"
check_hasnt "CL-04 export has no status" status: "$OUT"
said export image policy seed
check_match "CL-04 export image policy" 'extract: \$sha' "$OUT"
said export receiver hub
check_match "CL-04 export receiver" 'type: dockerhub' "$OUT"
good "CL-04 export --all" '' export image policy --all
check_eq "CL-04 export --all has each" 6 "$(grep -c '^kind: ImagePolicy' <<<"$OUT")"
said events --for ImageRepository/app
check_match "CL-01 events" 'Normal.*Succeeded.*ImageRepository/app.*successful scan: found' "$OUT"
names() { kn get "$1" -o name | sort | tr '\n' ' '; }
check_match "CL-06 kubectl get fluxcd-images" '^imagepolicy.image.toolkit.fluxcd.io/digest .*imagerepository.image.toolkit.fluxcd.io/app $' "$(names fluxcd-images)"
check_match "CL-06 kubectl get fluxcd-notifications" 'receiver.notification.toolkit.fluxcd.io/hub ' "$(names fluxcd-notifications)"
check_match "CL-06 kubectl get fluxcd" 'imagepolicy.*imagerepository.*receiver' "$(names fluxcd)"
for short in imgrepo imagerepo; do check_eq "CL-06 kubectl get $short" "imagerepository.image.toolkit.fluxcd.io/app " "$(names $short)"; done
for short in imgpol imagepol; do check_match "CL-06 kubectl get $short" 'imagepolicy.image.toolkit.fluxcd.io/seed ' "$(names $short)"; done
check_match "IR-36 the row of a repository" "^app +$REG/app +6 +True +successful scan: found 6 tags" "$(kn get imgrepo app --no-headers)"
check_match "a policy's row" "^seed +$REG/app +$B +True +Latest image tag" "$(kn get imgpol seed --no-headers)"
check_ok "kubectl wait" kn wait --for=condition=Ready --timeout=10s imagerepository/app imagepolicy/seed receiver/hub
for kind in imagerepository.spec.exclusionList imagepolicy.spec.filterTags.extract receiver.spec.resources.matchLabels; do
	check_match "kubectl explain $kind" 'DESCRIPTION|FIELD' "$(kn explain "$kind" 2>&1)"
done
check_has "kubectl --validate: an unknown field" 'unknown field "spec.imagee"' "$(manifest ImageRepository typo '{"imagee":"x","image":"x/y","interval":"1m"}' | kn apply -f - 2>&1)"
good "CL-04 delete image policy" '^✔ image policy deleted$' delete image policy seed -s
good "CL-04 delete receiver" '^✔ receiver deleted$' delete receiver hub -s
good "CL-04 delete image repository" '^✔ image repository deleted$' delete image repository app -s
check_soon "CL-04 it is gone" "$SOON" "" kn get imagerepositories -o name
check_soon "and its policies say so" "$SOON" "False DependencyNotReady" outcome imagepolicy semver
check_eq "no token is told" "" "$(cat "$H_TMP"/log/src.* | grep -oE 'open-sesame-9' | head -n 1)"
i_stop
check_eq "SIGTERM: exit status" 0 $?
h_finish
