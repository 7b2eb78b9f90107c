#!/usr/bin/env bash
# test/bench/image.sh: what scanning, choosing and being called cost. A real API server, etcd, and a registry that has nothing but tags
# (test/lib/tags.py). One JSON line a scenario on stdout; nothing here passes or fails by a time.
#
# With PEER_IRC and PEER_NC, the programs of image-reflector-controller and notification-controller, the same is done with these, one after
# the other: `who` in a line says whose figures they are. Theirs are of both processes together.
# TAGS_OF="200 5000 100000" IDLE=500 IDLE_SECONDS=60 ROUNDS=30 RATE=100 RATE_SECONDS=30 change the sizes.
if [ -z "${API:-}" ]; then
	API=real bash "$0" || exit 1
	if [ -n "${PEER_IRC:-}" ] && [ -n "${PEER_NC:-}" ]; then API=peers bash "$0" || exit 1; fi
	exit 0
fi
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
NS=bench
. "$H_ROOT/test/lib/image.sh"
TAGS_OF=${TAGS_OF:-200 5000 100000}
IDLE=${IDLE:-500}
IDLE_SECONDS=${IDLE_SECONDS:-60}
ROUNDS=${ROUNDS:-30}
RATE=${RATE:-100}
RATE_SECONDS=${RATE_SECONDS:-30}

i_tags_start
i_start
h_namespace $NS
GROUP=image.toolkit.fluxcd.io/v1
. "$H_ROOT/test/bench/measure.sh"
annotate() { api -X PATCH -H 'Content-Type: application/merge-patch+json' "$PREFIX/imagerepositories/$1" -d '{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"'"$2"'"}}}' >/dev/null; }
# How long the registry itself takes for all pages of a list, in microseconds.
registry_us()
{
	python3 - "$TAGS" "$1" <<-'PY'
		import http.client, re, sys, time
		c = http.client.HTTPConnection(sys.argv[1])
		begin, path = time.perf_counter(), f"/v2/{sys.argv[2]}/tags/list?n=1000"
		while path:
		    c.request("GET", path)
		    r = c.getresponse()
		    r.read()
		    link = re.match("<([^>]*)>", r.getheader("Link", ""))
		    path = link and link[1]
		print(round((time.perf_counter() - begin) * 1e6))
	PY
}

# ---- one repository, scanned again and again ---------------------------------------------------------------------------
watch imagerepositories
handled() { grep -qF "\"lastHandledReconcileAt\":\"$1\"" "$H_TMP/log/watch-imagerepositories.out"; }
at() { grep -F "\"lastHandledReconcileAt\":\"$1\"" "$H_TMP/log/watch-imagerepositories.out" | head -n 1 | cut -d' ' -f1; }
for n in $TAGS_OF; do
	rounds=$((n > 50000 ? 5 : n > 1000 ? 20 : 50))
	tags "many-$n" "{\"count\":$n,\"page\":1000}"
	repository "many-$n" "{\"image\":\"$TAGS/many-$n\",\"interval\":\"1h\",\"timeout\":\"5m\"}"
	h_until 120 kn wait --for=condition=Ready --timeout=1s "imagerepository/many-$n" || h_die "$n tags: not scanned"
	check_eq "$n tags are there" "$n" "$(count "many-$n")"
	registry=$(registry_us "many-$n")
	peak_reset
	c0=$(cpu_ms)
	for ((i = 0; i < rounds; i++)); do
		t0=${EPOCHREALTIME/./}
		annotate "many-$n" "$n-$i"
		h_until 120 handled "$n-$i" || h_die "$n tags: round $i was not handled"
		echo $(($(at "$n-$i") - t0))
	done >"$H_TMP/times"
	line image-scan "$(percentiles <"$H_TMP/times" | jq -c --argjson n "$n" --argjson cpu $(($(cpu_ms) - c0)) --argjson rounds "$rounds" --argjson peak "$(status_mib VmHWM)" --argjson registry "$registry" \
		'{tags: $n} + . + {registry_ms: ($registry / 100 | round / 10), cpu_ms: ($cpu / $rounds * 10 | round / 10), peak_rss_mib: $peak}')"
	kn delete imagerepository "many-$n" >/dev/null
done

# ---- from a webhook to the choice --------------------------------------------------------------------------------------
tags hooked '{"count":200,"tags":["1.0.0"]}'
repository hooked "{\"image\":\"$TAGS/hooked\",\"interval\":\"1h\"}"
policy hooked '{"imageRepositoryRef":{"name":"hooked"},"policy":{"semver":{"range":">=1.0.0"}}}'
kn create secret generic hook --from-literal=token=bench >/dev/null
apply Receiver hooked '{"type":"generic","secretRef":{"name":"hook"},"resources":[{"kind":"ImageRepository","name":"hooked"}]}'
check_soon "the first choice" 60 1.0.0 chosen hooked
h_until 60 test -n "$(hook_path hooked)"
URL=http://$HOOK$(hook_path hooked)
watch imagepolicies
registry=$(registry_us hooked)
chose() { grep -qF "\"tag\":\"$1\"" "$H_TMP/log/watch-imagepolicies.out"; }
c0=$(cpu_ms)
for ((i = 1; i <= ROUNDS; i++)); do
	tags hooked "{\"count\":200,\"tags\":[\"1.0.$i\"]}"
	t0=${EPOCHREALTIME/./}
	[ "$(curl -s -o /dev/null -w '%{http_code}' -d '{}' "$URL")" = 200 ] || h_die "the webhook was not taken"
	h_until 30 chose "1.0.$i" || h_die "round $i: not chosen"
	echo $(($(grep -F "\"tag\":\"1.0.$i\"" "$H_TMP/log/watch-imagepolicies.out" | head -n 1 | cut -d' ' -f1) - t0))
done >"$H_TMP/times"
line webhook-to-choice "$(percentiles <"$H_TMP/times" | jq -c --argjson cpu $(($(cpu_ms) - c0)) --argjson registry "$registry" '. + {registry_ms: ($registry / 100 | round / 10), cpu_ms: ($cpu / .rounds * 10 | round / 10)}')"

# ---- many webhooks -----------------------------------------------------------------------------------------------------
rss=$(status_mib VmRSS)
peak_reset
c0=$(cpu_ms)
answers=$(python3 - "$URL" "$RATE" "$RATE_SECONDS" <<-'PY'
	import http.client, json, sys, threading, time, urllib.parse
	url, rate, seconds = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
	callers, times, codes, lock = 20, [], {}, threading.Lock()
	begin = time.perf_counter() + 0.2

	def call(which):
	    c = http.client.HTTPConnection(url.netloc)
	    for n in range(which, rate * seconds, callers):
	        time.sleep(max(0, begin + n / rate - time.perf_counter()))
	        t = time.perf_counter()
	        c.request("POST", url.path, b"{}", {"Content-Type": "application/json"})
	        r = c.getresponse()
	        r.read()
	        with lock:
	            times.append(time.perf_counter() - t)
	            codes[str(r.status)] = codes.get(str(r.status), 0) + 1

	threads = [threading.Thread(target=call, args=(n,)) for n in range(callers)]
	[t.start() for t in threads]
	[t.join() for t in threads]
	times.sort()
	print(json.dumps({"answers": codes, "seconds": round(time.perf_counter() - begin, 1),
	                  "p50_ms": round(times[len(times) // 2] * 1e3, 2), "p95_ms": round(times[len(times) * 95 // 100] * 1e3, 2)}))
PY
)
cpu=$(($(cpu_ms) - c0))
tags hooked '{"count":200,"tags":["2.0.0"]}'
curl -s -o /dev/null -d '{}' "$URL"
check_soon "the last one counts" 30 2.0.0 chosen hooked
line webhooks "$(jq -cn --argjson a "$answers" --argjson rate "$RATE" --argjson cpu "$cpu" --argjson before "$rss" --argjson after "$(status_mib VmRSS)" --argjson peak "$(status_mib VmHWM)" \
	'{per_second: $rate} + $a + {cpu_percent: ($cpu / ($a.seconds * 10) | . * 10 | round / 10), rss_before_mib: $before, rss_after_mib: $after, peak_rss_mib: $peak}')"
kn delete imagerepository hooked >/dev/null

# ---- many repositories that do not change ------------------------------------------------------------------------------
for ((i = 0; i < IDLE; i++)); do
	tags "idle-$i" '{"count":200}'
	manifest_idle="{\"apiVersion\":\"image.toolkit.fluxcd.io/v1\",\"kind\":\"ImageRepository\",\"metadata\":{\"name\":\"idle-$i\"},\"spec\":{\"interval\":\"1m\",\"image\":\"$TAGS/idle-$i\"}}"
	echo "$manifest_idle"
done | kn create -f - >/dev/null || h_die "cannot create the repositories"
ready() { [ "$(kn get imagerepositories -o json | jq '[.items[].status.conditions[]? | select(.type == "Ready" and .status == "True")] | length')" = "$IDLE" ]; }
h_until 180 ready || h_die "not every repository is Ready"
sleep 5
c0=$(cpu_ms)
a0=$(wc -l <"$H_TMP/tags.log")
sleep "$IDLE_SECONDS"
line image-idle "$(jq -cn --argjson n "$IDLE" --argjson s "$IDLE_SECONDS" --argjson cpu $(($(cpu_ms) - c0)) --argjson rss "$(status_mib VmRSS)" --argjson asked $(($(wc -l <"$H_TMP/tags.log") - a0)) \
	'{repositories: $n, seconds: $s, registry_requests: $asked, cpu_percent: ($cpu / ($s * 10) | . * 100 | round / 100), rss_mib: $rss}')"
i_stop >/dev/null
h_finish
