/* What the tests of lib/git's wire share: a loop, a client, a real Git server and a lying one. */
#ifndef UNIT_GIT_WIRE_H
#define UNIT_GIT_WIRE_H
#include "ev/loop.h"
#include "ev/op.h"
#include "git/auth.h"
#include "git/client.h"
#include "git/folder.h"
#include "git/gitc.h"
#include "git/oid.h"
#include "git/url.h"
#include "test/fake/git_http.h"
#include "test/fake/registry.h"

#include <check.h>
#include <string.h>

struct wire {
	struct loop *loop;
	struct http_client *http;
	struct gitc_folder *folder;
	char *state;
	struct gitc_client *git;
	struct fake_git *server;
	struct fake_registry *liar;
	struct gitc_url url; /* app.git at the server */
	struct gitc_url lies; /* app.git at the liar */
	struct gitc_auth *auth; /* user "u", password "p4ssword" */
};

#define WIRE_BASIC "Basic dTpwNHNzd29yZA=="

/* app.git: main with three commits, staging, tag v1 (annotated) and v2 (light), a.txt and d/b.yaml
   in the last commit. */
void wire_init(struct wire *w);
/* The server has nothing: for tests that only ask the liar. */
void wire_init_lies(struct wire *w);
/* Of each test case that uses it: its unchecked fixture. */
void wire_setup(void);
void wire_teardown(void);
void wire_clear(struct wire *w);
void wire_wait(struct wire *w, struct op *op);
void wire_ok(const struct op *op);
void wire_failed(const struct op *op, int code, const char *says);
/* What `git rev-parse` says in app.git. */
struct gitc_oid wire_oid(struct wire *w, const char *what);
struct gitc_target wire_target(const struct wire *w);
/* The same of the liar. */
struct gitc_target wire_lies(const struct wire *w);
/* The liar's answer to info/refs, to a POST; service "git-upload-pack". A body of lines is made by
   wire_pkts. */
struct fake_answer *wire_advert(struct wire *w, const char *service, const char *body);
struct fake_answer *wire_answer(struct wire *w, const char *service, const char *body, size_t n);
/* Lines to pkt-lines: "text" and newline, "0000" "0001" as they are. Ends with NULL. The caller
   frees it. */
char *wire_pkts(const char *first, ...) __attribute__((sentinel));

#define WIRE_V2 \
	"001e# service=git-upload-pack\n0000000eversion 2\n001als-refs=unborn symref\n" \
	"0018fetch=shallow filter0000"

#endif
