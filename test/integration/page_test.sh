#!/usr/bin/env bash
# The status page on the health port: what it shows of real objects, as HTML and as JSON, with filters; what it never shows; and that
# --status-page=false leaves nothing of it. test/e2e/page_browser_test.sh looks at it with a browser.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"

h_registry_start reg
mkdir "$H_TMP/app" "$H_TMP/objects"
push() # REPO:TAG
{
	echo "$1" >"$H_TMP/app/app.yaml"
	"$OCICTL" push "oci://$REGISTRY/$1" --path="$H_TMP/app" --source=https://example.com/app.git --revision="main@sha1:$1" >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push $1"
}
push web:1.0.0
push web:1.1.0
DEAD=127.0.0.1:$(h_free_port)
jq -n --arg r "$REGISTRY" --arg dead "$DEAD" '
	def object($ns; $name; $spec): {apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository",
		metadata: {namespace: $ns, name: $name, annotations: {"example.com/private": "annotation-word"}}, spec: ({interval: "2s", url: "oci://\($r)/web"} + $spec)};
	{apiVersion: "v1", kind: "List", items: [
		({apiVersion: "v1", kind: "Namespace", metadata: {name: ("apps", "infra")}}),
		{apiVersion: "v1", kind: "Secret", metadata: {namespace: "apps", name: "proxy"},
			stringData: {address: "http://127.0.0.1:9", username: "somebody", password: "proxy-word"}},
		object("apps"; "web"; {ref: {semver: ">=1.0"}}),
		object("apps"; "paused"; {ref: {tag: "1.0.0"}, suspend: true}),
		object("apps"; "user"; {url: "oci://user:url-word@\($r)/web", ref: {tag: "1.0.0"}}),
		object("apps"; "proxied"; {ref: {tag: "1.0.0"}, proxySecretRef: {name: "proxy"}}),
		object("infra"; "dead"; {url: "oci://\($dead)/web", ref: {tag: "1.0.0"}}),
		object("infra"; "hostile"; {ref: {tag: "<script>alert(1)</script>\"\u202e\u0027<b>"}})]}' >"$H_TMP/objects/all.json"
h_embedded_start src "$H_TMP/objects"
HEALTH=http://$(h_address src health) || h_die "no health port"

get() { curl -sg --max-time 20 "$HEALTH$1"; }
code() { curl -sg --max-time 20 -o /dev/null -w '%{http_code}' "$@"; }
names() { get "/api/objects$1" | jq -r '[.objects[].name] | join(" ")'; }
state() { get "/api/objects/ocirepository/$1" | jq -r '"\(.state) \(.reason)"'; }

# ---- the list --------------------------------------------------------------------------------------------------------
check_soon "an artifact" 20 "ready Succeeded" state apps/web
check_soon "a registry that does not answer" 20 "failed OCIArtifactPullFailed" state infra/dead
check_soon "a tag that is none" 20 "failed OCIArtifactPullFailed" state infra/hostile
check_soon "a URL with credentials" 20 "failed URLInvalid" state apps/user
check_soon "a proxy that does not answer" 20 "failed OCIArtifactPullFailed" state apps/proxied
check_soon "what is wrong comes first" 10 "proxied user dead hostile web paused" names ""
page=$(get /)
check_has "how many are well" "<h1>1 of 6 objects ready</h1>" "$page"
check_has "an object, with its page" '<a href="/objects/ocirepository/apps/web">web</a>' "$page"
check_has "its reference" "semver &gt;=1.0" "$page"
check_has "its revision" "1.1.0" "$page"
check_match "the health of its registry" "$REGISTRY<span>answers</span>" "$page"
check_match "and of one that does not answer" "$DEAD<span>does not answer</span>" "$page"
check_has "the last error" "<b>URLInvalid</b>" "$page"
check_eq "the page ends" 1 "$(grep -c '</html>' <<<"$page")"
check_eq "JSON and page count alike" "4 0 1 1" "$(get /api/objects | jq -r '.counts | "\(.failed) \(.progressing) \(.ready) \(.suspended)"')"
check_eq "a registry in JSON" down "$(get /api/objects | jq -r --arg h "$DEAD" '.registries[] | select(.name == $h) | .state')"

# ---- filters and pages -----------------------------------------------------------------------------------------------
check_eq "by state" "proxied user dead hostile" "$(names '?state=failed')"
check_eq "by namespace" "dead hostile" "$(names '?namespace=infra')"
check_eq "by both" "web" "$(names '?namespace=apps&state=ready')"
check_eq "by name" "web" "$(names '?q=apps/we')"
check_eq "by registry" "dead" "$(names "?q=$DEAD")"
check_eq "the page alike" 2 "$(get '/?namespace=infra' | grep -c '<div class="name">')"
check_has "it says what was asked" '<option value="failed" selected="">' "$(get '/?state=failed')"
check_eq "a wrong state is named, and what there is" 'state= cannot be "gr\u001ben", want failed, progressing, ready or suspended' "$(curl -s "$HEALTH/api/objects?state=gr%1ben")"
check_eq "so is a wrong limit" 'limit= cannot be "x", want a number from 1 to 500' "$(curl -s "$HEALTH/?limit=x")"
check_eq "a wrong state" 400 "$(code "$HEALTH/?state=green")"
next='/api/objects?limit=4'
seen=
for _ in 1 2 3; do
	[ "$next" != null ] || break
	json=$(get "$next")
	seen+=" $(jq -r '[.objects[].name] | join(" ")' <<<"$json")"
	next=$(jq -r .next <<<"$json")
done
check_eq "page by page" " proxied user dead hostile web paused" "$seen"
check_has "and by links" 'rel="next"' "$(get '/?limit=4')"

# ---- one object ------------------------------------------------------------------------------------------------------
push web:1.2.0
check_soon "a new revision" 20 "1.1.0 1.2.0" eval 'get /api/objects/ocirepository/apps/web | jq -r "[.revisions[].revision | split(\"@\")[0]] | join(\" \")"'
one=$(get /api/objects/ocirepository/apps/web)
check_eq "it is the status's" "$(k -n apps get ocirepository web -o jsonpath='{.status.artifact.revision} {.status.artifact.digest} {.status.artifact.lastUpdateTime}')" "$(jq -r '"\(.revision) \(.digest) \(.updated)"' <<<"$one")"
check_eq "the conditions too" "$(k -n apps get ocirepository web -o json | jq -c '[.status.conditions[] | [.type, .status, .message]] | sort')" "$(jq -c '[.conditions[] | [.type, .status, .message]] | sort' <<<"$one")"
check_eq "its Events" "NewArtifact NewArtifact" "$(jq -r '[.events[].reason] | join(" ")' <<<"$one")"
page=$(get /objects/ocirepository/apps/web)
check_has "the revisions as a picture" '<svg class="band"' "$page"
check_has "why this one" "The highest version in the range" "$page"
check_has "of which others" "is the next best" "$(jq -r .why <<<"$one")"
check_has "a link to the same as JSON" 'href="/api/objects/ocirepository/apps/web">JSON' "$page"
for path in apps/nobody apps "" / apps/ /web apps/web/x ..%2f..; do
	check_eq "none: $path" 404 "$(code "$HEALTH/objects/ocirepository/$path")"
done

# ---- what a browser is told, and who else asks -----------------------------------------------------------------------
for path in / /api/objects /objects/ocirepository/apps/web; do
	head=$(curl -sI "$HEALTH$path" | tr -d '\r')
	check_has "HEAD $path" "HTTP/1.1 200 OK" "$head"
	for field in "Cache-Control: no-store" "X-Content-Type-Options: nosniff" "Referrer-Policy: no-referrer"; do
		check_has "$path: $field" "$field" "$head"
	done
	for method in POST PUT DELETE OPTIONS; do
		check_eq "$method $path" 405 "$(code -X $method "$HEALTH$path")"
	done
done
check_has "scripts of anybody are refused" "default-src 'none'; style-src 'sha256-" "$(curl -sI "$HEALTH/")"
check_eq "probes as ever" "ok ok" "$(get /healthz) $(get /readyz)"

# ---- what is never shown ---------------------------------------------------------------------------------------------
all=$(for path in / /api/objects /objects/ocirepository/{apps/{web,user,paused,proxied},infra/{dead,hostile}} /api/objects/ocirepository/{apps/{user,proxied},infra/hostile}; do get "$path"; done)
for word in url-word proxy-word somebody annotation-word; do
	check_hasnt "no $word" "$word" "$all"
done
check_eq "and nobody can ask for it" "" "$(names '?q=url-word')"
pages=$(get /; get /objects/ocirepository/infra/hostile; get '/?q=%3Cscript%3E%22&namespace=%3Cb%3E')
check_hasnt "a tag is text" "<script" "$pages"
check_has "all of it" "&lt;script&gt;alert(1)&lt;/script&gt;&quot;" "$pages"
check_hasnt "it does not turn what follows" $'\xe2\x80\xae' "$pages"
check_eq "and is itself in JSON" "tag <script>alert(1)</script>\"" "$(get /api/objects/ocirepository/infra/hostile | jq -r '.reference[:30]')"

# ---- many of them ----------------------------------------------------------------------------------------------------
jq -n --arg r "$REGISTRY" '{apiVersion: "v1", kind: "List", items: [range(2000) | {apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository",
	metadata: {namespace: "infra", name: "many-\(.)"}, spec: {interval: "1h", url: "oci://\($r)/web", ref: {tag: "1.0.0"}, suspend: true}}]}' >"$H_TMP/objects/many.json"
check_soon "2,000 more" 120 2006 eval 'get /api/objects?limit=1 | jq .total'
check_eq "a page has 200 rows" 200 "$(get / | grep -c '<div class="name">')"
check_eq "and 500 at most" 500 "$(get '/?limit=9999' | grep -c '<div class="name">')"
check_le "which is not much" 1000000 "$(get '/?limit=9999' | wc -c)"
rm "$H_TMP/objects/many.json"

# ---- without it ------------------------------------------------------------------------------------------------------
h_stop "$CONTROLLER_PID"
h_embedded_start src "$H_TMP/objects" --status-page=false
HEALTH=http://$(h_address src health) || h_die "no health port"
for path in / /api/objects /objects/ocirepository/apps/web; do
	check_eq "--status-page=false: $path" "not found" "$(get $path)"
done
check_eq "--status-page=false: probes as ever" ok "$(get /healthz)"
h_finish
