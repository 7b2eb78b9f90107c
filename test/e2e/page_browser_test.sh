#!/usr/bin/env bash
# The status page in a headless Chromium (Debian's package): it loads without a complaint and asks nobody else, filters, shows what strangers
# wrote as text, and fits a phone, light and dark. SHOTS=DIR keeps pictures of it to look at. test/integration/page_test.sh has the rest.
# Alone: a browser takes both cores.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
export CHROMIUM=${CHROMIUM:-chromium}
SHOTS=${SHOTS:-$H_TMP}
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"

h_registry_start reg
mkdir -p "$H_TMP/app" "$H_TMP/objects" "$SHOTS"
push() # REPO:TAG
{
	echo "$1" >"$H_TMP/app/app.yaml"
	"$OCICTL" push "oci://$REGISTRY/$1" --path="$H_TMP/app" --source=https://example.com/app.git --revision="main@sha1:$1" >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push $1"
}
push web:1.0.0
push web:1.1.0

# A registry whose errors are markup.
LIAR=127.0.0.1:$(h_free_port)
h_spawn liar python3 -c '
import http.server, json, sys
class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = json.dumps({"errors": [{"code": "DENIED", "message": "<img src=x onerror=alert(1)>\"\u202e<script>alert(2)</script>"}]}).encode()
        self.send_response(404 if self.path != "/v2/" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    do_HEAD = do_GET
host, port = sys.argv[1].split(":")
http.server.ThreadingHTTPServer((host, int(port)), Liar).serve_forever()' "$LIAR"
h_until 20 h_http_answers "http://$LIAR/v2/" || h_die "the liar does not answer"

LONG=a-name-that-is-as-long-as-such-names-may-be-and-has-no-place-to-be-broken-at-$(printf 'x%.0s' {1..60})
jq -n --arg r "$REGISTRY" --arg liar "$LIAR" --arg long "$LONG" '
	def object($ns; $name; $spec): {apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository",
		metadata: {namespace: $ns, name: $name}, spec: ({interval: "2s", url: "oci://\($r)/web", ref: {tag: "1.0.0"}} + $spec)};
	{apiVersion: "v1", kind: "List", items: [
		({apiVersion: "v1", kind: "Namespace", metadata: {name: ("apps", "infra")}}),
		object("apps"; "web"; {ref: {semver: ">=1.0"}}),
		object("apps"; $long; {}),
		object("apps"; "paused"; {suspend: true}),
		object("infra"; "liar"; {url: "oci://\($liar)/app"}),
		object("infra"; "hostile"; {ref: {tag: "<script>alert(3)</script>\"\u202e\u0027<b>"}})]}' >"$H_TMP/objects/all.json"
h_embedded_start src "$H_TMP/objects"
HEALTH=http://$(h_address src health) || h_die "no health port"
page() { curl -s --max-time 20 "$HEALTH$1"; }
check_soon "objects to look at" 40 "2 0 2 1" eval 'page /api/objects | jq -r ".counts | \"\(.failed) \(.progressing) \(.ready) \(.suspended)\""'
push web:1.2.0
check_soon "and a revision before" 30 2 eval 'page /api/objects/ocirepository/apps/web | jq ".revisions | length"'
check_soon_match "the liar's words" 20 'onerror' page /api/objects/ocirepository/infra/liar

for path in / '/?state=failed&q=a' /objects/ocirepository/apps/web /objects/ocirepository/infra/hostile; do
	check_ok "well-formed: $path" python3 -c 'import sys, xml.etree.ElementTree as e; e.fromstring(sys.stdin.read().removeprefix("<!DOCTYPE html>\n"))' < <(page "$path")
done

FITS='Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll("main *")].map(e => e.getBoundingClientRect().right)) <= innerWidth'
DONE='document.readyState == "complete"'
ROWS='document.querySelectorAll(".rows .name a").length'
python3 "$H_ROOT/test/e2e/browser.py" >"$H_TMP/seen" 2>"$H_TMP/log/browser.err" <<-STEPS
	size 1280 900
	scheme light
	open $HEALTH/
	eval title document.title
	eval rows $ROWS
	eval light getComputedStyle(document.body).backgroundColor
	eval fits-desk $FITS
	eval strips document.querySelectorAll("svg.strip circle.now").length
	shot $SHOTS/list-light.png
	eval chip document.querySelector(".chip.failed").click()
	wait location.search == "?state=failed" && $DONE
	eval failed [...document.querySelectorAll(".rows .name a")].map(a => a.textContent).join(" ")
	eval foreign document.querySelectorAll("script,img,iframe,object,embed,.rows b b").length
	eval words [...document.querySelectorAll(".msg")].some(m => m.textContent.includes("<img src=x onerror=alert(1)>"))
	eval turned document.body.textContent.includes("\u202e")
	eval form document.querySelector("form a.clear").click()
	wait location.search == "" && $DONE
	eval type document.querySelector("[name=namespace]").value = "apps", document.querySelector("[name=q]").value = "we", document.querySelector("form button").click()
	wait location.search.includes("namespace=apps") && $DONE
	eval formed [...document.querySelectorAll(".rows .name a")].map(a => a.textContent).join(" ")
	eval kept document.querySelector("[name=namespace]").value
	eval open document.querySelector(".rows .name a").click()
	wait location.pathname == "/objects/ocirepository/apps/web" && $DONE
	eval object document.querySelector("h1").textContent
	eval bars document.querySelectorAll("svg.band rect").length
	shot $SHOTS/object-light.png
	scheme dark
	shot $SHOTS/object-dark.png
	open $HEALTH/
	eval dark getComputedStyle(document.body).backgroundColor
	eval ink getComputedStyle(document.body).color
	shot $SHOTS/list-dark.png
	size 390 844
	open $HEALTH/
	eval fits-phone $FITS
	eval zoom getComputedStyle(document.querySelector("input")).fontSize
	shot $SHOTS/phone-dark.png
	scheme light
	shot $SHOTS/phone-light.png
	open $HEALTH/objects/ocirepository/apps/web
	eval fits-object $FITS
	open $HEALTH/objects/ocirepository/infra/hostile
	eval hostile document.querySelector("dl").textContent.includes("<script>alert(3)</script>")
	eval fits-hostile $FITS
	shot $SHOTS/object-phone.png
	eval json document.querySelector("header .j").click()
	wait location.pathname == "/api/objects/ocirepository/infra/hostile" && $DONE
	eval type-json document.contentType
	errors
	requests
STEPS
check_eq "the browser did all of it" 0 $?
seen() { awk -F '\t' -v n="$1" '$1 == n { print $2 }' "$H_TMP/seen"; }
check_eq "it complains about nothing" '[]' "$(seen errors)"
check_eq "it asks nobody else" 0 "$(seen requests | jq -r --arg own "$HEALTH/" '[.[] | select((startswith($own) or startswith("data:")) | not)] | length')"
check_eq "the title says how it is" '"2 failed, 2 of 5 ready"' "$(seen title)"
check_eq "all objects" 5 "$(seen rows)"
check_eq "with their revisions" 2 "$(seen strips)"
check_eq "a click filters" '"hostile liar"' "$(seen failed)"
check_eq "the form filters" '"web"' "$(seen formed)"
check_eq "and remembers" '"apps"' "$(seen kept)"
check_eq "an object's own page" '"web"' "$(seen object)"
check_eq "with two revisions in its picture" 2 "$(seen bars)"
check_eq "a registry's words make no elements" 0 "$(seen foreign)"
check_eq "but are there" true "$(seen words)"
check_eq "as a tag's are" true "$(seen hostile)"
check_eq "nothing turns the line" false "$(seen turned)"
check_eq "light" '"rgb(245, 246, 248)"' "$(seen light)"
check_eq "dark" '"rgb(13, 17, 23)"' "$(seen dark)"
check_eq "with light letters" '"rgb(230, 237, 243)"' "$(seen ink)"
for where in desk phone object hostile; do
	check_eq "nothing reaches over the edge: $where" true "$(seen fits-$where)"
done
check_eq "a phone does not zoom into the form" '"16px"' "$(seen zoom)"
check_eq "the link to JSON" '"application/json"' "$(seen type-json)"
h_finish
