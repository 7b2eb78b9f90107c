/*
 * What the files of the server share; nobody else includes this.
 *
 *	server.c		listening, drain
 *	server_room.c		who has a place, and who gives it up
 *	server_conn.c		one connection as a state machine: nobody else sets its state
 *	server_memory.c		what a request may hold beyond a little
 *	server_pace.c		how fast a client takes its reply
 *	server_reply.c		the reply: its head, and a body from memory, a stream or a file
 *	server_request.c	the request's bytes
 */
#ifndef HTTP_SERVER_INTERNAL_H
#define HTTP_SERVER_INTERNAL_H
#include "base/list.h"
#include "base/map.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/poll.h"
#include "ev/sock.h"
#include "ev/timer.h"
#include "http/server.h"
#include "http/server_request.h"

/* Of final replies. */
#define HTTP_STATUS_FIRST 200
#define HTTP_STATUSES 400

enum conn_state {
	CONN_IDLE, /* nothing of the next request has come */
	CONN_HEAD,
	CONN_BODY,
	CONN_HANDLER, /* the handler has it, and has not replied yet */
	CONN_REPLY,
	/* everything is sent; what still comes is read and dropped, so that no reset overtakes the
	   reply */
	CONN_LINGER,
	CONN_DEAD,
};

enum reply_kind { REPLY_NONE, REPLY_BUF, REPLY_FILE, REPLY_STREAM };

struct http_reply {
	enum reply_kind kind;
	int status;
	struct buf fields; /* lines that the handler added */
	struct buf out; /* the head, later a stream's framed piece */
	size_t out_at;
	struct buf body; /* REPLY_BUF */
	size_t body_at;
	int fd; /* REPLY_FILE */
	uint64_t at, left;
	bool warm; /* the slice at `at` was looked at, or read by a worker */
	struct op *warming;
	int (*pull)(void *arg, struct buf *b); /* REPLY_STREAM */
	void *pull_arg;
	bool chunked, pull_ended, pull_waits;
};

struct http_exchange {
	struct http_request req;
	struct http_reply reply;
	void (*on_end)(void *arg, struct http_exchange *x, bool gone);
	void *on_end_arg;
};

/* What a connection is doing, as far as it matters when places are short. */
enum conn_rank {
	/* had its last answer, or closed its side and waits for one, if it is still there */
	RANK_LINGER,
	RANK_SILENT, /* nothing came since it was accepted */
	RANK_HEAD, /* a request is coming */
	RANK_IDLE, /* between two requests */
	RANK_REPLY,
	RANK_BUSY,
	RANKS,
};

/* All connections from one address (sock_peer_group). */
struct http_peer {
	char group[SOCK_NAME_MAX];
	unsigned connections;
	struct list in_holders;
	struct list ranks[RANKS];
};

/* How much of its reply a client has taken since `from`. Open from the first write that found no
   room until the client has caught up. */
struct window {
	bool open;
	bool slow; /* the window before was below LIMIT_REPLY_SLOW */
	uint64_t from; /* on clock_ms() */
	uint64_t mark; /* what it had taken then, of http_conn.sent */
	uint64_t seen, moved; /* what it had taken at the last look that found more, and when */
};

struct http_conn {
	struct http_server *server;
	struct http_peer *peer_of;
	struct list in_server, in_peer;
	enum conn_rank rank;
	uint64_t ranked; /* since when, on clock_ms() */
	enum conn_state state;
	int fd;
	struct poll *poll;
	struct timer timer;
	uint64_t sent; /* bytes given to the kernel */
	struct window window;
	/* On clock_ms(); 0: none. The timer may fire earlier and is then set again. */
	uint64_t deadline;
	struct defer defer;
	bool running, eof, blocked, close_after, served;
	uint64_t request_by; /* on clock_ms(), for a whole request; 0: as long as it moves */
	struct op *memory; /* for the body; NULL: it needs none yet */
	bool has_memory;
	bool large_head;
	struct buf in;
	struct http_exchange x;
	char peer[SOCK_NAME_MAX];
};

#define SCRATCH (64 * 1024)
struct http_server {
	struct loop *loop;
	struct http_server_opts opts;
	char *name;
	char address[SOCK_NAME_MAX];
	int fd;
	struct poll *poll;
	struct timer accept_again; /* after the process ran out of descriptors */
	struct list ranks[RANKS];
	struct map peers; /* group → struct http_peer */
	struct list *holders; /* [n]: the peers with n connections, max_per_peer + 1 lists */
	unsigned most; /* that a peer holds */
	unsigned lingering;
	unsigned large_heads;
	uint64_t turn, turn_from; /* the loop's, and when it came to this server, on clock_ns() */
	struct http_server_stats stats;
	uint64_t statuses[HTTP_STATUSES]; /* replies, from HTTP_STATUS_FIRST on */
	struct drain *drain;
	bool draining;
	int64_t date_s;
	char date[64];
	char scratch[SCRATCH];
};

/* server.c */
void server_conn_closed(struct http_server *s); /* after it gave its place back */
const char *server_date(struct http_server *s);
/* It has had enough of this turn of the loop: what the poll tells is left for the next one, which
   is told again. */
bool server_turn_over(struct http_server *s);

/* server_room.c */
void room_init(struct http_server *s);
void room_free(struct http_server *s);
void room_take(struct http_conn *c);
void room_release(struct http_conn *c);
/* Its state has changed, perhaps. */
void room_move(struct http_conn *c);
/* Something came from it: it is the last to give way among its like. */
void room_again(struct http_conn *c);
/* The one of that rank that was not heard of for the longest time, or NULL. */
struct http_conn *room_first(struct http_server *s, enum conn_rank rank);
enum room { ROOM_YES, ROOM_FULL, ROOM_PEER_FULL };
/* Is there a place for one more from there? Closes one that gives way, if it takes that. */
enum room room_for(struct http_server *s, const char *peer);
/* Closes one that gives way, if there is any. */
bool room_make(struct http_server *s);

/* server_conn.c */
struct http_conn *conn_new(struct http_server *s, int fd, const char *peer);
/* Cuts it. Its exchange, if any, is told that the client is gone. */
void conn_close(struct http_conn *c);
/* It moves as far as it can, soon, unless it does so now. */
void conn_wake(struct http_conn *c);
/* The reply is made, or begins to be: it is sent from now on. */
void conn_reply(struct http_conn *c);
/* Nothing is lost if it closes now. Looks once more at the socket. */
void conn_drain(struct http_conn *c);
/* Looks again at the latest after so many ms, unless it looks sooner. */
void conn_deadline(struct http_conn *c, uint64_t ms);

/* server_memory.c */
/* More of the header is to come: may it? */
bool memory_for_head(struct http_conn *c);
/* Is there memory for the body? False: conn_wake will come. */
bool memory_for_body(struct http_conn *c);
bool memory_waits(const struct http_conn *c);
void memory_release(struct http_conn *c);

/* server_pace.c */
/* A write found no room, or more is to be written: when to look again, in ms; 0: it is cut now. */
uint64_t pace_check(struct http_conn *c);
/* Something can be written. */
void pace_caught_up(struct http_conn *c);
/* It reads so slowly that it is the one to go when a place is needed. */
bool pace_gives_way(struct http_conn *c);
/* Bytes a second in this window; UINT64_MAX for one that is not waited for. */
uint64_t pace_now(const struct http_conn *c);

/* server_reply.c */
enum send_ret { SEND_DONE, SEND_MORE, SEND_BLOCKED, SEND_WAIT, SEND_FAILED };
/* Sends what can be sent. SEND_MORE: the slice is over, let others have their turn. SEND_WAIT:
   conn_wake will come. */
enum send_ret reply_send(struct http_conn *c);
/* The reply of an exchange that no handler has, or has any more. */
void reply_refuse(struct http_conn *c, int status, const char *why);
void reply_init(struct http_reply *r);
void reply_reset(struct http_reply *r);

#endif
