#!/usr/bin/env bash
# ocictl policy against Debian's docker-registry: what an ImagePolicy would choose, by flags and by a file.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start reg
R=$REGISTRY
run() { "$OCICTL" "$@" >"$H_TMP/out" 2>"$H_TMP/err"; RC=$?; return $RC; }
out() { cat "$H_TMP/out"; }
err() { cat "$H_TMP/err"; }

mkdir "$H_TMP/a"
echo a: b >"$H_TMP/a/a.yaml"
# fill REPOSITORY TAG...
fill()
{
	local tags

	run push "oci://$R/$1:$2" --path="$H_TMP/a" --source=s --revision=r || h_die "cannot push $1: $(err)"
	mapfile -t tags < <(printf -- '--tag=%s\n' "${@:2}")
	run tag "oci://$R/$1:$2" "${tags[@]}" || h_die "cannot tag $1: $(err)"
}
fill web 1.9.0 1.10.0 1.10.0-rc.1 2.0.0 latest sha256-0123.sig
fill main main-aa-1700000300 main-bb-1700000100 main-cc-1700000200 dev-dd-1700000900 main-ee-x

# ---- flags -----------------------------------------------------------------------------------------------------------
check_ok "semver" run policy "$R/web" --semver=1.x
check_eq "stdout has the choice alone" "$R/web:1.10.0" "$(out)"
check_eq "stderr has counts and why" "of 6 tags 1 is excluded, 5 are left
1.10.0: it won over '1.9.0': it is the higher version" "$(err)"
check_ok "alphabetical, the repository as a URL" run policy "oci://$R/web" --alphabetical=desc --filter='^[0-9]'
check_eq "the smallest" "$R/web:1.10.0" "$(out)"
check_has "what passes the filter is counted" "of 6 tags 1 is excluded, 4 pass the filter '^[0-9]'" "$(err)"
check_ok "numerical, with a template" run policy "$R/main" --numerical=asc --filter='^main-[a-z]+-(?P<ts>[0-9]+)$' --extract='$ts' --runners=3
check_eq "the greatest number" "$R/main:main-aa-1700000300" "$(out)"
check_eq "all that is said" "  1  main-aa-1700000300  by '1700000300'
  2  main-cc-1700000200  by '1700000200'
  3  main-bb-1700000100  by '1700000100'
of 5 tags 0 are excluded, 3 pass the filter '^main-[a-z]+-(?P<ts>[0-9]+)\$'
main-aa-1700000300: it won over 'main-cc-1700000200': of '1700000300' and '1700000200' the first is the greater number" "$(err)"
check_ok "skip" run policy "$R/web" --semver='>=1' --skip='^2\.'
check_eq "the next best" "$R/web:1.10.0" "$(out)"
check_has "is counted" "of 6 tags 1 is excluded, 1 is skipped, 4 are left" "$(err)"
check_ok "pin" run policy "$R/web" --semver='>=1' --pin=1.9.0 --runners=9
check_eq "the pinned one" "$R/web:1.9.0" "$(out)"
check_has "it says what the rules would choose" "1.9.0: it is pinned; without that '2.0.0' would win" "$(err)"
check_eq "the order is that of the rules" "2.0.0 1.10.0 1.9.0" "$(sed -nE "s/^ +[0-9]+  (.*[^ ]) +by .*/\1/p" "$H_TMP/err" | tr -d ' ' | paste -sd ' ')"
check_ok "exclude" run policy "$R/web" --alphabetical=asc --exclude='^latest$' --exclude='^[0-9]'
check_eq "takes the place of the default" "$R/web:sha256-0123.sig" "$(out)"

check_ok "json" run policy "$R/web" --semver=1.x --runners=2 -o json
check_eq "the choice" "oci://$R/web:1.10.0 $R/web 1.10.0" "$(jq -r '"\(.url) \(.repository) \(.tag)"' "$H_TMP/out")"
check_eq "why, and the counts" "it won over '1.9.0': it is the higher version|6 1 0 5" "$(jq -r '"\(.why)|\(.total) \(.excluded) \(.skipped) \(.passed)"' "$H_TMP/out")"
check_eq "the runners" '[{"tag":"1.10.0","key":"1.10.0"},{"tag":"1.9.0","key":"1.9.0"}]' "$(jq -c .runners "$H_TMP/out")"

# ---- nothing to choose -----------------------------------------------------------------------------------------------
# refused WHAT MESSAGE ARGS...: exit status 1, no choice, the controller's message.
refused()
{
	run policy "${@:3}"
	check_eq "$1: exit status" 1 "$RC"
	check_eq "$1: stdout stays empty" "" "$(out)"
	check_eq "$1: the message" "ocictl: $2" "$(tail -n 1 "$H_TMP/err")"
}
refused "nothing in the range" "unable to determine latest version from provided list: no version of it is in the range: of 5 tags 4 are versions" "$R/web" --semver='>=3'
check_has "the counts are there all the same" "of 6 tags 1 is excluded, 5 are left" "$(err)"
refused "nothing passes" "version list argument cannot be empty: no tag passes the filter '^x'" "$R/web" --semver=1.x --filter='^x'
refused "no number" "failed to parse invalid numeric value 'main-ee-x'; filterTags can leave such a tag out" "$R/main" --numerical=asc
refused "a pinned one is missing" "tag '7', which is pinned, is not among the tags of the image" "$R/web" --semver=1.x --pin=7
refused "all are excluded" "no tags in database" "$R/web" --semver=1.x --exclude=.
refused "no range" "invalid policy: semver range 'xx' is not valid: no version in 'xx'; one that is: '>=1.2.0 <2.0.0', or '1.x'" "$R/web" --semver=xx
refused "an image with a tag" "image '$R/web:1' should not include a tag; remove ':1'" "$R/web:1" --semver=1.x
refused "a pin that is no tag" "ImagePolicy: annotation 'oci-source-controller/pin': 'a b' is no tag" "$R/web" --semver=1.x --pin='a b'
run policy "$R/nowhere" --semver=1.x
check_eq "no such repository" 1 "$RC"
for args in "policy $R/web" "policy $R/web --semver=1.x --numerical=asc" "policy $R/web --alphabetical=up" "policy --semver=1.x" "policy oci://$R/web:1 --semver=1.x" \
	"policy $R/web --semver=1.x --extract=x" "policy $R/web --semver=1.x --runners=0" "policy $R/web --semver=1.x --runners=101" "policy $R/web --semver=1.x --runners=1x" \
	"policy -f x --semver=1.x" "policy -f x --exclude=x" "policy $R/web --semver=1.x --output=yaml" "list $R/web --filter=x"; do
	run $args
	check_eq "wrong: $args" 2 "$RC"
	check_has "see the help: $args" "see ocictl --help" "$(err)"
done

# ---- a file ----------------------------------------------------------------------------------------------------------
cat >"$H_TMP/policy.yaml" <<END
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: web
  namespace: apps
  annotations: {oci-source-controller/skip: '^1\.10\.0$', oci-source-controller/minimum-age: 2h}
spec:
  imageRepositoryRef: {name: web}
  policy: {semver: {range: '>=1'}}
END
check_ok "a policy alone, with an argument" run policy "$R/web" -f "$H_TMP/policy.yaml"
check_eq "its choice" "$R/web:2.0.0" "$(out)"
check_has "what cannot be known is said" "minimum-age does not count here" "$(err)"
refused "without one" "$H_TMP/policy.yaml: the ImageRepository 'web' is not there: its repository has to be an argument" -f "$H_TMP/policy.yaml"
cat >>"$H_TMP/policy.yaml" <<END
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: other}
spec: {image: $R/nowhere, interval: 1m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: apps}
spec: {image: $R/web, interval: 1m, exclusionList: ['^2\.']}
END
check_ok "with its ImageRepository" run policy -f "$H_TMP/policy.yaml"
check_eq "image, exclusions and annotations count" "$R/web:1.9.0" "$(out)"
check_has "all of them" "of 6 tags 1 is excluded, 1 is skipped, 4 are left" "$(err)"
check_ok "from stdin" run policy -f - <"$H_TMP/policy.yaml"
check_eq "the same" "$R/web:1.9.0" "$(out)"
sed 's/semver: .*/alphabetical: {order: desc}}/' "$H_TMP/policy.yaml" >"$H_TMP/other.yaml"
check_ok "an argument stands above the image" run policy "$R/main" -f "$H_TMP/other.yaml"
check_eq "its tags" "$R/main:dev-dd-1700000900" "$(out)"
printf '%s\n' "$(cat "$H_TMP/policy.yaml")" --- "$(head -n 9 "$H_TMP/policy.yaml")" >"$H_TMP/two.yaml"
refused "two policies" "$H_TMP/two.yaml: there are 2 objects ImagePolicy, not one" -f "$H_TMP/two.yaml"
sed '/policy: /d' "$H_TMP/policy.yaml" >"$H_TMP/none.yaml"
refused "no rules" "invalid policy: spec.policy has none of semver, alphabetical and numerical" -f "$H_TMP/none.yaml"
echo 'a: [' >"$H_TMP/bad.yaml"
run policy -f "$H_TMP/bad.yaml"
check_match "no YAML: $(err)" "^ocictl: .*bad\.yaml: line [0-9]+: " "$(err)"
h_finish
