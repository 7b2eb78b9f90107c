#!/usr/bin/env bash
# Where an ImageUpdateAutomation pushes to, and as whom: branches, a refspec, options, races, signatures, logins.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/automation.sh"
. "$H_ROOT/test/lib/sshd.sh"

a_start
tags app '{"tags": ["1.0.0", "1.1.0"]}'
repository app "{\"image\": \"$TAGS/app\", \"insecure\": true}"
policy app '{"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "1.x"}}}'
check_soon "the policy has chosen" 20 1.1.0 chosen app
# hook REPO NAME: its text from stdin.
hook_of() { cat >"$GIT_ROOT/$1.git/hooks/$2" && chmod +x "$GIT_ROOT/$1.git/hooks/$2"; }
next=1.1.0
# scan TAG: the next choice.
scan() { next=$1; tags app "{\"tags\": [\"1.0.0\", \"$1\"]}"; request imagerepository app; check_soon "the policy has chosen $1" 10 "$1" chosen app; }

# ---- another branch --------------------------------------------------------------------------------------------------
a_repo br main 1.0.0
a_source br "http://$GIT/git/br.git" main
automation br br '{"push": {"branch": "bot/images"}}'
check_soon "IU-05 a new branch" 20 1.1.0 new_tag br bot/images
check_eq "IU-05 from what was read" "$(head_of br main)" "$(g br rev-parse bot/images^)"
check_soon "IU-05 Ready" 10 "True Succeeded" ready br
check_eq "IU-05 what was read is observed" "main@sha1:$(head_of br main)" "$(status br observedSourceRevision)"
commit=$(head_of br bot/images)
h_git_mark git
request imageupdateautomation br
check_eq "IU-06 no second commit" "$commit" "$(head_of br bot/images)"
check_le "IU-06 at most two questions" 2 "$(h_git_asked git '/git/br.git/')"
echo more >"$GIT_WORK/br/more.txt"
h_git_push br main "main moves on"
scan 1.2.0
check_soon "IU-05 an existing branch" 10 1.2.0 new_tag br bot/images
check_eq "IU-05 on top of it, though it is behind" "$commit" "$(g br rev-parse bot/images^)"
check_eq "the branch that is read stays" 1.0.0 "$(new_tag br main)"

# ---- a tag -----------------------------------------------------------------------------------------------------------
a_repo tag main 1.0.0
g tag tag -a -m one v1 main
g tag update-ref -d refs/heads/main
a_source tag "http://$GIT/git/tag.git" main
automation tag tag '{"checkout": {"ref": {"tag": "v1"}}, "push": {"branch": "from-tag"}}'
check_soon "IU-10 a branch from a tag" 20 1.2.0 new_tag tag from-tag
check_eq "IU-10 on top of it" "$(g tag rev-parse 'v1^{commit}')" "$(g tag rev-parse from-tag^)"

# ---- a refspec, options ----------------------------------------------------------------------------------------------
a_repo spec main 1.0.0
hook_of spec pre-receive <<'HOOK'
#!/bin/sh
i=0
while [ "$i" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do eval "echo \"\$GIT_PUSH_OPTION_$i\""; i=$((i + 1)); done >>options
HOOK
a_source spec "http://$GIT/git/spec.git" main
automation spec spec '{"push": {"refspec": "refs/heads/main:refs/heads/mirror/main", "options": {"ci.skip": "", "topic": "images"}}}'
check_soon "IU-07 the refspec, too" 20 1.2.0 new_tag spec mirror/main
check_eq "IU-07 both are one" "$(head_of spec main)" "$(head_of spec mirror/main)"
check_soon_match "IU-07 the event" 10 "to branch 'main' and refspecs 'refs/heads/main:refs/heads/mirror/main'" said spec
check_eq "IU-08 the options came with both" "ci.skip= topic=images ci.skip= topic=images" "$(xargs <"$GIT_ROOT/spec.git/options")"
for n in 1 2; do
	h_git_pull spec main
	h_git_push spec main "by hand $n"
done
scan 1.3.0
check_soon "IU-07 it moves forward over others' commits" 10 1.3.0 new_tag spec mirror/main
other=$(g spec commit-tree -m other "$(g spec rev-parse 'main^{tree}')")
g spec update-ref refs/heads/mirror/main "$other"
scan 1.4.0
check_soon "IU-07 and is never forced" 10 "False GitOperationFailed" ready_now spec
check_eq "IU-07 what is there stays" "$other" "$(head_of spec mirror/main)"
kn delete imageupdateautomation spec >/dev/null

# ---- races -----------------------------------------------------------------------------------------------------------
a_repo race main 1.0.0
# Somebody is faster, three times: the branch moves while the push is on its way.
hook_of race pre-receive <<'HOOK'
#!/bin/sh
unset GIT_QUARANTINE_PATH
n=$(cat races 2>/dev/null || echo 0)
[ "$n" -lt 3 ] || exit 0
echo $((n + 1)) >races
read -r old new ref
git update-ref "$ref" "$(GIT_OBJECT_DIRECTORY=$PWD/objects git -c user.name=x -c user.email=x@x commit-tree -m "faster $n" -p "$old" "$old^{tree}")"
HOOK
a_source race "http://$GIT/git/race.git" main
automation race race
check_soon "IU-11 pushed all the same" 20 1.4.0 new_tag race main
check_soon "IU-11 in the same run" 10 "True Succeeded" ready race
check_eq "IU-11 nobody's commit is lost" "faster 2 faster 1 faster 0 first" "$(g race log --format=%s main | tail -n4 | xargs)"
check_hasnt "IU-11 no failure was told" Warning "$(said race)"

# Eight on one branch.
a_repo many main 1.0.0
a_source many "http://$GIT/git/many.git" main
for n in 1 2 3 4 5 6 7 8; do
	mkdir -p "$GIT_WORK/many/team$n"
	sed 's/name:   web/name: web'"$n/" "$GIT_WORK/many/apps/web/kustomization.yaml" >"$GIT_WORK/many/team$n/kustomization.yaml"
done
h_git_push many main "eight teams"
before=$(g many rev-list --count main)
for n in 1 2 3 4 5 6 7 8; do automation "team$n" many '{}' "{\"update\": {\"path\": \"team$n\"}}"; done
many_done() { for n in 1 2 3 4 5 6 7 8; do file many main "team$n/kustomization.yaml" | grep -c "newTag: $next "; done | xargs; }
check_soon "IU-11 eight automations of one branch" 30 "1 1 1 1 1 1 1 1" many_done
check_eq "each has one commit" $((before + 8)) "$(g many rev-list --count main)"
for n in 1 2 3 4 5 6 7 8; do check_soon "team$n" 10 "True Succeeded" ready "team$n"; done
for n in 1 2 3 4 5 6 7 8; do kn delete imageupdateautomation "team$n" >/dev/null; done

a_repo shut main 1.0.0
hook_of shut pre-receive <<'HOOK'
#!/bin/sh
echo "GH006: Protected branch update failed" >&2
exit 1
HOOK
a_source shut "http://$GIT/git/shut.git" main
automation shut shut
check_soon "IU-12 a protected branch" 20 "False GitOperationFailed" ready_now shut
check_has "IU-12 in the server's words" "GH006: Protected branch update failed" "$(message imageupdateautomation shut)"
check_eq "IU-12 nothing is pushed" 1.0.0 "$(new_tag shut main)"
kn delete imageupdateautomation shut >/dev/null

# ---- as whom ---------------------------------------------------------------------------------------------------------
secret() { kn create secret generic "$@" >/dev/null || h_die "cannot create Secret $1"; }
a_repo login main 1.0.0
secret basic --from-literal=username="$GIT_USER" --from-literal=password="$GIT_WORD" --from-file=ca.crt="$GIT_CA"
secret bearer --from-literal=bearerToken="$GIT_TOKEN" --from-file=ca.crt="$GIT_CA"
secret wrong --from-literal=username="$GIT_USER" --from-literal=password=wrong --from-file=ca.crt="$GIT_CA"
a_source login "https://$GIT_TLS/basic/login.git" main '{"secretRef": {"name": "basic"}}'
automation login login
check_soon "IU-21 https with basic and a private CA" 20 1.4.0 new_tag login main
a_repo bearer main 1.0.0
a_source bearer "https://$GIT_TLS/bearer/bearer.git" main '{"secretRef": {"name": "bearer"}}'
automation bearer bearer
check_soon "IU-21 https with a bearer token" 20 1.4.0 new_tag bearer main
a_source wrong "https://$GIT_TLS/basic/login.git" main '{"secretRef": {"name": "wrong"}}'
automation wrong wrong
check_soon "IU-21 a wrong password" 20 "False GitOperationFailed" ready_now wrong
check_hasnt "and nobody is told it" "$GIT_WORD" "$(cat "$H_TMP/log/src.err")"
a_repo old main 1.0.0
a_source old "http://$GIT/plain/old.git" main
automation old old
check_soon "a server without version 2, filters and objects by name" 20 1.4.0 new_tag old main

# Over ssh: git's own programs behind OpenSSH's server.
sshd_start git
sshd_key git alice ed25519
sshd_key git bob ed25519 'some words'
secret alice --from-file=identity="$SSHD_DIR/alice" --from-file=known_hosts="$SSHD_KNOWN_HOSTS"
secret bob --from-file=identity="$SSHD_DIR/bob" --from-file=known_hosts="$SSHD_KNOWN_HOSTS" --from-literal=password='some words'
for who in alice bob; do
	a_repo "ssh-$who" main 1.0.0
	a_source "ssh-$who" "ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$GIT_ROOT/ssh-$who.git" main "{\"secretRef\": {\"name\": \"$who\"}}"
	automation "ssh-$who" "ssh-$who" '{"push": {"refspec": "refs/heads/main:refs/heads/copy", "options": {"by": "ssh"}}}'
	# An exchange is a login: on a busy machine some seconds each.
	check_soon "IU-21 ssh as $who" 60 1.4.0 new_tag "ssh-$who" main
	check_soon "IU-21 and IU-07, as $who" 60 1.4.0 new_tag "ssh-$who" copy
	check_soon "IU-21 Ready, as $who" 30 "True Succeeded" ready "ssh-$who"
done
sshd_new_host_key git
automation ssh-bob ssh-bob '{"push": {"branch": "other"}}'
check_soon "IU-21 another host key is refused" 30 "False GitOperationFailed" ready_now ssh-bob
check_eq "IU-21 and nothing is pushed" "" "$(new_tag ssh-bob other)"
for who in alice bob; do kn delete imageupdateautomation "ssh-$who" >/dev/null; done

# Through proxies: squid with a password, and SOCKS.
PROXY=127.0.0.1:$(h_free_port)
SOCKS=$(h_free_port)
mkdir "$H_TMP/squid"
chmod 777 "$H_TMP" "$H_TMP/squid"
printf '#!/bin/sh\nwhile read -r user word; do case $user:$word in tenant:pass) echo OK ;; *) echo ERR ;; esac; done\n' >"$H_TMP/check.sh"
chmod 755 "$H_TMP/check.sh"
cat >"$H_TMP/squid.conf" <<-CONF
	http_port $PROXY
	auth_param basic program $H_TMP/check.sh
	acl known proxy_auth REQUIRED
	http_access allow known
	http_access deny all
	cache deny all
	pid_filename $H_TMP/squid/pid
	access_log stdio:$H_TMP/squid/access.log
	cache_log $H_TMP/squid/cache.log
	coredump_dir $H_TMP/squid
	shutdown_lifetime 0 seconds
CONF
h_spawn squid squid -N -f "$H_TMP/squid.conf"
squid_pid=$H_PID
h_until 20 curl -so /dev/null "http://$PROXY/" || h_die "squid does not answer"
h_spawn socks python3 "$H_ROOT/test/lib/socks.py" "$SOCKS" "$H_TMP/socks.log" tenant word
h_until 20 bash -c ": </dev/tcp/127.0.0.1/$SOCKS" || h_die "the SOCKS proxy does not answer"
secret squid --from-literal=address="http://$PROXY" --from-literal=username=tenant --from-literal=password=pass
secret squid-wrong --from-literal=address="http://$PROXY" --from-literal=username=tenant --from-literal=password=hunter2
secret socks --from-literal=address="socks5://127.0.0.1:$SOCKS" --from-literal=username=tenant --from-literal=password=word
for way in squid socks squid-wrong; do
	a_repo "by-$way" main 1.0.0
	a_source "by-$way" "https://$GIT_TLS/basic/by-$way.git" main "{\"secretRef\": {\"name\": \"basic\"}, \"proxySecretRef\": {\"name\": \"$way\"}}"
	automation "by-$way" "by-$way"
done
check_soon "IU-21 through a proxy" 20 1.4.0 new_tag by-squid main
check_soon "IU-21 through a SOCKS proxy" 20 1.4.0 new_tag by-socks main
check_soon "IU-21 a password that the proxy refuses" 20 "False GitOperationFailed" ready_now by-squid-wrong
check_has "IU-21 and says whose word it is" 407 "$(message imageupdateautomation by-squid-wrong)"
check_eq "IU-21 nothing went around it" 1.0.0 "$(new_tag by-squid-wrong main)"
check_has "IU-21 the SOCKS proxy was asked" "${GIT_TLS#*:}" "$(cat "$H_TMP/socks.log")"
kill "$squid_pid"; wait "$squid_pid" 2>/dev/null # it writes its log when it ends
check_has "IU-21 squid was asked" "CONNECT $GIT_TLS" "$(grep -F TCP_TUNNEL "$H_TMP/squid/access.log")"
check_hasnt "IU-21 and nobody is told a password" hunter2 "$(cat "$H_TMP/log/src.err"; kn get events -o json)"

# ---- signed ----------------------------------------------------------------------------------------------------------
a_repo signed main 1.0.0
ssh-keygen -q -t ed25519 -N word -C bot -f "$H_TMP/key" || h_die "ssh-keygen makes no key"
secret signing --from-file=identity="$H_TMP/key" --from-literal=password=word
a_source signed "http://$GIT/git/signed.git" main
automation signed signed '{"commit": {"signingKey": {"type": "ssh", "secretRef": {"name": "signing"}}}}'
check_soon "IU-17 signed with ssh" 20 1.4.0 new_tag signed main
echo "fluxcdbot@users.noreply.github.com $(cat "$H_TMP/key.pub")" >"$H_TMP/signers"
check_ok "IU-17 an encrypted key" g signed -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$H_TMP/signers" verify-commit main
automation signed signed '{"commit": {"signingKey": {"type": "ssh", "secretRef": {"name": "nothing"}}}}'
scan 1.5.0
check_soon "a key that is not there" 10 "False SourceManagerFailed" ready_now signed
check_eq "and nothing is pushed unsigned" 1.4.0 "$(new_tag signed main)"
if command -v gpg >/dev/null; then
	export GNUPGHOME=$H_TMP/gnupg
	mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --passphrase word --pinentry-mode loopback --quick-gen-key 'bot <bot@example.com>' ed25519 sign never 2>/dev/null || h_die "gpg makes no key"
	gpg --batch --quiet --passphrase word --pinentry-mode loopback --armor --export-secret-keys >"$H_TMP/git.asc" 2>/dev/null
	secret pgp --from-file=git.asc="$H_TMP/git.asc" --from-literal=passphrase=word
	secret pgp-locked --from-file=git.asc="$H_TMP/git.asc"
	automation signed signed '{"commit": {"signingKey": {"secretRef": {"name": "pgp-locked"}}}}'
	check_soon "IU-16 a passphrase that is not given" 20 "False SourceManagerFailed" ready_now signed
	automation signed signed '{"commit": {"signingKey": {"secretRef": {"name": "pgp"}}}}'
	check_soon "IU-16 signed with OpenPGP" 20 1.5.0 new_tag signed main
	check_ok "IU-16 a key with a passphrase" g signed verify-commit main
	gpg --batch --quiet --passphrase '' --pinentry-mode loopback --quick-gen-key 'other <other@example.com>' ed25519 sign never 2>/dev/null
	gpg --batch --quiet --passphrase word --pinentry-mode loopback --armor --export-secret-keys bot@example.com other@example.com >"$H_TMP/two.asc" 2>/dev/null
	check_eq "two keys in one armor" 1 "$(grep -c BEGIN "$H_TMP/two.asc")"
	secret pgp-two --from-file=git.asc="$H_TMP/two.asc" --from-literal=passphrase=word
	automation signed signed '{"commit": {"signingKey": {"secretRef": {"name": "pgp-two"}}}}'
	scan 1.6.0
	check_soon "IU-16 two keys in the Secret" 20 "False SourceManagerFailed" ready_now signed
	check_has "IU-16 which is said" "pgp-two" "$(message imageupdateautomation signed)"
	check_eq "IU-16 and nothing is pushed" 1.5.0 "$(new_tag signed main)"
	gpgconf --kill all
fi
h_finish
