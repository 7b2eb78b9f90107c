#!/usr/bin/env bash
# The embedded API from outside: who gets in, what the files of a directory become, what survives kill -9. (What kubectl sees of objects is
# in kube_test.sh, which the real API server passes, too.)
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
SOON=${SOON:-20}
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
DIR=$H_TMP/objects
mkdir "$DIR"
cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"
for t in 1 2; do "$OCICTL" push "oci://$REGISTRY/web:$t" --path="$H_TMP/app" --source=s --revision=r$t >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"; done
repo() { printf 'apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: %s, namespace: files}\nspec: {interval: 10m, url: "oci://%s/web", ref: {tag: "%s"}}\n' "$1" "$REGISTRY" "$2"; }
printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: files}\n' >"$DIR/00-namespace.yaml"
repo one 1 >"$DIR/one.yaml"
{ repo two 1; echo ---; repo three 1; } >"$DIR/several.yml"
jq -n --arg url "oci://$REGISTRY/web" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "four", namespace: "files"}, spec: {interval: "10m", url: $url, ref: {tag: "1"}}}' >"$DIR/four.json"
echo 'not: [yaml' >"$DIR/readme.txt"
h_embedded_start src "$DIR"
kn() { k -n files "$@"; }
revision() { kn get ocirepository "$1" -o json 2>/dev/null | jq -r '.status.artifact.revision // "" | sub("@.*"; "")'; }
listed() { kn get ocirepositories -o name 2>/dev/null | sed 's#.*/##' | paste -sd ' '; }
check_soon "every document of every file" "$SOON" "four one three two" listed
for o in one two three four; do check_soon "$o: Ready" "$SOON" 1 revision $o; done

# ---- files change, go, and are broken --------------------------------------------------------------------------------
kn annotate ocirepository one mine=kept >/dev/null
kn patch ocirepository one --type=merge -p '{"spec":{"timeout":"30s"}}' >/dev/null
repo one 2 >"$DIR/one.yaml"
check_soon "a changed file is applied" "$SOON" 2 revision one
check_eq "what kubectl wrote into other fields stays" "kept 30s" "$(kn get ocirepository one -o jsonpath='{.metadata.annotations.mine} {.spec.timeout}')"
repo five 1 >"$DIR/five.yaml"
check_soon "a new file" "$SOON" 1 revision five
k -n files create -f - >/dev/null <<<"$(repo by-hand 1)"
echo 'kind: [' >"$DIR/broken.yaml"
rm "$DIR/five.yaml"
check_soon_match "a broken file is told with its line" "$SOON" 'broken\.yaml' cat "$H_TMP/log/src.err"
repo one 1 >"$DIR/one.yaml"
check_soon "the other files still work" "$SOON" 1 revision one
check_eq "nothing is deleted while one does not parse" "by-hand five four one three two" "$(listed)"
rm "$DIR/broken.yaml"
check_soon "then what no file names is" "$SOON" "by-hand four one three two" listed
mv "$DIR" "$DIR.away"
sleep 3 # longer than the second after which a change is acted on
check_eq "a directory that is gone deletes nothing" "by-hand four one three two" "$(listed)"
mv "$DIR.away" "$DIR"
repo six 1 >"$DIR/six.yaml"
check_soon "it is watched again when it is back" "$SOON" 1 revision six

# ---- who gets in -----------------------------------------------------------------------------------------------------
server=$(k config view -o jsonpath='{.clusters[0].cluster.server}')
api=$(h_address src embedded-api)
path=${server#http://"$api"}
code() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
check_match "the secret is in the path" '^/[0-9a-f]{64}$' "$path"
check_eq "the kubeconfig is for its owner only" 600 "$(stat -c %a "$ADMIN_KUBECONFIG")"
check_eq "with it" 200 "$(code "http://$api$path/version")"
check_eq "without it" 401 "$(code "http://$api/version")"
check_eq "with another one" 401 "$(code "http://$api/$(printf '0%.0s' $(seq 64))/version")"
check_ne "not by a name that leads here" 200 "$(code -H 'Host: evil.example.com' "http://$api$path/version")"
check_ne "not from a page in a browser" 200 "$(code -H 'Origin: http://evil.example.com' "http://$api$path/version")"
check_ne "nor its question before the question" 200 "$(code -X OPTIONS -H 'Origin: http://evil.example.com' -H 'Access-Control-Request-Method: POST' "http://$api$path/api")"
check_hasnt "the secret is not logged" "${path#/}" "$(cat "$H_TMP/log/src.err")"
for s in artifacts metrics health embedded-api; do check_match "$s listens on loopback only" '^127\.0\.0\.1:' "$(h_address src $s)"; done

# ---- what it leaves out, it says -------------------------------------------------------------------------------------
check_match "server-side apply" '[Ss]erver-side apply' "$(repo x 1 | kn apply --server-side -f - 2>&1)"
check_has "an unknown kind" "the server doesn't have a resource type" "$(k get deployments 2>&1)"
check_match "a namespace that is not there" 'namespaces "nope" not found' "$(k -n nope create -f - 2>&1 <<<"$(repo x 1 | sed 's/, namespace: files//')")"

# ---- restarts --------------------------------------------------------------------------------------------------------
uid() { kn get ocirepository by-hand -o jsonpath='{.metadata.uid} {.spec.ref.tag}'; }
before=$(uid)
versions=$(kn get ocirepositories -o json | jq '[.items[].metadata.resourceVersion | tonumber] | max')
h_stop "$CONTROLLER_PID" KILL
rm "$DIR/six.yaml"
h_embedded_start src "$DIR"
check_eq "kill -9 loses nothing" "$before" "$(uid)"
check_soon "a file that went meanwhile takes its object along" "$SOON" "by-hand four one three two" listed
kn annotate ocirepository by-hand after=kill >/dev/null
check_le "versions go on upwards" "$(kn get ocirepository by-hand -o jsonpath='{.metadata.resourceVersion}')" "$((versions + 1000000))"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_finish
