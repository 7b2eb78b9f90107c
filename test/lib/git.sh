# shellcheck shell=bash
# git.sh: a Git server, sourced after harness.sh: git's own http-backend behind nginx. Needs git, nginx and fcgiwrap (.ci/deps run).
#
#   h_git_start git                  listens; GIT=127.0.0.1:PORT, GIT_TLS=127.0.0.1:PORT (private CA: GIT_CA), GIT_MTLS=127.0.0.1:PORT (wants a client's
#                                    certificate: GIT_CLIENT_CERT, GIT_CLIENT_KEY). GIT_ROOT, the folder with the bare repositories, may be shared with sshd
#   h_git_init app main              a bare repository $GIT_ROOT/app.git whose HEAD is main, and a work tree of it: $GIT_WORK/app
#   h_git_push app main "a message"  commits all of the work tree, pushes it to that branch; GIT_COMMIT is the commit
#   g app log --oneline main         git in the bare repository
#
# The same repositories are there at every one of these, on each of the three ports:
#   /git/app.git        for all, to read and to push
#   /basic/app.git      for $GIT_USER with $GIT_WORD
#   /bearer/app.git     for the token $GIT_TOKEN
#   /app/app.git        for whom $H_TMP/NAME.app names, in lines of USER:{PLAIN}WORD
#   /v0/app.git         the server knows no protocol but the first one
#   /plain/app.git      and no filter, no push options, no object that no reference names (v2 would give any)
#   /away/app.git       sends to /git/app.git of another host name (localhost)
#   /drip/app.git       2 KiB a second
#   /kept/app.git       a client that goes away leaves its backend at work, and nginx knows: no other request waits for that one
#
# Each answer is a line in $H_TMP/log/git.access, written after its last byte: method, status, protocol version (0 or 2), number of the connection, bytes in,
# bytes out, whether credentials came (auth or -), target.
#   h_git_mark git; …; h_git_asked git '/git/app.git/'    how many requests with a target like this since the mark
#   h_git_connections git                                 over how many connections they came
GIT_USER=fluxcdbot
GIT_WORD=open-sesame
GIT_TOKEN=token-of-the-bot
GIT_BACKENDS=${GIT_BACKENDS:-4}

# Who runs the tests has settings of his own: they do not count.
unset GIT_SSL_CAINFO GIT_SSL_NO_VERIFY
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=Dev GIT_AUTHOR_EMAIL=dev@example.com GIT_COMMITTER_NAME=Dev GIT_COMMITTER_EMAIL=dev@example.com

# git_tls DIR: a CA, and what it signed: the server as 127.0.0.1 and localhost, and a client.
git_tls()
{
	local who

	mkdir -p "$1"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/ca.key" -out "$1/ca.crt" -subj /CN=git-ca -days 2 2>/dev/null ||
		h_die "openssl makes no CA"
	for who in server client; do
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/$who.key" -out "$1/$who.csr" -subj "/CN=$who" 2>/dev/null
		openssl x509 -req -in "$1/$who.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 2 -out "$1/$who.crt" \
			-extfile <(printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n') 2>/dev/null || h_die "openssl signs nothing"
	done
}

# One prefix: git_location PREFIX EXTRA-DIRECTIVES [PROTOCOL]
git_location()
{
	cat <<-EOF
	location ~ ^/$1(/.+)\$ {
		$2
		fastcgi_pass git;
		fastcgi_param SCRIPT_FILENAME $GIT_BACKEND;
		fastcgi_param PATH_INFO \$1;
		fastcgi_param REQUEST_METHOD \$request_method;
		fastcgi_param QUERY_STRING \$query_string;
		fastcgi_param CONTENT_TYPE \$content_type;
		fastcgi_param CONTENT_LENGTH \$content_length;
		fastcgi_param REMOTE_ADDR \$remote_addr;
		fastcgi_param REMOTE_USER \$remote_user;
		fastcgi_param GIT_PROJECT_ROOT $GIT_ROOT;
		fastcgi_param GIT_HTTP_EXPORT_ALL 1;
		${3:-}
	}
	EOF
}

# What a server of the time before version 2 could not do: the settings of the repository are overridden for one prefix.
git_plain()
{
	local keys=(uploadpack.allowFilter uploadpack.allowAnySHA1InWant uploadpack.allowReachableSHA1InWant receive.advertisePushOptions) i

	echo 'fastcgi_param HTTP_GIT_PROTOCOL "";'
	echo "fastcgi_param GIT_CONFIG_COUNT ${#keys[@]};"
	for i in "${!keys[@]}"; do printf 'fastcgi_param GIT_CONFIG_KEY_%d %s; fastcgi_param GIT_CONFIG_VALUE_%d false;\n' "$i" "${keys[i]}" "$i"; done
}

git_conf()
{
	local name=$1 tls=$H_TMP/$1.tls backends='' i

	for ((i = 0; i < GIT_BACKENDS; i++)); do backends="$backends server unix:$H_TMP/$name.sock$i;"; done
	cat <<-EOF
	daemon off;
	master_process off;
	pid $H_TMP/$name.pid;
	error_log $H_TMP/log/$name.err;
	events { worker_connections 1024; }
	http {
		log_format asked '\$request_method \$status \$git_version \$connection \$request_length \$bytes_sent \$with_auth \$request_uri';
		map \$http_git_protocol \$git_version { default 0; "version=2" 2; }
		map \$http_authorization \$with_auth { default auth; "" -; }
		access_log $H_TMP/log/$name.access asked;
		client_max_body_size 0;
		client_body_temp_path $H_TMP/$name.body;
		fastcgi_temp_path $H_TMP/$name.fcgi;
		proxy_temp_path $H_TMP/$name.unused; uwsgi_temp_path $H_TMP/$name.unused; scgi_temp_path $H_TMP/$name.unused;
		fastcgi_read_timeout 300;
		keepalive_requests 100000;
		upstream git { least_conn; $backends }
		ssl_certificate $tls/server.crt;
		ssl_certificate_key $tls/server.key;
		server { listen $GIT; include $H_TMP/$name.locations; }
		server { listen $GIT_TLS ssl; include $H_TMP/$name.locations; }
		server { listen $GIT_MTLS ssl; ssl_client_certificate $tls/ca.crt; ssl_verify_client on; include $H_TMP/$name.locations; }
	}
	EOF
}

# h_git_start NAME [FOLDER]: the folder of the repositories, by default one of its own.
h_git_start()
{
	local name=$1 nginx i

	GIT_BACKEND=$(git --exec-path)/git-http-backend
	nginx=$(PATH=$PATH:/usr/sbin command -v nginx) && command -v fcgiwrap >/dev/null && [ -x "$GIT_BACKEND" ] || h_die "git, nginx or fcgiwrap is not there: .ci/deps run"
	GIT_ROOT=${2:-$H_TMP/$name} GIT_WORK=$H_TMP/$name.work
	GIT=127.0.0.1:$(h_free_port) GIT_TLS=127.0.0.1:$(h_free_port) GIT_MTLS=127.0.0.1:$(h_free_port)
	GIT_CA=$H_TMP/$name.tls/ca.crt GIT_CLIENT_CERT=$H_TMP/$name.tls/client.crt GIT_CLIENT_KEY=$H_TMP/$name.tls/client.key
	mkdir -p "$GIT_ROOT" "$GIT_WORK"
	git_tls "$H_TMP/$name.tls"
	echo "$GIT_USER:{PLAIN}$GIT_WORD" >"$H_TMP/$name.users"
	{
		git_location git ''
		git_location basic "auth_basic git; auth_basic_user_file $H_TMP/$name.users;"
		git_location app "auth_basic git; auth_basic_user_file $H_TMP/$name.app;"
		git_location bearer "add_header WWW-Authenticate 'Bearer realm=\"git\"' always; if (\$http_authorization != \"Bearer $GIT_TOKEN\") { return 401; }"
		git_location v0 '' 'fastcgi_param HTTP_GIT_PROTOCOL "";'
		git_location plain '' "$(git_plain)"
		git_location drip 'limit_rate 2k;'
		git_location kept 'fastcgi_ignore_client_abort on;'
		echo "location ~ ^/away(/.+)\$ { return 302 \$scheme://localhost:\$server_port/git\$1\$is_args\$args; }"
	} >"$H_TMP/$name.locations"
	git_conf "$name" >"$H_TMP/$name.conf"
	# Each has one request at a time. Not fcgiwrap -c: its children outlive it.
	for ((i = 0; i < GIT_BACKENDS; i++)); do h_spawn "$name-cgi" fcgiwrap -s "unix:$H_TMP/$name.sock$i"; done
	h_spawn "$name" "$nginx" -c "$H_TMP/$name.conf"
	GIT_PID=$H_PID
	: >"$H_TMP/log/$name.access"
	h_git_mark "$name"
	h_until 20 curl -s -o /dev/null "http://$GIT/" || h_die "nginx does not answer"
	for ((i = 0; i < GIT_BACKENDS; i++)); do h_until 20 test -S "$H_TMP/$name.sock$i" || h_die "fcgiwrap does not answer"; done
}

g() { git --git-dir="$GIT_ROOT/$1.git" "${@:2}"; }

# h_git_init REPO [BRANCH]
h_git_init()
{
	git init -q --bare -b "${2:-main}" "$GIT_ROOT/$1.git" || h_die "cannot make $1.git"
	g "$1" config http.receivepack true
	g "$1" config uploadpack.allowFilter true
	g "$1" config receive.advertisePushOptions true
	git clone -q "$GIT_ROOT/$1.git" "$GIT_WORK/$1" 2>/dev/null && git -C "$GIT_WORK/$1" symbolic-ref HEAD "refs/heads/${2:-main}" || h_die "cannot clone $1.git"
}

# h_git_push REPO BRANCH [MESSAGE]: what the branch had before is lost when the work tree never saw it.
h_git_push()
{
	local tree=$GIT_WORK/$1

	git -C "$tree" add -A && git -C "$tree" commit -q --allow-empty -m "${3:-a change}" && git -C "$tree" push -q --force origin "HEAD:refs/heads/$2" ||
		h_die "cannot push to $2 of $1.git"
	GIT_COMMIT=$(git -C "$tree" rev-parse HEAD)
}

# h_git_pull REPO BRANCH: the work tree is what the branch has now.
h_git_pull() { git -C "$GIT_WORK/$1" fetch -q origin "$2" && git -C "$GIT_WORK/$1" reset -q --hard FETCH_HEAD || h_die "cannot fetch $2 of $1.git"; }

h_git_mark() { wc -l <"$H_TMP/log/$1.access" >"$H_TMP/$1.mark"; }
h_git_lines() { tail -n "+$(($(cat "$H_TMP/$1.mark") + 1))" "$H_TMP/log/$1.access"; }
# h_git_asked NAME [REGEX]
h_git_asked() { h_git_lines "$1" | awk -v re="${2:-.}" '$8 ~ re { n++ } END { print n + 0 }'; }
h_git_connections() { h_git_lines "$1" | awk '{ print $4 }' | sort -u | wc -l; }
