#!/usr/bin/env bash
# The page of metrics, the alerts and the dashboard of deploy/monitoring, as Prometheus' own programs read them: promtool checks page and rules,
# and a Prometheus that scrapes the controller answers every query of the dashboard. A name that is not on the page fails.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
MONITORING=$H_ROOT/deploy/monitoring

command -v promtool >/dev/null && command -v prometheus >/dev/null || h_die "no promtool: .ci/deps test"

# ---- a controller with something of everything -----------------------------------------------------------------------
h_registry_start reg
for tag in 1 2; do
	"$OCICTL" push "oci://$REGISTRY/app:$tag" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
done
mkdir "$H_TMP/objects"
object()
{
	jq -n --arg name "$1" --arg url "$2" --argjson more "$3" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: ({interval: "2s", url: $url} + $more)}' \
		>"$H_TMP/objects/$1.json"
}
object web "oci://$REGISTRY/app" '{"ref":{"tag":"1"}}'
object missing "oci://$REGISTRY/app" '{"ref":{"tag":"none"}}'
object paused "oci://$REGISTRY/app" '{"ref":{"tag":"2"},"suspend":true}'
object dead "oci://127.0.0.1:$(h_free_port)/app" '{"ref":{"tag":"1"}}'
object secret 'oci://me:open-sesame@registry.example/app?token=open-sesame' '{"ref":{"tag":"1"}}'
h_receiver_start nc
h_embedded_start src "$H_TMP/objects" --events-addr="http://$RECEIVER/"
ready() { k get ocirepository "$1" -o json | jq -r '[.status.conditions[]? | select(.type == "Ready") | .status] | first'; }
check_soon "an object is Ready" 30 True ready web
check_soon "one is not" 30 False ready missing
check_soon "nor is one at a registry that is not there" 30 False ready dead
check_soon "nor one whose URL is wrong" 30 False ready secret
curl -sf -o "$H_TMP/web.tar.gz" "http://$(h_address src artifacts)/$(k get ocirepository web -o json | jq -r .status.artifact.path)" || h_die "no artifact"
METRICS=$(h_address src metrics) || h_die "no metrics"
page() { curl -sf "http://$METRICS/metrics"; }
value() { page | awk -v m="$1" 'index($0, m) == 1 { print $NF; exit }'; }
above() { awk -v v="$(value "$2")" -v min="$1" 'BEGIN { print (v + 0 > min + 0 ? "yes" : "no: " v) }'; }

# ---- the page --------------------------------------------------------------------------------------------------------
page >"$H_TMP/page" || h_die "no page"
check_eq "promtool has nothing to say about the page" "0 " "$(promtool check metrics <"$H_TMP/page" >"$H_TMP/said" 2>&1; echo "$? $(cat "$H_TMP/said")")"
info() { page | grep -F 'gotk_resource_info{customresource_group="source.toolkit.fluxcd.io",customresource_version="v1",customresource_kind="OCIRepository",name="'"$1"'",'; }
revision=$(k get ocirepository web -o json | jq -r .status.artifact.revision)
check_has "gotk_resource_info of an object" "exported_namespace=\"default\",ready=\"True\",suspended=\"false\",revision=\"$revision\",url=\"oci://$REGISTRY/app\"} 1" "$(info web)"
check_has "of one that fails" 'ready="False",suspended="false",revision="",' "$(info missing)"
check_has "of one that is suspended" 'ready="",suspended="true",revision="",' "$(info paused)"
check_has "a URL loses what nobody shall see" 'url="oci://registry.example/app"} 1' "$(info secret)"
check_hasnt "and nothing else shows it" open-sesame "$(page)"
of() { echo "{kind=\"OCIRepository\",name=\"$1\",exported_namespace=\"default\"}"; }
check_eq "an interval" 2 "$(value "oci_object_interval_seconds$(of web)")"
check_eq "none while suspended" "" "$(value "oci_object_interval_seconds$(of paused)")"
check_eq "no success of one that fails" "" "$(value "oci_object_last_success_timestamp_seconds$(of missing)")"
before=$(value "oci_object_last_success_timestamp_seconds$(of web)")
check_eq "a success now" yes "$(awk -v v="$before" -v now="$(date +%s)" 'BEGIN { print (v > now - 120 && v <= now + 1 ? "yes" : v) }')"
check_soon "a later one, of a check that finds nothing new" 20 yes above "$before" "oci_object_last_success_timestamp_seconds$(of web)"
check_eq "requests by kind, host and code" yes "$(above 0 "oci_registry_requests_total{kind=\"blob\",host=\"$REGISTRY\",code=\"200\"}")"
check_eq "and what had no answer" yes "$(above 0 "oci_registry_requests_total{kind=\"head\",host=\"$(jq -r .spec.url "$H_TMP/objects/dead.json" | cut -d/ -f3)\",code=\"<error>\"}")"
check_eq "bytes served" yes "$(above "$(stat -c %s "$H_TMP/web.tar.gz")" 'http_server_sent_bytes_total{server="artifacts"}')"
check_eq "and the reply" 1 "$(value 'http_server_requests_total{server="artifacts",code="200"}')"
check_eq "what failed" yes "$(above 0 'controller_runtime_reconcile_errors_total{controller="ocirepository"}')"
check_eq "what stalled" yes "$(above 0 'controller_runtime_terminal_reconcile_errors_total{controller="ocirepository"}')"
check_soon "what notification-controller took" 10 yes above 0 'flux_events_total{outcome="sent"}'
check_eq "on a connection of its own" yes "$(above 0 'http_client_connections_total{client="notification"}')"
check_has "a cloud nobody asked" 'gotk_token_cache_requests_total{status="success"} 0' "$(page)"
k patch ocirepository web --type=merge -p '{"spec":{"suspend":true}}' >/dev/null
check_soon "a change shows" 10 yes bash -c "curl -sf http://$METRICS/metrics | grep -q 'name=\"web\".*suspended=\"true\"' && echo yes"
k patch ocirepository web --type=merge -p '{"spec":{"suspend":false}}' >/dev/null

# ---- the rules -------------------------------------------------------------------------------------------------------
sed '1,/^spec:$/d; s/^  //' "$MONITORING/rules.yaml" >"$H_TMP/rules.yaml"
cp "$H_ROOT/test/integration/monitoring_rules.yaml" "$H_TMP/tests.yaml"
said() { "$@" 2>&1; echo "rc $?"; }
check_has "promtool checks the rules" "rc 0" "$(said promtool check rules --lint-fatal "$H_TMP/rules.yaml")"
check_has "and their tests pass" "rc 0" "$(said promtool test rules "$H_TMP/tests.yaml")"
alerts=$(sed -n 's/^ *- alert: //p' "$H_TMP/rules.yaml" | sort)
fires() { awk '/eval_time:/ { name = "" } /^ *alertname:/ { name = $2 } /^ *- exp_labels:/ { print name }' "$H_TMP/tests.yaml" | sort -u; }
stays() { sed -n 's/.*alertname: \([A-Za-z]*\), exp_alerts: \[\].*/\1/p' "$H_TMP/tests.yaml" | sort -u; }
check_eq "each alert is seen to fire" "$alerts" "$(fires)"
check_eq "and to stay silent" "$alerts" "$(stays)"

# ---- one of several replicas, which has what an embedded API has no use for ---------------------------------------------
mkdir "$H_TMP/follower"
h_controller_start follower --kubeconfig="$ADMIN_KUBECONFIG" --storage-path="$H_TMP/follower" --enable-leader-election --peers-service=none
FOLLOWER=$(h_address follower metrics) || h_die "the follower does not start"
curl -sf "http://$FOLLOWER/metrics" >"$H_TMP/follower.page" || h_die "no metrics of the follower"
check_has "it follows" 'leader_election_master_status{name="source-controller-leader-election"} 0' "$(cat "$H_TMP/follower.page")"
cat "$H_TMP/follower.page" >>"$H_TMP/page"

# ---- names -----------------------------------------------------------------------------------------------------------
jq -r '[.. | objects | .expr? // empty] | .[]' "$MONITORING/dashboard.json" | sed 's/\$__rate_interval/10s/g; s/\$job/.*/g; s/\$namespace/.*/g' >"$H_TMP/queries"
check_eq "the dashboard has queries" yes "$([ "$(wc -l <"$H_TMP/queries")" -gt 25 ] && echo yes)"
promtool_rules() { promtool check rules "$1" >/dev/null && awk '/^ *expr: >-/ { on = 1; next } /^ *(for|labels):/ { on = 0 } /^ *expr: / { sub(/^ *expr: /, ""); print } on { print }' "$1"; }
promtool_rules "$H_TMP/rules.yaml" >"$H_TMP/exprs"
# Without strings, selectors, ranges and lists of labels: words that no bracket follows are metrics.
names() { sed -E 's/"[^"]*"//g; s/\{[^}]*\}//g; s/\[[^]]*\]//g; s/\b(by|on|without|ignoring|group_left|group_right) *\([^)]*\)//g' "$@" |
	grep -oE '[a-zA-Z_:][a-zA-Z0-9_:]*( *\()?' | grep -v '(' | tr -d ' ' | grep -vxE 'and|or|unless|bool|offset|e[0-9]*' | sort -u; }
unknown() { names "$@" | while read -r n; do grep -qE "^$n[{ ]" "$H_TMP/page" || echo "$n"; done; }
check_eq "a metric of the dashboard that is not on the page" "" "$(unknown "$H_TMP/queries")"
check_eq "one of the rules" "" "$(unknown "$H_TMP/exprs")"
check_eq "the names are found" yes "$([ "$(names "$H_TMP/queries" "$H_TMP/exprs" | wc -l)" -gt 25 ] && echo yes)"
sed 's/gotk_resource_info/gotk_ressource_info/' "$H_TMP/exprs" >"$H_TMP/typo"
check_eq "a typo is seen" gotk_ressource_info "$(unknown "$H_TMP/typo")"
check_eq "what is read is in the docs, each name" "" "$(grep '^# TYPE' "$H_TMP/page" | cut -d' ' -f3 | while read -r n; do grep -qF "\`$n" "$H_ROOT/docs/metrics.md" || echo "$n"; done)"

# ---- a Prometheus ----------------------------------------------------------------------------------------------------
PROM=127.0.0.1:$(h_free_port)
cat >"$H_TMP/prometheus.yaml" <<-YML
	global: {scrape_interval: 1s, evaluation_interval: 1s}
	rule_files: [rules.yaml]
	scrape_configs: [{job_name: test, static_configs: [{targets: ['$METRICS'], labels: {namespace: flux-system, pod: source-controller-1}}]}]
YML
check_has "promtool takes the configuration" "rc 0" "$(said promtool check config "$H_TMP/prometheus.yaml")"
h_spawn prometheus prometheus --config.file="$H_TMP/prometheus.yaml" --storage.tsdb.path="$H_TMP/tsdb" --web.listen-address="$PROM"
h_until 60 curl -sf -o "$H_TMP/ready" "http://$PROM/-/ready" || h_die "Prometheus is not ready"
ask() { curl -sf --data-urlencode "query=$1" "http://$PROM/api/v1/query" | jq -r '.data.result | length'; }
check_soon "it scrapes us" 30 1 ask 'up{job="test"} == 1'
check_soon "twice at least" 30 1 ask 'count_over_time(up{job="test"}[1m]) > 3'
check_eq "its namespace is not ours" "default flux-system" "$(curl -sf --data-urlencode 'query=gotk_resource_info{name="web"}' "http://$PROM/api/v1/query" |
	jq -r '.data.result[0].metric | "\(.exported_namespace) \(.namespace)"')"
while read -r q; do
	check_soon "data for: $q" 15 yes bash -c 'n=$(curl -sf --data-urlencode "query=$1" "$2/api/v1/query" | jq ".data.result | length"); [ "${n:-0}" -gt 0 ] && echo yes' - "$q" "http://$PROM"
done <"$H_TMP/queries"
rules() { curl -sf "http://$PROM/api/v1/rules" | jq -r "[.data.groups[].rules[] | $1] | sort | join(\" \")"; }
check_soon "all rules are evaluated" 20 "" rules 'select(.health != "ok") | .name'
pending() { rules 'select(.name == "OCIRepositoryNotReady") | .alerts[] | "\(.labels.name):\(.state)"'; }
check_soon "who is not Ready is on the way to an alert" 20 "dead:pending missing:pending secret:pending" pending
rm "$H_TMP/objects/missing.json"
k delete ocirepository missing --ignore-not-found >/dev/null || h_die "cannot delete"
check_soon "and who goes is not" 30 "dead:pending secret:pending" pending
check_hasnt "a deleted object leaves nothing behind" 'name="missing"' "$(page)"

h_finish
