#!/usr/bin/env bash
# test/run.sh: what `make run` shows. A registry with a sample app, the controller with its embedded API on a copy of deploy/samples,
# the table that kubectl would print, and an artifact to download. Stays until Ctrl-C; RUN_FOR=SECONDS ends it by itself.
# Everything lives in a temporary directory and on free loopback ports, and is gone afterwards.
. "$(dirname "$0")/lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
trap 'echo; exit 0' INT TERM

RUN_FOR=${RUN_FOR:-}
case $RUN_FOR in *[!0-9]*) echo "RUN_FOR is a number of seconds, not '$RUN_FOR'" >&2; exit 2 ;; esac
fail() { h_log "make run: $*"; h_show_logs; exit 1; }

# ---- the registry and what is in it ----------------------------------------------------------------------------------
h_registry_start registry
repo=$REGISTRY/manifests/web

# push VERSION TAG...: the app at this version, under the first tag and under the hash of the commit it stands for; then the other tags.
push()
{
	local version=$1 first=$2 commit tag

	shift 2
	rm -rf "$H_TMP/app"
	cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"
	sed -i "s/VERSION/$version/" "$H_TMP/app/configmap.yaml"
	commit=$(printf '%s' "$version" | sha1sum | cut -c1-40)
	"$OCICTL" push "oci://$repo:$first" --path="$H_TMP/app" --source=https://github.com/example/web \
		--revision="main@sha1:$commit" >>"$H_TMP/log/push.out" 2>&1 || fail "ocictl push $first failed"
	for tag in "${commit:0:12}" "$@"; do
		"$OCICTL" tag "oci://$repo:$first" --tag "$tag" >>"$H_TMP/log/push.out" 2>&1 || fail "ocictl tag $tag failed"
	done
}
echo "pushing the sample app to oci://$repo"
push 1.0.0 1.0.0
push 1.1.0 1.1.0 staging
push 1.2.0-rc.1 1.2.0-rc.1
push 0.0.0-feature-login v0.0.0-staging-test-deploy-2
push 0.0.0-feature-search v0.0.0-staging-test-deploy-3
push 1.2.0-dev latest main
digest=$(curl -sfI -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/manifests/web/manifests/1.0.0" |
	tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p')
[ -n "$digest" ] || fail "the registry does not know the tag 1.0.0"

# ---- the controller --------------------------------------------------------------------------------------------------
mkdir "$H_TMP/objects"
for f in "$H_ROOT"/deploy/samples/*.yaml; do
	sed "s#oci://REGISTRY/#oci://$REGISTRY/#; s#digest: DIGEST#digest: $digest#" "$f" >"$H_TMP/objects/${f##*/}"
done
wanted=$(grep -l '^kind: OCIRepository' "$H_TMP"/objects/*.yaml | wc -l)
KUBECTL=kubectl # only for the line to try: nothing here needs it
echo "starting oci-source-controller --embedded on a copy of deploy/samples ($wanted objects)"
h_controller_start controller --embedded="$H_TMP/objects" --state-dir="$H_TMP/state"
h_address controller embedded-api >/dev/null || fail "the controller did not start"
server=$(sed -n 's/^ *server: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$H_TMP/state/kubeconfig" | head -n 1)
list=$server/apis/source.toolkit.fluxcd.io/v1/ocirepositories

ready() { curl -sf "$list" | jq -e --argjson n "$wanted" '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length == $n'; }
# What kubectl does with a Table: the namespace, then the cells of the columns that are not for -o wide, padded to the widest and three spaces.
table()
{
	curl -sf -H 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io' "$list" | jq -r '
		[.columnDefinitions | to_entries[] | select(.value.priority == 0 or .value.priority == null)] as $columns
		| (["NAMESPACE"] + [$columns[].value.name | ascii_upcase]),
		  (.rows[] | [.object.metadata.namespace] + [.cells[$columns[].key] | tostring])
		| @tsv' |
		awk -F '\t' '{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
			END { for (r = 1; r <= NR; r++) { line = ""; for (i = 1; i <= NF; i++) line = line sprintf("%-" (width[i] + 3) "s", cell[r, i]); sub(/ +$/, "", line); print line } }'
}
h_until 60 ready || { table; fail "not every object became Ready within a minute"; }

echo
table
url=$(curl -sf "$list" | jq -r '.items[] | select(.metadata.name == "web-production") | .status.artifact.url')
curl -sf "$url" | tar tz >"$H_TMP/listing" || fail "$url is no tarball"
grep -q deployment.yaml "$H_TMP/listing" || fail "$url lacks deployment.yaml"
cat <<EOF

An artifact, as kustomize-controller would fetch it:
  curl -s $url | tar tz

With kubectl (1.20 or newer):
  export KUBECONFIG=$H_TMP/state/kubeconfig
  kubectl get ocirepositories -A -w

A new version; web-main follows within its interval of a minute, or at once when asked:
  ${OCICTL#"$PWD"/} push oci://$repo:main --path=deploy/samples/app --source=https://github.com/example/web --revision=main@sha1:$(printf 0 | sha1sum | cut -c1-40)
  kubectl -n apps annotate --overwrite ocirepository/web-main reconcile.fluxcd.io/requestedAt="\$(date +%s)"

The controller's log: $H_TMP/log/controller.err
EOF
if [ -n "$RUN_FOR" ]; then
	! h_until "$RUN_FOR" h_gone "$CONTROLLER_PID" || fail "the controller ended by itself"
	h_stop "$CONTROLLER_PID" || fail "the controller did not end cleanly (exit $?)"
	exit 0
fi
echo "Ctrl-C ends it all."
wait "$CONTROLLER_PID"
fail "the controller ended by itself"
