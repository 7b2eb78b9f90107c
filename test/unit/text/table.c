#include "table.h"

#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "text/cel.h"
#include "text/expand.h"
#include "text/ignore.h"
#include "text/match.h"
#include "text/number.h"
#include "text/semver.h"
#include "text/yaml.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COLS_MAX 64
#define FAILURES_SHOWN 20

struct file {
	const char *dir;
	const char *text;
};

/* What rows in a row share is parsed once. */
struct table {
	const char *path;
	unsigned long line;
	char *col[COLS_MAX];
	size_t cols;
	struct table_result *res;
	struct ignore ignore;
	json_t *values[COLS_MAX]; /* for expressions */
	size_t values_len;
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH back to bytes, in place. A NUL ends the value, as it does in C. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == 'x' && hex_digit(s[2]) >= 0 && hex_digit(s[3]) >= 0) {
			*to++ = (char)(hex_digit(s[2]) << 4 | hex_digit(s[3]));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

static void verdict(struct table *t, const char *got)
{
	const char *want = t->col[t->cols - 1];
	size_t i;

	if (!strcmp(got, want)) {
		t->res->passed++;
		return;
	}
	if (t->res->failed++ >= FAILURES_SHOWN)
		return;
	fprintf(stderr, "%s:%lu: got %s, Go says %s:", t->path, t->line, got, want);
	for (i = 0; i + 1 < t->cols; i++)
		fprintf(stderr, " '%s'", t->col[i]);
	fputc('\n', stderr);
}

static void row_version(struct table *t)
{
	struct semver v;

	verdict(t, semver_parse(&v, t->col[1]) ? "1" : "0");
}

static void row_compare(struct table *t)
{
	struct semver a, b;
	char got[16];

	if (!semver_parse(&a, t->col[1]) || !semver_parse(&b, t->col[2])) {
		verdict(t, "no version");
		return;
	}
	snprintf(got, sizeof(got), "%d", semver_compare(&a, &b));
	verdict(t, got);
}

static void row_range(struct table *t)
{
	struct semver_range r;
	struct semver v;
	struct err err;

	if (semver_range_parse(&r, t->col[1], &err)) {
		verdict(t, "-");
		return;
	}
	verdict(t, semver_parse(&v, t->col[2]) && semver_range_match(&r, &v) ? "1" : "0");
	semver_range_clear(&r);
}

static void row_filter(struct table *t)
{
	struct match *m;
	struct err err;

	if (match_new(&m, t->col[1], &err)) {
		verdict(t, "-");
		return;
	}
	verdict(t, match_text(m, t->col[2], strlen(t->col[2])) ? "1" : "0");
	match_free(m);
}

/* The bits of it: 0 and -0 are told apart, and so are neighbours. */
static void row_number(struct table *t)
{
	uint64_t bits;
	char got[32];
	double v;

	if (!number_parse(&v, t->col[1], strlen(t->col[1]))) {
		verdict(t, "-");
		return;
	}
	memcpy(&bits, &v, sizeof(bits));
	snprintf(got, sizeof(got), "%016" PRIx64, bits);
	verdict(t, isnan(v) ? "nan" : got);
}

static void row_expand(struct table *t)
{
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	struct expand *x = NULL;
	struct match *m = NULL;
	struct err err;

	buf_addc(&got, '=');
	if (match_new(&m, t->col[1], &err) || expand_new(&x, t->col[2], m, &err))
		verdict(t, err.msg);
	else if (!expand_text(x, t->col[3], strlen(t->col[3]), &got))
		verdict(t, "-");
	else
		verdict(t, buf_str(&got));
	expand_free(x);
	match_free(m);
}

static int file_cmp(const void *a, const void *b)
{
	return ignore_dir_cmp(((const struct file *)a)->dir, ((const struct file *)b)->dir);
}

/* I spec path text path text ...: the files in no order, as a tar may have them. */
static int row_ignore(struct table *t)
{
	struct file files[COLS_MAX / 2];
	struct err err;
	size_t count = 0, i, dir_len;

	for (i = 2; i + 1 < t->cols; i += 2) {
		if (!ignore_is_file(t->col[i], &dir_len))
			continue;
		t->col[i][dir_len] = 0;
		files[count++] = (struct file){t->col[i], t->col[i + 1]};
	}
	qsort(files, count, sizeof(*files), file_cmp);
	ignore_clear(&t->ignore);
	ignore_init(&t->ignore, IGNORE_SOURCE);
	for (i = 0; i < count; i++)
		if (ignore_add(
			    &t->ignore, files[i].text, strlen(files[i].text), files[i].dir, &err))
			break;
	if (i < count || ignore_add(&t->ignore, t->col[1], strlen(t->col[1]), "", &err)) {
		fprintf(stderr, "%s:%lu: %s\n", t->path, t->line, err.msg);
		return -1;
	}
	return 0;
}

static void row_path(struct table *t)
{
	verdict(t, ignore_match(&t->ignore, t->col[1], t->col[2][0] == 'd') ? "1" : "0");
}

/* Equal values, or two refusals. An empty document is null to Go and none to us. */
static void row_yaml(struct table *t)
{
	auto_json json_t *want = json_loads(t->col[2], JSON_DECODE_ANY, NULL);
	auto_free char *got = NULL;
	struct ydocs docs;
	struct err err;
	bool same;

	if (ydocs_parse(&docs, t->col[1], strlen(t->col[1]), &err)) {
		verdict(t, "-");
		return;
	}
	same = docs.count ? json_equal(docs.at[0].root, want) : json_is_null(want);
	if (docs.count)
		got = json_dumps(docs.at[0].root, JSON_COMPACT | JSON_ENCODE_ANY);
	verdict(t, same ? t->col[2] : got ? got : "null");
	ydocs_clear(&docs);
}

static const char *const cel_vars[] = {"res", "req", "claims", "vars", NULL};

/* What celdiff calls b or a, a blank, and the value. */
static char *cel_result(const struct cel *c, bool is_bool, const json_t *values)
{
	const json_t *of[ARRAY_LEN(cel_vars)];
	auto_json json_t *value = NULL;
	auto_free char *text = NULL;
	struct err err = {0};
	size_t i;

	for (i = 0; cel_vars[i]; i++)
		of[i] = json_object_get(values, cel_vars[i]);
	if (!cel_eval(c, of, &value, &err))
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	else
		text = mem_strdup(strstr(err.msg, "no JSON form") ? "?" : "!");
	return mem_printf("%c %s", is_bool ? 'b' : 'a', text);
}

static bool cel_same(const char *got, const char *want)
{
	auto_json json_t *a = NULL, *b = NULL;

	if (!strcmp(got, want))
		return true;
	a = json_loads(got + 2, JSON_DECODE_ANY, NULL);
	b = strlen(want) > 2 ? json_loads(want + 2, JSON_DECODE_ANY, NULL) : NULL;
	return a && b && *got == *want && json_equal(a, b);
}

static int row_values(struct table *t)
{
	json_t *values = json_loads(t->col[1], 0, NULL);

	if (!values || t->values_len == COLS_MAX)
		return -1;
	t->values[t->values_len++] = values;
	return 0;
}

/* E number expression result */
static void row_cel(struct table *t)
{
	size_t number = strtoul(t->col[1], NULL, 10);
	auto_free char *got = NULL;
	struct cel *c, *as_bool = NULL;
	struct err err = {0};

	if (number >= t->values_len) {
		verdict(t, "no values");
		return;
	}
	if (cel_new_any(&c, t->col[2], cel_vars, &err)) {
		verdict(t, "-");
		return;
	}
	if (cel_new(&as_bool, t->col[2], cel_vars, &err))
		as_bool = NULL;
	got = cel_result(c, as_bool != NULL, t->values[number]);
	verdict(t, cel_same(got, t->col[3]) ? t->col[3] : got);
	cel_free(as_bool);
	cel_free(c);
}

static const struct {
	char kind;
	unsigned cols;
	void (*run)(struct table *t);
} kinds[] = {{'V', 3, row_version}, {'C', 4, row_compare}, {'R', 4, row_range},
	{'F', 4, row_filter}, {'P', 4, row_path}, {'Y', 3, row_yaml}, {'E', 4, row_cel},
	{'N', 3, row_number}, {'X', 5, row_expand}};

static int row(struct table *t, char *line)
{
	char *p = line;
	size_t i;

	t->cols = 0;
	while (p && t->cols < COLS_MAX)
		t->col[t->cols++] = strsep(&p, "\t");
	for (i = 0; i < t->cols; i++)
		unescape(t->col[i]);
	if (!strcmp(t->col[0], "I") && t->cols >= 2)
		return row_ignore(t);
	if (!strcmp(t->col[0], "W") && t->cols == 2)
		return row_values(t);
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (t->col[0][0] == kinds[i].kind && t->cols == kinds[i].cols) {
			kinds[i].run(t);
			return 0;
		}
	fprintf(stderr, "%s:%lu: no row of such a table\n", t->path, t->line);
	return -1;
}

int table_run(const char *path, struct table_result *res)
{
	struct table t = {.path = path, .res = res};
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
		t.line++;
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		rc = row(&t, line);
	}
	free(line);
	fclose(f);
	ignore_clear(&t.ignore);
	while (t.values_len)
		json_decref(t.values[--t.values_len]);
	return rc;
}
