#!/usr/bin/env bash
# What `make run` shows: the tables, what a push and a webhook change, an artifact to fetch, and a clean end; twice, because nothing may be left over from the first.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
for turn in first second; do
	out=$(BUILD=$BUILD RUN_FOR=1 bash "$H_ROOT/test/run.sh" 2>"$H_TMP/log/run.err")
	check_eq "$turn: exit status" 0 $?
	check_match "$turn: the header of the table" 'NAMESPACE +NAME +URL +READY +STATUS +AGE' "$out"
	check_eq "$turn: six objects, all Ready" 6 "$(grep -cE '^apps +web-[a-z]+ +oci://127\.0\.0\.1:[0-9]+/manifests/web +True +' <<<"$out")"
	for want in 'web-production .*1\.1\.0@sha256:' 'web-staging .*v0\.0\.0-staging-test-deploy-3@sha256:' 'web-main .*main@sha256:' 'web-latest .*latest@sha256:' 'web-pinned .*sha256:' 'web-promoted .*staging@sha256:'; do
		check_match "$turn: ${want%% *}" "$want" "$out"
	done
	check_match "$turn: the image and its tags" 'apps +web +127\.0\.0\.1:[0-9]+/images/web +8 +True +' "$out"
	check_eq "$turn: three policies, all Ready" 3 "$(grep -cE '^apps +web-[a-z]+ +127\.0\.0\.1:[0-9]+/images/web +[a-z0-9.-]+ +True +' <<<"$out")"
	check_match "$turn: the webhook" 'apps +web +[0-9]+s +True +Receiver initialized for path: /hook/[0-9a-f]{64}' "$out"
	check_eq "$turn: what the policies chose before the push, and after" "main-9b1e0d7-1769938745 1.1.0 sha-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b main-c0ffee1-1770025145 1.2.0 sha-f2ca1bb6c7e907d06dafe4687e579fce76b37e4e" \
		"$(sed -nE 's/^  web-(main|release|sha) //p' <<<"$out" | paste -sd ' ')"
	check_match "$turn: the Git repository" 'apps +web +http://127\.0\.0\.1:[0-9]+/basic/web\.git +[0-9]+s +True +stored artifact for revision .staging@sha1:[0-9a-f]{40}' "$out"
	check_match "$turn: the automation" 'apps +web +True +repository up-to-date +[0-9]+s' "$out"
	check_match "$turn: IU-01 who has committed, and why" 'fluxcdbot <fluxcdbot@users.noreply.github.com>
      Automated image update

      - Kustomization/' "$out"
	for want in main-c0ffee1-1770025145 1.2.0 sha-f2ca1bb6c7e907d06dafe4687e579fce76b37e4e; do
		check_eq "$turn: IU-01 what is in Git, $want" 1 "$(grep -cE "^  \+ +newTag: $want # " <<<"$out")"
	done
	check_eq "$turn: IU-01 and not one byte else" 6 "$(grep -cE '^  [-+] ' <<<"$out")"
	check_match "$turn: IU-23 in which time" 'that the GitRepository has fetched [0-9]+ milliseconds after the call' "$out"
	check_has "$turn: each table has its command" '$ kubectl get imagepolicies -A' "$out"
	check_eq "$turn: the line to call, as it was called and once more" 2 "$(grep -cE "^  curl -d '\{\}' http://127\.0\.0\.1:[0-9]+/hook/[0-9a-f]{64}$" <<<"$out")"
	check_match "$turn: in which time" 'What they chose [0-9]+ milliseconds later' "$out"
	check_match "$turn: the line to try" 'curl -s http://127\.0\.0\.1:[0-9]+/ocirepository/apps/web-production/sha256:[0-9a-f]{64}\.tar\.gz \| tar tz' "$out"
	url=$(sed -nE 's/.*curl -s (http[^ ]*) .*/\1/p' <<<"$out")
	check_eq "$turn: nothing listens any more" 000 "$(curl -s -o /dev/null -w '%{http_code}' "$url")"
	check_eq "$turn: its directory is gone" "" "$(sed -nE 's/.*KUBECONFIG=(.*)/\1/p' <<<"$out" | while read -r f; do ls "$f" 2>/dev/null; done)"
done
check_eq "a wrong RUN_FOR is refused" 2 "$(RUN_FOR=soon bash "$H_ROOT/test/run.sh" >/dev/null 2>&1; echo $?)"
h_finish
