#include "git/ssh_words.h"

#include "base/mem.h"
#include "git/gitc.h"
#include "git/said.h"

#include <string.h>

#define OWN 255 /* what the client exits with when the failure is its own */
#define LINE_MAX_BYTES 300
#define LAST_BYTES 400

/* The first line that holds these words; without "ssh: " in front. */
static bool line_with(const struct buf *text, const char *words, struct buf *line)
{
	const char *p = buf_str(text), *hit = strstr(p, words), *end;

	if (!hit)
		return false;
	while (hit > p && hit[-1] != '\n')
		hit--;
	if (!strncmp(hit, "ssh: ", 5))
		hit += 5;
	end = hit + strcspn(hit, "\r\n");
	gitc_said_add(line, hit, (size_t)(end - hit));
	return true;
}

static const struct {
	const char *words;
	const char *why; /* NULL: the line itself */
	int code;
	bool host_key; /* the line says which one is wanted */
} OWN_WORDS[] = {
	{"REMOTE HOST IDENTIFICATION HAS CHANGED",
		"the host key has changed: the one of the server is not the one in known_hosts",
		GITC_AUTH_FAILED},
	{"REVOKED HOST KEY", "the host key of the server is marked as revoked in known_hosts",
		GITC_AUTH_FAILED},
	{"host key is known for", "known_hosts has no host key of the server of this kind",
		GITC_AUTH_FAILED, true},
	{"Host key verification failed",
		"the host key of the server cannot be verified with known_hosts", GITC_AUTH_FAILED},
	{"Permission denied (", "the server does not take the private key for this user",
		GITC_AUTH_FAILED},
	{"Too many authentication failures",
		"the server does not take the private key for this user", GITC_AUTH_FAILED},
	{"Bad SSH2 KexAlgorithms", "--ssh-kex-algos names one that the ssh client does not have",
		0},
	{"Bad key types", "--ssh-hostkey-algos names one that the ssh client does not have", 0},
	{"No user exists for uid",
		"the ssh client wants the user that this process runs as in /etc/passwd", 0},
	{"Unable to negotiate", NULL, 0},
	{"Could not resolve hostname", NULL, 0},
	{"connect to host", NULL, 0},
	{"Connection closed by", NULL, 0},
	{"Connection reset by", NULL, 0},
	{"kex_exchange_identification", NULL, 0},
};

/* "No ED25519 host key is known for [git.test]:2222 and you have ..." */
static void host_key_add(const char *line, struct err *err)
{
	static const char known[] = " host key is known for ";
	const char *at = strstr(line, known), *kind = at, *host;

	if (!at)
		return;
	while (kind > line && kind[-1] != ' ')
		kind--;
	host = at + strlen(known);
	err_append(err, ": none of kind %.*s for '%.*s'", (int)(at - kind), kind,
		(int)strcspn(host, " "), host);
}

static bool own_words(const struct buf *text, struct err *err)
{
	auto_buf struct buf line = BUF_INIT(LINE_MAX_BYTES);
	size_t i;

	for (i = 0; i < ARRAY_LEN(OWN_WORDS); i++) {
		buf_reset(&line);
		if (!line_with(text, OWN_WORDS[i].words, &line))
			continue;
		err_code(err, ERR_RETRY, OWN_WORDS[i].code, "ssh: %s",
			OWN_WORDS[i].why ? OWN_WORDS[i].why : buf_str(&line));
		if (OWN_WORDS[i].host_key)
			host_key_add(buf_str(&line), err);
		return true;
	}
	return false;
}

/* A server may greet with pages: what it said last is why. Whole lines. */
static const char *last_words(const struct buf *text, size_t *n)
{
	const char *p = buf_str(text), *end = p + text->len, *nl;

	if (text->len > LAST_BYTES) {
		p = end - LAST_BYTES;
		nl = memchr(p, '\n', LAST_BYTES);
		p = nl && nl + 1 < end ? nl + 1 : p;
	}
	*n = (size_t)(end - p);
	return p;
}

void gitc_ssh_blame(const char *service, const struct proc_result *r, struct err *err)
{
	const char *last;
	size_t n;

	if (r->status == OWN && own_words(&r->err, err))
		return;
	if (r->status < 0)
		err_code(err, ERR_RETRY, GITC_PROTOCOL, "ssh was ended by signal %d", r->signal);
	else if ((last = last_words(&r->err, &n)) && n)
		gitc_said_error(service, last, n, err);
	else
		err_code(err, ERR_RETRY, GITC_PROTOCOL, "%s ended with status %d and said nothing",
			service, r->status);
}
