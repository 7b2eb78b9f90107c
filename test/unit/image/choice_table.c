#include "choice_table.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "image/choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLS 7
#define TAGS_MAX 64
#define FAILURES_SHOWN 20

/* \xHH back to bytes, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == 'x' && ascii_is_hex(s[2]) && ascii_is_hex(s[3])) {
			*to++ = (char)(ascii_hex_value(s[2]) << 4 | ascii_hex_value(s[3]));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

static int tag_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

/* O policy arg pattern extract tags: as the tool writes it. */
static void rules_of(char **col, struct choose_rules *r)
{
	*r = (struct choose_rules){.pattern = col[3], .extract = col[4]};
	if (!strcmp(col[1], "semver")) {
		r->by = CHOOSE_SEMVER;
		r->range = col[2];
		return;
	}
	r->by = !strcmp(col[1], "numerical") ? CHOOSE_NUMERICAL : CHOOSE_ALPHABETICAL;
	r->desc = !strcmp(col[2], "desc");
}

static int feed(struct choose *c, char *list, struct err *err)
{
	char *tags[TAGS_MAX];
	size_t n = 0, i;

	while (list && *list && n < TAGS_MAX)
		tags[n++] = strsep(&list, " ");
	qsort(tags, n, sizeof(*tags), tag_order);
	for (i = 0; i < n; i++)
		if (choose_tag(c, tags[i], 0, err))
			return -1;
	return 0;
}

/* What the tool says of a failure. */
static const char *failure(const struct err *err, char *text, size_t size)
{
	static const char number[] = "failed to parse invalid numeric value '";
	const char *at = strstr(err->msg, number), *end;

	if (at) {
		at += sizeof(number) - 1;
		end = strchr(at, '\'');
		snprintf(text, size, "!number %.*s", (int)(end - at), at);
		return text;
	}
	return strstr(err->msg, "cannot be empty") ? "!empty" : "!none";
}

static const char *outcome(char **col, char *text, size_t size)
{
	struct choose_result res;
	struct choose_rules rules;
	struct choose *c = NULL;
	struct err err = {0};
	int rc;

	rules_of(col, &rules);
	if (choose_new(&c, &rules, &err))
		return strstr(err.msg, "semver") ? "!range" : "!pattern";
	rc = feed(c, col[5], &err) || choose_end(c, &res, &err);
	choose_free(c);
	if (rc)
		return failure(&err, text, size);
	snprintf(text, size, "%s", res.tag);
	return text;
}

static int row(char *line, struct choice_result *res)
{
	auto_free char *shown = mem_strdup(line);
	char *col[COLS], text[1200];
	const char *got;
	size_t n = 0, i;

	while (line && n < COLS)
		col[n++] = strsep(&line, "\t");
	if (n != COLS || strcmp(col[0], "O") != 0)
		return -1;
	for (i = 0; i < n; i++)
		unescape(col[i]);
	got = outcome(col, text, sizeof(text));
	if (!strcmp(got, col[6])) {
		res->passed++;
		return 0;
	}
	if (res->failed++ < FAILURES_SHOWN)
		fprintf(stderr, "got %s: %s\n", got, shown);
	return 0;
}

int choice_table_run(const char *path, struct choice_result *res)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int rc = 0;

	if (!f) {
		perror(path);
		return -1;
	}
	while (!rc && (n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		rc = row(line, res);
	}
	if (rc)
		fprintf(stderr, "%s: no row of such a table\n", path);
	free(line);
	fclose(f);
	return rc;
}
