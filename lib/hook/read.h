/*
 * Within lib/hook: one call as it is judged, and how each type does it. Nothing here asks anybody,
 * so it may run in any thread; a call is one thread's at a time.
 */
#ifndef HOOK_READ_H
#define HOOK_READ_H
#include "base/buf.h"
#include "hook/hook.h"

/* The headers that some type looks at. */
enum hook_header {
	HOOK_CONTENT_TYPE,
	HOOK_AUTHORIZATION,
	HOOK_X_SIGNATURE,
	HOOK_X_HUB_SIGNATURE_256,
	HOOK_X_HUB_SIGNATURE,
	HOOK_X_GITHUB_EVENT,
	HOOK_X_EVENT_KEY,
	HOOK_X_GITLAB_TOKEN,
	HOOK_X_GITLAB_EVENT,
	HOOK_X_NEXUS_SIGNATURE,
	HOOK_CE_TYPE,
	HOOK_HEADERS
};

/* Copies of what hook_check_start got. */
struct hook_in {
	const struct hook_type *type;
	struct secret token;
	char **events; /* ends with NULL */
	bool filtered;
	struct secret headers[HOOK_HEADERS]; /* p NULL: it is not there */
	struct buf body;
	/* of hook_json */
	json_t *json;
	bool parsed, junk;
};

/* Judges a call whose caller, for the types with an issuer, is known already. What it says of the
   payload replaces *v, which is zeroed before; it is to be cleared. */
typedef void hook_read_fn(struct hook_in *in, struct hook_verdict *v);

struct hook_how {
	hook_read_fn *read;
};

void hook_in_init(struct hook_in *in, const struct hook_spec *spec, const struct hook_call *call);
void hook_in_clear(struct hook_in *in);
/* All of it, `req` included. */
void hook_read(struct hook_in *in, struct hook_verdict *v);
void hook_verdict_clear(struct hook_verdict *v);

/* ---- for the types */
/* "" when it is not there. */
const char *hook_header(const struct hook_in *in, enum hook_header h);
/* The verdict, with its status. why is static. */
void hook_say(struct hook_verdict *v, enum hook_said said, const char *why);
/* The content type, without its parameters and whatever its case, is this one. */
bool hook_content_is(const struct hook_in *in, const char *type);
/* A token of an issuer is refused: the answer is the same for all reasons, the log has this one. */
void hook_refuse(struct hook_verdict *v, const char *detail);
/* Do filters see the body? Flux takes a list here, though there is none in the header, and looks
   until something in it is no content type. */
bool hook_is_json(const struct hook_in *in);
/* The JSON value that the body begins with; what follows it is no error, as with a decoder of Go's
   that reads one value (in->junk says whether something does). Its numbers are reals. NULL: it
   begins with none, or with one that is too large. Borrowed. */
const json_t *hook_json(struct hook_in *in);
/* Is what this header names one of spec.events, or does that name none? If not, the verdict says
   so. */
bool hook_event_ok(const struct hook_in *in, enum hook_header h, struct hook_verdict *v);

#endif
