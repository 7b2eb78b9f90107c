/*
 * AWS's signature of a request, version 4 (AWS's manual of IAM, "Create a signed AWS API request"):
 * an HMAC over method, path, headers and body with a key that is made of the secret key, the day,
 * the region and the service. No query; the path is encoded once more than it is sent, as all
 * services but S3 want it. No state, any thread.
 *
 *	struct sigv4 s = {.id = "AKIA...", .key = &key, .region = "eu-west-1", .service = "ecr",
 *		.wall_ms = clock_wall_ms(), .method = "POST", .host = host, .path = "/",
 *		.hdrs = hdrs, .body = "{}", .body_len = 2};
 *	sigv4_sign(&s, date, &authorization);
 *	... sent with hdrs, X-Amz-Date: date, X-Amz-Security-Token: the token if there is one,
 *	    Authorization: authorization, and Host: host by itself
 */
#ifndef CLOUD_SIGV4_H
#define CLOUD_SIGV4_H
#include "base/buf.h"
#include "base/secret.h"

#include <stdint.h>

struct http_hdr;

struct sigv4 {
	const char *id;
	const struct secret *key, *token; /* token: of a session; NULL or empty: there is none */
	const char *region, *service;
	int64_t wall_ms; /* when it is signed, on the server's clock */
	const char *method;
	const char *host; /* as the header Host says it */
	const char *path;
	/* Besides host, date and token: all of them are signed. Ends with a NULL name; no name
	   twice. */
	const struct http_hdr *hdrs;
	const void *body;
	size_t body_len;
};

#define SIGV4_DATE_MAX 17 /* "20260131T093000Z" and a NUL */

/* Appends the value of Authorization, and sets date, that of X-Amz-Date. */
void sigv4_sign(const struct sigv4 *s, char date[SIGV4_DATE_MAX], struct buf *authorization);

#endif
