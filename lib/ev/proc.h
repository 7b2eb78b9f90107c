/*
 * A child process as an op. It is started without a shell, with the arguments and the environment
 * that the caller lists and nothing else, in a session of its own, with "/" as its folder. It has
 * our stdin, stdout and stderr as pipes and the descriptors of `fds` as 3, 4, ...; every other
 * descriptor of ours is close-on-exec.
 *
 * The op ends when the process has been reaped and its output was read to the end, whatever its
 * exit status: that is for the caller to judge. It fails when the program cannot be started, when
 * it writes more than it may, and at the deadline. Whenever and however the process ends, what is
 * left of its process group is killed (SIGKILL) and reaped, and so is all of it on a cancel.
 *
 *	static const char *const argv[] = {"gpgv", "--status-fd", "1", ..., NULL};
 *	struct op *op = proc_start(loop, &(struct proc_req){.argv = argv, .input = p, .input_len =
 *		n, .out_max = LIMIT_..., .err_max = 4096, .deadline_ms = 10000});
 *	... when done: proc_result(op)->status, ->out, ->err
 *
 * Secrets go in as memory files (base/sys.h): by `fds`, or for a program that closes what it
 * inherits by the path of proc_fd_path.
 *
 * Milliseconds on base/clock. Loop thread.
 */
#ifndef EV_PROC_H
#define EV_PROC_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct op;

#define PROC_FDS_MAX 8

/* Some bytes of stdout, never none; called from the loop. They are the process's until it returns.
   It may pause, write, cancel; it may not free the op. */
typedef void proc_out_fn(void *arg, const char *p, size_t n);

struct proc_req {
	/* NULL-terminated. argv[0] is looked for in /usr/local/bin, /usr/bin and /bin, unless it
	   has a slash. All of it is copied. */
	const char *const *argv;
	/* "NAME=value", NULL-terminated; NULL: none. PATH is there always, and LC_ALL=C. Copied. */
	const char *const *env;
	/* The child's 3, 4, ...: the caller's, needed only until proc_start has returned. */
	const int *fds;
	size_t n_fds;
	/* What stdin has: copied. It ends there, unless keep_input says that proc_write follows. */
	const void *input;
	size_t input_len;
	bool keep_input;
	/* Who gets stdout as it comes; NULL: it is collected in the result, up to out_max bytes.
	   More is an error. */
	proc_out_fn *on_out;
	/* With keep_input, not NULL: the process has taken all that was written. */
	void (*on_room)(void *arg);
	void *arg; /* of both */
	size_t out_max;
	/* So much of stderr is kept; the rest is read and dropped. */
	size_t err_max;
	uint64_t deadline_ms; /* for all of it; 0: none */
};

struct proc_result {
	int status; /* what it exited with; -1: a signal ended it */
	int signal;
	struct buf out, err;
};

struct op *proc_start(struct loop *l, const struct proc_req *req);
/* NULL when there is none: it was never started. Good until op_free. May be asked for before the
   end: err has what came until now. */
const struct proc_result *proc_result(const struct op *op);

/* With keep_input: copies and queues n bytes. What cannot be written any more, because the process
   has closed its stdin or ended, is dropped without a word: its exit tells. */
void proc_write(struct op *op, const void *p, size_t n);
/* stdin ends behind what was queued. */
void proc_write_end(struct op *op);
/* No more stdout until proc_resume. The process waits when its pipe is full. */
void proc_pause(struct op *op);
void proc_resume(struct op *op);
/* It may take until so many ms from now, whatever was said before. */
void proc_set_deadline(struct op *op, uint64_t ms);

#define PROC_FD_PATH_MAX 48
/* "/proc/PID/fd/FD": under this name a child opens a descriptor of ours that it did not inherit.
   Any thread. */
const char *proc_fd_path(char out[PROC_FD_PATH_MAX], int fd);

#endif
