# shellcheck shell=bash
# sshd.sh: OpenSSH's server on a free port of 127.0.0.1, for Git over ssh. Behind harness.sh.
#
#   sshd_start git                     # SSHD_PORT, SSHD_USER, SSHD_KNOWN_HOSTS (a file)
#   sshd_key git alice ed25519         # may log in, has no passphrase: $SSHD_DIR/alice, alice.pub
#   sshd_key git bob rsa:2048 'words'  # one with a passphrase
#   url=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$H_TMP/repo.git
#   sshd_new_host_key git              # another server from now on; SSHD_KNOWN_HOSTS stays
#
# Each server has a folder of its own, $SSHD_DIR: the variables are those of the last sshd_start or
# sshd_use NAME. What logs in is the account that runs the test, with the shell it has: nothing of
# the system is changed but /run/sshd, which a server that root runs wants to be there. GIT_PROTOCOL
# of the client is taken.

# sshd_use NAME: the variables of that server again.
sshd_use()
{
	SSHD_DIR=$H_TMP/sshd-$1
	SSHD_USER=$(id -un)
	SSHD_PORT=$(cat "$SSHD_DIR/port")
	SSHD_PID=$(cat "$SSHD_DIR/pid")
	SSHD_KNOWN_HOSTS=$SSHD_DIR/known_hosts
}

# sshd_start NAME [LINE...]: further lines of sshd_config(5) come first, and so count.
sshd_start()
{
	local name=$1 dir=$H_TMP/sshd-$1

	shift
	mkdir -m 700 -p "$dir"
	[ -e "$dir/host_key" ] || sshd_keygen "$dir/host_key" ed25519 ''
	: >>"$dir/authorized_keys"
	h_free_port >"$dir/port"
	{
		[ $# -eq 0 ] || printf '%s\n' "$@"
		cat <<-EOF
			Port $(cat "$dir/port")
			ListenAddress 127.0.0.1
			HostKey $dir/host_key
			PidFile none
			AuthorizedKeysFile $dir/authorized_keys
			StrictModes no
			UsePAM no
			PasswordAuthentication no
			KbdInteractiveAuthentication no
			PermitRootLogin prohibit-password
			PermitUserRC no
			PrintMotd no
			AcceptEnv GIT_PROTOCOL
			LogLevel VERBOSE
			MaxStartups 100
		EOF
	} >"$dir/config"
	sshd_run "$name"
	printf '[127.0.0.1]:%s %s\n' "$(cat "$dir/port")" \
		"$(cut -d ' ' -f 1,2 "$dir/host_key.pub")" >"$dir/known_hosts"
	sshd_use "$name"
}

sshd_run()
{
	local dir=$H_TMP/sshd-$1

	[ "$(id -u)" -ne 0 ] || mkdir -m 755 -p /run/sshd
	h_spawn "sshd-$1" /usr/sbin/sshd -D -e -f "$dir/config"
	echo "$H_PID" >"$dir/pid"
	h_until 10 sshd_answers "$(cat "$dir/port")" || h_die "sshd '$1' did not start"
}

# It greets at once.
sshd_answers()
{
	bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && read -r -t 2 -u 3 l && [[ $l = SSH-* ]]' - "$1"
}

# sshd_key NAME FILE TYPE[:BITS] [PASSPHRASE]
sshd_key()
{
	local dir=$H_TMP/sshd-$1

	sshd_keygen "$dir/$2" "$3" "${4:-}"
	cat "$dir/$2.pub" >>"$dir/authorized_keys"
}

# sshd_keygen PATH TYPE[:BITS] PASSPHRASE
sshd_keygen()
{
	local type=${2%%:*} bits=

	[ "$type" = "$2" ] || bits=${2#*:}
	ssh-keygen -q -t "$type" ${bits:+-b "$bits"} -N "$3" -C "${1##*/}" -f "$1" ||
		h_die "ssh-keygen failed"
}

# sshd_new_host_key NAME [TYPE]: at the same port.
sshd_new_host_key()
{
	local dir=$H_TMP/sshd-$1

	h_stop "$(cat "$dir/pid")"
	rm -f "$dir/host_key" "$dir/host_key.pub"
	sshd_keygen "$dir/host_key" "${2:-ed25519}" ''
	sshd_run "$1"
	sshd_use "$1"
}
