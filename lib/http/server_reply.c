#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/work.h"
#include "http/server_internal.h"
#include "http/syntax.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLICE (1024 * 1024)
#define REPLY_FIELDS_MAX (64 * 1024)
/* Up to here a file is read into memory and leaves in one call with the head: cheaper than
   sendfile(2), whose cost is per call. */
#define SMALL_FILE (32 * 1024)

void reply_init(struct http_reply *r)
{
	*r = (struct http_reply){.fd = -1};
	buf_init(&r->fields, REPLY_FIELDS_MAX);
	buf_init(&r->out, BUF_ANY);
}

void reply_reset(struct http_reply *r)
{
	struct buf fields = r->fields, out = r->out;

	op_drop(r->warming);
	buf_clear(&r->body);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct http_reply){.fd = -1, .fields = fields, .out = out};
	buf_reset(&r->fields);
	if (r->out.cap > 4096)
		buf_clear(&r->out);
	else
		buf_reset(&r->out);
}

static void reply_add_uint(struct buf *b, uint64_t v)
{
	char text[24], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

/* RFC 9110 section 6.4.1: no content whatever the handler gave. */
static bool reply_bodyless(const struct http_conn *c)
{
	int status = c->x.reply.status;

	return c->x.req.is_head || status == 204 || status == 304 || status < 200;
}

/* length: of the body; UINT64_MAX: not known. */
static void reply_make_head(struct http_conn *c, const char *content_type, uint64_t length)
{
	struct http_reply *r = &c->x.reply;
	struct buf *b = &r->out;
	bool old = c->x.req.head_done && !c->x.req.minor;

	r->chunked = length == UINT64_MAX && !old;
	if (length == UINT64_MAX && old && !c->x.req.is_head)
		c->close_after = true;
	buf_adds(b, "HTTP/1.1 ");
	reply_add_uint(b, (uint64_t)r->status);
	buf_addc(b, ' ');
	buf_adds(b, http_status_text(r->status));
	buf_adds(b, "\r\nDate: ");
	buf_adds(b, server_date(c->server));
	if (content_type) {
		buf_adds(b, "\r\nContent-Type: ");
		buf_adds(b, content_type);
	}
	buf_adds(b, "\r\n");
	buf_add(b, r->fields.p, r->fields.len);
	if (r->status >= 200 && r->status != 204 && r->status != 304) {
		if (r->chunked) {
			buf_adds(b, "Transfer-Encoding: chunked\r\n");
		} else if (length != UINT64_MAX) {
			buf_adds(b, "Content-Length: ");
			reply_add_uint(b, length);
			buf_adds(b, "\r\n");
		}
	}
	if (c->close_after || c->server->draining)
		buf_adds(b, "Connection: close\r\n");
	else if (old)
		buf_adds(b, "Connection: keep-alive\r\n");
	buf_adds(b, "\r\n");
	/* What the handler could size was bounded when it was added. */
	BUG_IF(buf_over(b));
}

static struct http_conn *reply_begin(struct http_exchange *x, int status, enum reply_kind kind)
{
	struct http_conn *c = CONTAINER_OF(x, struct http_conn, x);

	/* One reply per exchange, and only while the handler has it. */
	BUG_IF(c->state != CONN_HANDLER || status < HTTP_STATUS_FIRST ||
		status >= HTTP_STATUS_FIRST + HTTP_STATUSES);
	c->server->statuses[status - HTTP_STATUS_FIRST]++;
	x->reply.kind = kind;
	x->reply.status = status;
	return c;
}

void http_reply_buf(struct http_exchange *x, int status, const char *content_type, struct buf *b)
{
	struct http_conn *c = reply_begin(x, status, REPLY_BUF);
	size_t len = b ? b->len : 0;

	reply_make_head(c, content_type, len);
	if (b && !reply_bodyless(c))
		x->reply.body = *b;
	else if (b)
		free(b->p);
	if (b)
		*b = BUF_INIT(b->max);
	conn_reply(c);
}

void http_reply_text(struct http_exchange *x, int status, const char *text)
{
	struct buf b = BUF_INIT(BUF_ANY);

	buf_adds(&b, text);
	http_reply_buf(x, status, "text/plain; charset=utf-8", &b);
}

void http_reply_file(struct http_exchange *x, int status, int fd, uint64_t from, uint64_t len)
{
	struct http_conn *c = reply_begin(x, status, REPLY_FILE);

	reply_make_head(c, NULL, len);
	x->reply.fd = fd;
	x->reply.at = from;
	x->reply.left = reply_bodyless(c) ? 0 : len;
	conn_reply(c);
}

void http_reply_stream(struct http_exchange *x, int status, const char *content_type,
	int (*pull)(void *arg, struct buf *b), void *arg)
{
	struct http_conn *c = reply_begin(x, status, REPLY_STREAM);

	reply_make_head(c, content_type, UINT64_MAX);
	x->reply.pull = pull;
	x->reply.pull_arg = arg;
	x->reply.pull_ended = reply_bodyless(c);
	conn_reply(c);
}

void http_reply_wake(struct http_exchange *x)
{
	struct http_conn *c = CONTAINER_OF(x, struct http_conn, x);

	x->reply.pull_waits = false;
	if (c->state == CONN_REPLY && !c->blocked)
		conn_wake(c);
}

void http_x_add_header(struct http_exchange *x, const char *name, const char *value)
{
	struct buf *b = &x->reply.fields;

	BUG_IF(strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n"));
	buf_adds(b, name);
	buf_adds(b, ": ");
	buf_adds(b, value);
	buf_adds(b, "\r\n");
	BUG_IF(buf_over(b));
}

void reply_refuse(struct http_conn *c, int status, const char *why)
{
	struct buf b = BUF_INIT(BUF_ANY);

	buf_addf(&b, "%s\n", why);
	http_reply_buf(&c->x, status, "text/plain; charset=utf-8", &b);
}

/* ---- sending */

static enum send_ret failed_or_blocked(void)
{
	return errno == EAGAIN || errno == EINTR ? SEND_BLOCKED : SEND_FAILED;
}

static void reply_count_sent(struct http_conn *c, ssize_t n)
{
	c->sent += (uint64_t)n;
	c->server->stats.bytes_sent += (uint64_t)n;
}

/* Head (or a stream's piece) and body from memory, in one call. */
static enum send_ret reply_send_memory(struct http_conn *c, bool more)
{
	struct http_reply *r = &c->x.reply;
	struct iovec v[2];
	struct msghdr m = {.msg_iov = v};
	size_t out, body;
	ssize_t n;

	while ((out = r->out.len - r->out_at) + (body = r->body.len - r->body_at) > 0) {
		m.msg_iovlen = 0;
		if (out)
			v[m.msg_iovlen++] = (struct iovec){r->out.p + r->out_at, out};
		if (body)
			v[m.msg_iovlen++] =
				(struct iovec){r->body.p + r->body_at, body < SLICE ? body : SLICE};
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
		if (n < 0)
			return failed_or_blocked();
		reply_count_sent(c, n);
		if ((size_t)n >= out) {
			r->out_at += out;
			r->body_at += (size_t)n - out;
		} else {
			r->out_at += (size_t)n;
		}
		if (n >= SLICE / 2 && r->body_at < r->body.len)
			return SEND_MORE;
	}
	return SEND_DONE;
}

/* ---- a file */

/* One slice read by a worker, so that sendfile(2) on the loop finds it in the page cache. */
struct warm {
	int fd;
	uint64_t at, n;
};

static int warm_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct warm *w = job;
	char page[64 * 1024];
	uint64_t done = 0;
	ssize_t n;

	posix_fadvise(w->fd, (off_t)w->at, 4 * SLICE, POSIX_FADV_WILLNEED);
	while (done < w->n && !*stop) {
		n = pread(w->fd, page, w->n - done < sizeof(page) ? w->n - done : sizeof(page),
			(off_t)(w->at + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read a file to send");
		if (!n)
			break; /* shorter than promised: sendfile will say so */
		done += (uint64_t)n;
	}
	return 0;
}

static void warm_free(void *job)
{
	struct warm *w = job;

	close(w->fd);
	free(w);
}

static void warm_done(struct op *op, void *arg)
{
	struct http_conn *c = arg;

	BUG_IF(op != c->x.reply.warming);
	c->x.reply.warming = NULL;
	if (op->err.kind)
		c->x.reply.left =
			UINT64_MAX; /* the disk failed: reply_send_file cuts the connection */
	op_free(op);
	conn_wake(c);
}

static bool start_warming(struct http_conn *c, uint64_t n)
{
	struct http_reply *r = &c->x.reply;
	struct warm *w;
	int fd;

	if (!sys_is_cold(r->fd, r->at) && (n < 4096 || !sys_is_cold(r->fd, r->at + n - 1)))
		return false;
	fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0); /* the job may outlive the connection */
	if (fd < 0)
		return false;
	w = NEW(struct warm);
	*w = (struct warm){.fd = fd, .at = r->at, .n = n};
	r->warming = work_start(c->server->loop, WORK_SHORT, warm_run, warm_free, w);
	op_then(r->warming, warm_done, c);
	return true;
}

/* A small file that is in the page cache becomes a body in memory, before the head is sent. Any
   other goes the long way. */
static void reply_take_small(struct http_reply *r)
{
	struct iovec v;
	ssize_t n;

	buf_init(&r->body, SMALL_FILE);
	v = (struct iovec){buf_room(&r->body, r->left), r->left};
	n = preadv2(r->fd, &v, 1, (off_t)r->at, RWF_NOWAIT);
	if (n < 0 && errno == EOPNOTSUPP) /* a file system in memory, as a rule: it does not wait */
		n = pread(r->fd, v.iov_base, v.iov_len, (off_t)r->at);
	if (n < 0 || (uint64_t)n < r->left) {
		buf_clear(&r->body);
		return;
	}
	r->body.len = (size_t)n;
	r->kind = REPLY_BUF;
}

static enum send_ret reply_send_file(struct http_conn *c)
{
	struct http_reply *r = &c->x.reply;
	uint64_t want;
	off_t at;
	ssize_t n;

	if (r->warming)
		return SEND_WAIT;
	if (!r->left)
		return SEND_DONE;
	if (r->left == UINT64_MAX)
		return SEND_FAILED;
	want = r->left < SLICE ? r->left : SLICE;
	if (!r->warm) {
		r->warm = true;
		if (start_warming(c, want))
			return SEND_WAIT;
	}
	at = (off_t)r->at;
	n = sendfile(c->fd, r->fd, &at, want);
	if (n < 0)
		return failed_or_blocked();
	if (!n)
		return SEND_FAILED; /* the file is shorter than its Content-Length */
	reply_count_sent(c, n);
	r->at += (uint64_t)n;
	r->left -= (uint64_t)n;
	r->warm = false;
	return !r->left ? SEND_DONE : (uint64_t)n < want ? SEND_BLOCKED : SEND_MORE;
}

/* ---- a stream */

/* Asks for the next piece and frames it in r->out. */
static int reply_pull_piece(struct http_reply *r)
{
	struct buf piece = BUF_INIT(BUF_ANY);
	int rc = r->pull(r->pull_arg, &piece);

	if (rc == 0)
		r->pull_waits = true;
	if (rc == -1)
		r->pull_ended = true;
	buf_reset(&r->out);
	r->out_at = 0;
	if (piece.len && r->chunked)
		buf_addf(&r->out, "%zx\r\n", piece.len);
	buf_add(&r->out, piece.p, piece.len);
	if (piece.len && r->chunked)
		buf_adds(&r->out, "\r\n");
	if (r->pull_ended && r->chunked)
		buf_adds(&r->out, "0\r\n\r\n");
	buf_clear(&piece);
	return rc;
}

static enum send_ret reply_send_stream(struct http_conn *c)
{
	struct http_reply *r = &c->x.reply;
	enum send_ret rc;

	if (r->pull_ended)
		return SEND_DONE;
	if (r->pull_waits)
		return SEND_WAIT;
	if (reply_pull_piece(r) < -1)
		return SEND_FAILED;
	rc = reply_send_memory(c, false);
	if (rc != SEND_DONE)
		return rc;
	return r->pull_ended ? SEND_DONE : r->pull_waits ? SEND_WAIT : SEND_MORE;
}

enum send_ret reply_send(struct http_conn *c)
{
	struct http_reply *r = &c->x.reply;
	enum send_ret rc;

	if (r->kind == REPLY_FILE && r->left && r->left <= SMALL_FILE && !r->out_at && !r->warm)
		reply_take_small(r);
	rc = reply_send_memory(c, r->kind == REPLY_FILE && r->left);
	if (rc != SEND_DONE)
		return rc;
	if (r->kind == REPLY_FILE)
		return reply_send_file(c);
	if (r->kind == REPLY_STREAM)
		return reply_send_stream(c);
	return SEND_DONE;
}
