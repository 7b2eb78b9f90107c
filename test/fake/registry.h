/*
 * A registry on the test's own loop that answers what the test tells it to, lies included, and
 * notes what it was asked.
 *
 *	struct fake_registry *f = fake_registry_new(loop);
 *	fake_image(f, "app", "1.0", OCI_TYPE_FLUX_CONTENT, data, len, &image);
 *	fake_on(f, "GET", "/v2/app/tags/list")->body = "{\"tags\":[\"1.0\"]}";
 *	... fake_host(f) ...
 *	ck_assert_str_eq(fake_log(f), "HEAD /v2/app/manifests/1.0\n");
 *	fake_registry_free(f);
 *
 * Of several answers for one request the first counts that is not used up. A request without an
 * answer gets a 404 with the registry's own JSON. A TLS handshake is cut with bytes that are no
 * TLS: the server speaks plain http only. What was given to an answer is borrowed.
 */
#ifndef FAKE_REGISTRY_H
#define FAKE_REGISTRY_H
#include "base/buf.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct fake_registry;

enum fake_way {
	FAKE_WHOLE,
	FAKE_SILENT, /* no answer at all */
	FAKE_STALL, /* `cut` bytes of the body, then nothing */
	FAKE_CUT, /* `cut` bytes of the body, then the connection is closed */
	FAKE_RESET, /* the same with RST */
	FAKE_DRIP, /* drip_bytes (0: one) of 'x' every drip_ms of base/clock, without end */
	FAKE_ENDLESS, /* a body of 'x' without end */
	FAKE_HEADERS, /* headers without end */
};

struct fake_answer {
	/* path with '?' is compared with the whole target, else with what is before the '?' */
	const char *method, *path;
	unsigned times; /* 0: for ever */
	const char *need; /* the Authorization it takes; else 401 with the challenge. NULL: any */
	const char *challenge; /* WWW-Authenticate of that 401 */
	int status; /* 200 */
	const char *headers; /* more of them, each with CRLF */
	const char *body;
	size_t body_len; /* 0: strlen(body) */
	bool ranges; /* Range is understood */
	bool no_length; /* until the connection closes */
	bool chunked;
	enum fake_way way;
	size_t cut;
	uint64_t drip_ms;
	size_t drip_bytes;
};

struct fake_registry *fake_registry_new(struct loop *l);
void fake_registry_free(struct fake_registry *f);
/* "127.0.0.1:PORT" */
const char *fake_host(const struct fake_registry *f);
unsigned fake_port(const struct fake_registry *f);
/* A new answer, to be filled by the caller. */
struct fake_answer *fake_on(struct fake_registry *f, const char *method, const char *path);
/* "METHOD target[ auth=...][ range=...]" a line; a line "tls" for each handshake that was tried. */
const char *fake_log(const struct fake_registry *f);
void fake_log_reset(struct fake_registry *f);
/* From now on so many requests for manifests in so many milliseconds of base/clock, and 429 for the
   next one. Answers for manifests say what is left. heads: HEAD counts, too. With `docker` they say
   so as Docker Hub does, which does not tell when the window ends. */
void fake_limit(
	struct fake_registry *f, unsigned limit, uint64_t window_ms, bool heads, bool docker);
/* How often it said 429 since. */
unsigned fake_limit_refused(const struct fake_registry *f);
/* Bodies of all requests, one after the other. */
const struct buf *fake_bodies(const struct fake_registry *f);
/* Connections that got as far as a request. */
unsigned fake_connections(const struct fake_registry *f);
/* Requests that are being held or answered now, and the most at a time. */
unsigned fake_most(const struct fake_registry *f);

struct fake_image {
	struct digest manifest, layer, config;
	char manifest_text[DIGEST_TEXT_MAX], layer_text[DIGEST_TEXT_MAX];
	char *json; /* the manifest */
	char *paths[4]; /* tag, digest, layer; the headers of a manifest */
};
/* A whole image: manifest by tag and digest (HEAD and GET), its config "{}" and one layer. data is
   borrowed. */
void fake_image(struct fake_registry *f, const char *repo, const char *tag, const char *layer_type,
	const void *data, size_t len, struct fake_image *image);
void fake_image_clear(struct fake_image *image);

#endif
