#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "setter/setter.h"

#include <check.h>
#include <string.h>

Suite *suite_setter(void);

#define DIGEST "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define TAG "# {\"$imagepolicy\": \"apps:web:tag\"}"
#define IMAGE "# {\"$imagepolicy\": \"apps:web\"}"
#define NAME "# {\"$imagepolicy\": \"apps:web:name\"}"
#define HASH "# {\"$imagepolicy\": \"apps:db:digest\"}"
#define SET "v2.0.0"

/* Sorted, as setter_run wants them. */
static const struct setter_policy policies[] = {
	{"apps", "bad", "ghcr.io/acme/bad", "v1\n# x: y", NULL},
	{"apps", "date", "acme/num", "2024-01-01", NULL},
	{"apps", "db", "docker.io/acme/db", "sha-0123abc", DIGEST},
	{"apps", "empty", NULL, NULL, NULL},
	{"apps", "exp", "acme/num", "12e3", NULL},
	{"apps", "float", "acme/num", "1.10", NULL},
	{"apps", "hash", "acme/num", "a#b", NULL},
	{"apps", "hex", "acme/num", "0x1f", NULL},
	{"apps", "inf", "acme/num", ".inf", NULL},
	{"apps", "null", "acme/num", "null", NULL},
	{"apps", "num", "acme/num", "20240101", NULL},
	{"apps", "oct", "acme/num", "0777", NULL},
	{"apps", "on", "acme/num", "on", NULL},
	{"apps", "quote", "acme/num", "a\"b'c\\d", NULL},
	{"apps", "theirs", "acme/theirs", "v7", NULL, true},
	{"apps", "und", "acme/num", "1_000", NULL},
	{"apps", "v6", "[::1]:5000/a/b", "1.2.3", NULL},
	{"apps", "web", "ghcr.io/acme/web", SET, ""},
	{"apps", "y", "acme/num", "y", NULL},
};

static void run(const char *text, size_t len, struct setter_out *out)
{
	struct err err = {0};

	ck_assert_msg(!setter_run(&(struct setter_in){.text = text,
					  .len = len,
					  .policies = policies,
					  .n = ARRAY_LEN(policies),
					  .ns = "apps"},
			      out, &err),
		"%s", err.msg);
}

/* What it has written is left as it is by a second run. */
static void check_again(const struct setter_out *out)
{
	struct setter_out again;

	if (!out->changed)
		return;
	run(out->text.p, out->text.len, &again);
	ck_assert_msg(!again.changed, "'%s' is changed again", out->text.p);
	ck_assert_uint_eq(again.n_changes, 0);
	setter_out_clear(&again);
}

static char *changes_text(const struct setter_out *out)
{
	struct buf b = BUF_INIT(BUF_ANY);
	size_t i;

	for (i = 0; i < out->n_changes; i++)
		buf_addf(&b, "%s%s -> %s (%s)", i ? "; " : "", out->changes[i].old_text,
			out->changes[i].new_text, out->changes[i].setter);
	return buf_take(&b);
}

static char *reports_text(const struct setter_out *out)
{
	struct buf b = BUF_INIT(BUF_ANY);
	size_t i;

	for (i = 0; i < out->n_reports; i++)
		buf_addf(&b, "%s%d@%lu: %s", i ? "; " : "", (int)out->reports[i].kind,
			out->reports[i].line, out->reports[i].what);
	return buf_take(&b);
}

/* ---- the peer's values ----------------------------------------------------------------------- */

/* Which scalar a marker sets, by the place where it stands: recorded from image-automation-
   controller 1.2 with kyaml 0.21.1. `ours` stands where ours differs. */
START_TEST(test_places)
{
	auto_json json_t *rows = json_load_file("test/unit/setter/data/places.json", 0, NULL);
	json_t *row, *want, *one;
	size_t i, k;

	ck_assert(rows);
	ck_assert_uint_eq(json_array_size(rows), 172);
	json_array_foreach (rows, i, row) {
		const char *text = obj_str(row, "text");
		auto_buf struct buf b = BUF_INIT(BUF_ANY);
		auto_free char *got = NULL;
		struct setter_out out;

		want = obj_get(row, "ours") ?: obj_get(row, "peer");
		json_array_foreach (want, k, one)
			buf_addf(&b, "%s%s", k ? "; " : "", json_string_value(one));
		run(text, strlen(text), &out);
		got = changes_text(&out);
		ck_assert_msg(!strcmp(got, buf_str(&b)), "%s: got '%s', want '%s'",
			obj_str(row, "name"), got, buf_str(&b));
		ck_assert_msg(out.n_changes || out.n_reports || strstr(text, "v2.0."),
			"%s: nothing was set and nothing was said", obj_str(row, "name"));
		check_again(&out);
		setter_out_clear(&out);
	}
}
END_TEST

/* ---- bytes ----------------------------------------------------------------------------------- */

static const struct {
	const char *name, *text, *want; /* NULL: it is left alone */
} bytes_rows[] = {
	{"SET-01", "image: a:1 " IMAGE "\n", "image: ghcr.io/acme/web:" SET " " IMAGE "\n"},
	{"SET-02", "t: 1 " TAG "\n", "t: " SET " " TAG "\n"},
	{"SET-03", "n: a " NAME "\n", "n: ghcr.io/acme/web " NAME "\n"},
	{"SET-04", "d: x " HASH "\n", "d: " DIGEST " " HASH "\n"},
	{"SET-05", "d: x # {\"$imagepolicy\": \"apps:web:digest\"}\n",
		"d: \"\" # {\"$imagepolicy\": \"apps:web:digest\"}\n"},
	{"SET-06", "i: x # {\"$imagepolicy\": \"apps:db\"}\n",
		"i: docker.io/acme/db:sha-0123abc@" DIGEST " # {\"$imagepolicy\": \"apps:db\"}\n"},
	{"SET-07", "t: " SET " " TAG "\n", NULL},
	{"SET-08 single", "t: '1' " TAG "\n", "t: '" SET "' " TAG "\n"},
	{"SET-08 double", "t: \"1\" " TAG "\n", "t: \"" SET "\" " TAG "\n"},
	{"SET-10 null", "t: ~ " TAG "\n", "t: " SET " " TAG "\n"},
	{"SET-10 bool", "t: true " TAG "\n", "t: " SET " " TAG "\n"},
	{"SET-10 int", "t: !!int 5 " TAG "\n", "t: " SET " " TAG "\n"},
	{"SET-11 no blank", "t: 1 #{\"$imagepolicy\":\"apps:web:tag\"}\n",
		"t: " SET " #{\"$imagepolicy\":\"apps:web:tag\"}\n"},
	{"SET-11 two", "t: 1 ## {\"$imagepolicy\" : \"apps:web:tag\", \"x\":\"y\" }\n",
		"t: " SET " ## {\"$imagepolicy\" : \"apps:web:tag\", \"x\":\"y\" }\n"},
	{"SET-12 behind", "t: 1 " TAG " x\n", NULL},
	{"SET-12 before", "t: 1 # x {\"$imagepolicy\": \"apps:web:tag\"}\n", NULL},
	{"SET-12 single", "t: 1 # {'$imagepolicy': 'apps:web:tag'} \"$imagepolicy\"\n", NULL},
	{"SET-12 number", "t: 1 # {\"$imagepolicy\": \"apps:web:tag\", \"x\": 1}\n", NULL},
	{"SET-12 suffix", "t: 1 # {\"$imagepolicy\": \"apps:web:tags\"}\n", NULL},
	{"SET-13 namespace", "t: 1 # {\"$imagepolicy\": \"other:web:tag\"}\n", NULL},
	{"SET-13 unknown", "t: 1 # {\"$imagepolicy\": \"apps:we:tag\"}\n", NULL},
	{"SET-14", "l:\n- 1 " TAG "\n" TAG "\n- 2\n",
		"l:\n- " SET " " TAG "\n" TAG "\n- " SET "\n"},
	{"SET-15", TAG "\nk: 1\n", NULL},
	{"SET-16", "k:\n   1 " TAG "\n", "k:\n   " SET " " TAG "\n"},
	{"SET-17", "k: {\n a: 1, " TAG "\n b: 2 " TAG "\n}\n",
		"k: {\n a: " SET ", " TAG "\n b: " SET " " TAG "\n}\n"},
	{"SET-18", "k: {a: 1} " TAG "\n", NULL},
	{"SET-19", "a: &x 1 " TAG "\nb: *x " TAG "\n", "a: &x " SET " " TAG "\nb: *x " TAG "\n"},
	{"SET-20", "a: &x {b: c}\nd:\n  <<: *x\n  t: 1 " TAG "\n",
		"a: &x {b: c}\nd:\n  <<: *x\n  t: " SET " " TAG "\n"},
	{"SET-21", "a: b\r\nt: 1 " TAG "\r\nc: d\r\n", "a: b\r\nt: " SET " " TAG "\r\nc: d\r\n"},
	{"SET-22",
		"\xef\xbb\xbf"
		"t: 1 " TAG,
		"\xef\xbb\xbf"
		"t: " SET " " TAG},
	{"SET-23", "# c\n---\n---\n# d\n---\nt: 1 " TAG "\n...\n---\n",
		"# c\n---\n---\n# d\n---\nt: " SET " " TAG "\n...\n---\n"},
	{"SET-24", "a:\n- b   # x\n\n\nc:\n    - t: 1     " TAG "\n",
		"a:\n- b   # x\n\n\nc:\n    - t: " SET "     " TAG "\n"},
	{"SET-25", "a: >\n  b\n  c\nd: \"e\n  f\"\nt: 1 " TAG "\n",
		"a: >\n  b\n  c\nd: \"e\n  f\"\nt: " SET " " TAG "\n"},
	{"SET-26", "a: \"\xf0\x9f\x98\x80 \\u263a\"\nt: 1 " TAG "\n",
		"a: \"\xf0\x9f\x98\x80 \\u263a\"\nt: " SET " " TAG "\n"},
	{"SET-27", "t: | " TAG "\n  1\n", NULL},
	{"SET-28", "kind: List\nitems:\n- kind: Pod\n  i: 1 " TAG "\n",
		"kind: List\nitems:\n- kind: Pod\n  i: " SET " " TAG "\n"},
	{"SET-29", "- op: replace\n  path: /x\n  value: 1 " TAG "\n",
		"- op: replace\n  path: /x\n  value: " SET " " TAG "\n"},
	{"SET-30", "metadata:\n  annotations:\n    config.kubernetes.io/path: x\nt: 1 " TAG "\n",
		"metadata:\n  annotations:\n    config.kubernetes.io/path: x\nt: " SET " " TAG
		"\n"},
	{"SET-31", "a: [\nt: 1 " TAG "\n", NULL},
	{"SET-32", "a: {{ .x }}\nb: \"{{ .y }}\"\nt: 1 " TAG "\n",
		"a: {{ .x }}\nb: \"{{ .y }}\"\nt: " SET " " TAG "\n"},
	{"SET-32 lines", "{{- if .x }}\nt: 1 " TAG "\n{{- end }}\n", NULL},
	{"SET-37", "t: 1 " TAG "\nt: 2 " TAG "\n", "t: " SET " " TAG "\nt: " SET " " TAG "\n"},
	{"SET-38", "\xc3\xa4: {\xe4\xb8\xad: \xf0\x9f\x98\x80, t: \xc2\xb5 " TAG "\n}\n",
		"\xc3\xa4: {\xe4\xb8\xad: \xf0\x9f\x98\x80, t: " SET " " TAG "\n}\n"},
	{"SET-40", "a: 1 " TAG "\nb: 2 " HASH "\nc: 3 " NAME "\n",
		"a: " SET " " TAG "\nb: " DIGEST " " HASH "\nc: ghcr.io/acme/web " NAME "\n"},
	{"SET-41", "t: 1 # {\"$ref\":\"#/definitions/x\", \"y\":\"$imagepolicy\"}\n", NULL},
	{"directives", "%YAML 1.1\n%TAG ! tag:x,2000:\n---\nt: !y 1 " TAG "\n...\n",
		"%YAML 1.1\n%TAG ! tag:x,2000:\n---\nt: !y " SET " " TAG "\n...\n"},
	{"question mark", "? k\n: 1 " TAG "\n", "? k\n: " SET " " TAG "\n"},
	{"folded", "t: 1\n  2\n  3 " TAG "\na: \"b\\\n   c\" " TAG "\n",
		"t: " SET " " TAG "\na: \"" SET "\" " TAG "\n"},
	{"tags", "a: !!int &x 5 # {\"$imagepolicy\": \"apps:num:tag\"}\nb: &y !!str 5 " TAG "\n",
		"a: &x \"20240101\" # {\"$imagepolicy\": \"apps:num:tag\"}\nb: &y !!str " SET
		" " TAG "\n"},
	{"tag on its line", "a: !!int\n  5 " TAG "\n", "a: \n  " SET " " TAG "\n"},
	{"NEL ends a comment",
		"a: 1 " TAG "\xc2\x85"
		"b: 2\n",
		"a: " SET " " TAG "\xc2\x85"
		"b: 2\n"},
	{"quotes",
		"a: 1 # {\"$imagepolicy\": \"apps:quote:tag\"}\nb: '1' # {\"$imagepolicy\": "
		"\"apps:quote:tag\"}\n",
		"a: \"a\\\"b'c\\\\d\" # {\"$imagepolicy\": \"apps:quote:tag\"}\nb: 'a\"b''c\\d' # "
		"{\"$imagepolicy\": \"apps:quote:tag\"}\n"},
	{"bracket", "a: [\n 1 # {\"$imagepolicy\": \"apps:v6\"}\n]\n",
		"a: [\n \"[::1]:5000/a/b:1.2.3\" # {\"$imagepolicy\": \"apps:v6\"}\n]\n"},
	{"number sign", "a: 1 # {\"$imagepolicy\": \"apps:hash:tag\"}\n",
		"a: \"a#b\" # {\"$imagepolicy\": \"apps:hash:tag\"}\n"},
	{"a line break in a tag", "a: 1 # {\"$imagepolicy\": \"apps:bad:tag\"}\n", NULL},
};

START_TEST(test_bytes)
{
	const char *text = bytes_rows[_i].text, *want = bytes_rows[_i].want;
	struct setter_out out;

	run(text, strlen(text), &out);
	ck_assert_msg(
		out.changed == (want != NULL), "%s: '%s'", bytes_rows[_i].name, buf_str(&out.text));
	if (want)
		ck_assert_msg(!strcmp(buf_str(&out.text), want), "%s: '%s'", bytes_rows[_i].name,
			buf_str(&out.text));
	ck_assert_uint_eq(out.n_changes > 0, out.changed);
	check_again(&out);
	setter_out_clear(&out);
}
END_TEST

/* SET-09: what would not be a string gets quotes. */
START_TEST(test_set_09_plain_text_that_is_no_string)
{
	static const char *const rows[] = {
		"date", "exp", "float", "hex", "inf", "null", "num", "oct", "on", "und", "y"};
	auto_free char *marker = mem_printf("# {\"$imagepolicy\": \"apps:%s:tag\"}", rows[_i]);
	auto_free char *text = mem_printf("t: 1 %s\n", marker);
	auto_free char *want = NULL;
	struct setter_out out;

	run(text, strlen(text), &out);
	ck_assert_uint_eq(out.n_changes, 1);
	want = mem_printf("t: \"%s\" %s\n", out.changes[0].new_text, marker);
	ck_assert_str_eq(buf_str(&out.text), want);
	check_again(&out);
	setter_out_clear(&out);
}
END_TEST

/* ---- reports --------------------------------------------------------------------------------- */

/* Markers of another namespace, and of a policy that is another's to write, right and wrong. */
#define FOREIGN \
	"a: 1 # {\"$imagepolicy\": \"web:web:tag\"}\n" \
	"b: 1 # {\"$imagepolicy\": \"app:web:tag\"}\n" \
	"c: 1 # {\"$imagepolicy\": \"appss:web:tags\"}\n" \
	"d: 1 # {\"$imagepolicy\": \"apps:theirs:tag\"}\n" \
	"# {\"$imagepolicy\": \"apps:theirs\"}\n" \
	"# {\"$imagepolicy\": \"more:web\"}\n" \
	"e: >- # {\"$imagepolicy\": \"more:web\"}\n" \
	"  1\n"

static const struct {
	const char *text;
	enum setter_report_kind kind;
	unsigned long line;
	const char *word;
} report_rows[] = {
	{"a: b\nc: [ " TAG "\n", SETTER_NOT_PARSED, 3, "did not find"},
	{"a: 1\n---\n b: 1\n c\n" TAG, SETTER_NOT_PARSED, 5, ""},
	{"a: b\nt: 1 # {\"$imagepolicy\": \"apps:no:tag\"}\n", SETTER_NO_POLICY, 2,
		"no policy 'apps:no' in this namespace"},
	{"t: 1 # {\"$imagepolicy\": \"apps:not:name\"}\n" FOREIGN, SETTER_NO_POLICY, 1,
		"no policy 'apps:not' in this namespace"},
	{"t: 1 # {\"$imagepolicy\": \"apps:web:tags\"}\n", SETTER_BAD_MARKER, 1, "no marker"},
	{"t: 1 # {\"$imagepolicy\": \"apps/web\"}\n", SETTER_BAD_MARKER, 1, "no marker"},
	{"t: 1 # see \"$imagepolicy\"\n", SETTER_BAD_MARKER, 1, "no marker"},
	{"\n" TAG "\nk: 1\n", SETTER_BAD_PLACE, 2, "above a"},
	{"k: " TAG "\n  1\n", SETTER_BAD_PLACE, 1, "behind a key"},
	{"k: " TAG "\nb: c\n", SETTER_BAD_PLACE, 1, "no value"},
	{"k: {a: 1} " TAG "\n", SETTER_BAD_PLACE, 1, "bracket"},
	{"a: &x 1\nk: *x " TAG "\n", SETTER_BAD_PLACE, 2, "alias"},
	{"k: >- " TAG "\n  1\n", SETTER_BAD_PLACE, 1, "block of lines"},
	{"k: |\n  a: 1 " TAG "\n", SETTER_BAD_PLACE, 2, "inside of a block"},
	{"? k " TAG "\n: 1\n", SETTER_BAD_PLACE, 1, "behind a key"},
	{"1 " TAG "\n", SETTER_BAD_PLACE, 1, "one value"},
	{"--- " TAG "\na: b\n", SETTER_BAD_PLACE, 1, "mark of a document"},
	{"a: b\n... " TAG "\n", SETTER_BAD_PLACE, 2, "mark of a document"},
	{"l:\n# x\n" TAG "\n- 1\n", SETTER_BAD_PLACE, 3, "only comment"},
	{"l:\n" TAG "\n- 1 # x\n", SETTER_BAD_PLACE, 2, "own line"},
	{"l:\n- a\n" TAG "\n\n- 1\n", SETTER_BAD_PLACE, 3, "empty line"},
	{"l:\n- 1\n" TAG, SETTER_BAD_PLACE, 3, "at its end"},
	{"t: !!binary aGk= " TAG "\n", SETTER_BAD_PLACE, 1, "tag"},
	{"t: 1 # {\"$imagepolicy\": \"apps:empty:tag\"}\n", SETTER_BAD_POLICY, 1,
		"policy 'apps:empty' has chosen nothing yet"},
	{"t: 1 # {\"$imagepolicy\": \"apps:bad:tag\"}\n", SETTER_BAD_POLICY, 1,
		"policy 'apps:bad' has an image, tag or digest that is none"},
	{"t: 1 " TAG "\na: b\nt: 2\n", SETTER_KEY_TWICE, 3, "'t' stands twice"},
};

START_TEST(test_report)
{
	const char *text = report_rows[_i].text;
	auto_free char *got = NULL;
	struct setter_out out;

	run(text, strlen(text), &out);
	got = reports_text(&out);
	ck_assert_msg(out.n_reports == 1, "'%s': %s", text, got);
	ck_assert_msg(out.reports[0].kind == report_rows[_i].kind, "'%s': %s", text, got);
	ck_assert_msg(out.reports[0].line == report_rows[_i].line, "'%s': %s", text, got);
	ck_assert_msg(
		strstr(out.reports[0].what, report_rows[_i].word) != NULL, "'%s': %s", text, got);
	setter_out_clear(&out);
}
END_TEST

START_TEST(test_foreign)
{
	static const char theirs[] = FOREIGN, both[] = FOREIGN "z: 1 " TAG "\n",
			  own[] = "z: 1 " TAG "\n";
	struct setter_out out;

	run(theirs, strlen(theirs), &out);
	ck_assert(!out.changed && !out.n_reports && !out.reports_left);
	ck_assert(out.has_foreign && !out.has_own);
	setter_out_clear(&out);
	run(both, strlen(both), &out);
	ck_assert(out.n_changes == 1 && !out.n_reports && out.has_foreign && out.has_own);
	setter_out_clear(&out);
	run(own, strlen(own), &out);
	ck_assert(out.n_changes == 1 && !out.has_foreign && out.has_own);
	setter_out_clear(&out);
}
END_TEST

/* UTF-16, and a file without a marker, are not looked at. */
START_TEST(test_not_looked_at)
{
	static const char utf16[] = "\xff\xfet\0:\0 \0001\0 \0#\0\"\0$\0i\0m\0a\0g\0e\0";
	struct setter_out out;

	run(utf16, sizeof(utf16) - 1, &out);
	ck_assert(!out.changed && !out.n_reports);
	setter_out_clear(&out);
	run("a: [", 4, &out);
	ck_assert(!out.changed && !out.n_reports);
	setter_out_clear(&out);
	run(NULL, 0, &out);
	ck_assert(!out.changed && !out.n_reports);
	setter_out_clear(&out);
}
END_TEST

/* ---- objects --------------------------------------------------------------------------------- */

static const struct {
	const char *text, *want;
} object_rows[] = {
	{"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: n\nt: 1 " TAG
	 "\n",
		"apps/v1|Deployment|web|n"},
	{"t: 1 " TAG "\nmetadata: {labels: {name: no}, name: web}\nkind: Pod\n", "|Pod|web|"},
	{"kind: A\nkind: B\nspec:\n  kind: C\n  metadata: {name: x}\nt: 1 " TAG "\n", "|A||"},
	{"kind: A\n---\nkind: B\nt: 1 " TAG "\n---\nkind: C\n", "|B||"},
	{"- op: x\n  value: 1 " TAG "\n", "|||"},
	{"kind: List\napiVersion: v1\nitems:\n- kind: Pod\n  t: 1 " TAG
	 "\n  metadata: {name: p, namespace: n}\n- kind: X\n",
		"|Pod|p|n"},
	{"items:\n- kind: Pod\n  t: 1 " TAG "\nkind: Thing\n", "|Thing||"},
	{"kind: PodList\nmetadata: {name: l}\nitems:\n- t: 1 " TAG "\n", "|PodList|l|"},
	{"kind: PodList\nitems:\n- kind: Pod\nt: 1 " TAG "\n", "|PodList||"},
};

START_TEST(test_object)
{
	const char *text = object_rows[_i].text;
	const struct setter_object *o;
	auto_free char *got = NULL;
	struct setter_out out;

	run(text, strlen(text), &out);
	ck_assert_uint_eq(out.n_changes, 1);
	o = &out.changes[0].object;
	got = mem_printf("%s|%s|%s|%s", o->api_version, o->kind, o->name, o->ns);
	ck_assert_str_eq(got, object_rows[_i].want);
	setter_out_clear(&out);
}
END_TEST

/* SET-40: in the order of the text, with lines. */
START_TEST(test_set_40_order_of_changes)
{
	static const char text[] = "a: 1 " TAG "\n---\nb: 2 " HASH "\nc: x\n  y " NAME "\n";
	auto_free char *got = NULL;
	struct setter_out out;

	run(text, strlen(text), &out);
	got = changes_text(&out);
	ck_assert_str_eq(got,
		"1 -> " SET " (apps:web:tag); 2 -> " DIGEST
		" (apps:db:digest); x y -> ghcr.io/acme/web (apps:web:name)");
	ck_assert_uint_eq(out.changes[2].line, 4);
	setter_out_clear(&out);
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

static struct buf repeat(const char *head, const char *line, unsigned n)
{
	struct buf b = BUF_INIT(BUF_ANY);

	buf_adds(&b, head);
	while (n--)
		buf_adds(&b, line);
	return b;
}

START_TEST(test_limits)
{
	static const struct {
		const char *head, *line;
		unsigned n;
		enum setter_report_kind kind;
	} rows[] = {
		{"", "- 1 " TAG "\n", LIMIT_SETTER_EDITS + 1, SETTER_TOO_LARGE},
		{"# \"$imagepolicy\"\n", "---\na: b\n", LIMIT_SETTER_DOCUMENTS + 1,
			SETTER_TOO_LARGE},
		{"# \"$imagepolicy\"\n", "[", LIMIT_YAML_MARKS_DEPTH + 1, SETTER_NOT_PARSED},
		{"# \"$imagepolicy\"\n", "# 3456789abcdef\n", LIMIT_YAML_FILE / 16,
			SETTER_TOO_LARGE},
	};
	auto_buf struct buf b = repeat(rows[_i].head, rows[_i].line, rows[_i].n);
	struct setter_out out;
	size_t i, n = 0;

	run(b.p, b.len, &out);
	ck_assert(!out.changed && !out.n_changes);
	for (i = 0; i < out.n_reports; i++)
		n += out.reports[i].kind == rows[_i].kind;
	ck_assert_uint_eq(n, 1);
	setter_out_clear(&out);
}
END_TEST

START_TEST(test_reports_are_bounded)
{
	auto_buf struct buf b = repeat("", "- a: " TAG "\n", LIMIT_SETTER_REPORTS + 7);
	struct setter_out out;

	run(b.p, b.len, &out);
	ck_assert_uint_eq(out.n_reports, LIMIT_SETTER_REPORTS);
	ck_assert_uint_eq(out.reports_left, 7);
	setter_out_clear(&out);
}
END_TEST

START_TEST(test_stop)
{
	auto_buf struct buf b = repeat("", "- 1 " TAG "\n", 1000);
	atomic_bool stop = true;
	struct setter_out out;
	struct err err = {0};

	ck_assert_int_eq(setter_run(&(struct setter_in){.text = b.p,
					    .len = b.len,
					    .policies = policies,
					    .n = ARRAY_LEN(policies),
					    .stop = &stop},
				 &out, &err),
		-1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
}
END_TEST

/* SET-33 */
START_TEST(test_set_33_names_of_files)
{
	static const struct {
		const char *name;
		bool want;
	} rows[] = {{"a.yaml", true}, {"a.yml", true}, {"Kustomization", true}, {".yaml", true},
		{"a.b.yml", true}, {"a.YAML", false}, {"a.txt", false}, {"a.json", false},
		{"kustomization", false}, {"Kustomization.txt", false}, {"yaml", false}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(setter_wants_file(rows[i].name) == rows[i].want, "%s", rows[i].name);
}
END_TEST

Suite *suite_setter(void)
{
	Suite *s = suite_create("setter");
	TCase *t = tcase_create("setter");

	tcase_add_test(t, test_places);
	tcase_add_loop_test(t, test_bytes, 0, (int)ARRAY_LEN(bytes_rows));
	tcase_add_loop_test(t, test_set_09_plain_text_that_is_no_string, 0, 11);
	tcase_add_loop_test(t, test_report, 0, (int)ARRAY_LEN(report_rows));
	tcase_add_test(t, test_foreign);
	tcase_add_test(t, test_not_looked_at);
	tcase_add_loop_test(t, test_object, 0, (int)ARRAY_LEN(object_rows));
	tcase_add_test(t, test_set_40_order_of_changes);
	tcase_add_loop_test(t, test_limits, 0, 4);
	tcase_add_test(t, test_reports_are_bounded);
	tcase_add_test(t, test_stop);
	tcase_add_test(t, test_set_33_names_of_files);
	suite_add_tcase(s, t);
	return s;
}
