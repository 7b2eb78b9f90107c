#include "controllers/imageupdateautomation/message.h"

#include "base/mem.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/spec.h"
#include "template/template.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct automation_spec *spec_of(const char *template)
{
	json_t *obj = json_pack("{s:{s:s,s:{s:s},s:{s:{s:{s:s},s:s,s:{s:s}}}}}", "spec", "interval",
		"1m", "sourceRef", "name", "app", "git", "commit", "author", "email", "a@b",
		"messageTemplate", template, "messageTemplateValues", "cluster", "prod");
	struct spec *s = automation_spec_new(obj);

	ck_assert_ptr_nonnull(obj);
	json_decref(obj);
	ck_assert_msg(!AUTOMATION_SPEC(s)->misfit, "%s", AUTOMATION_SPEC(s)->misfit->msg);
	return AUTOMATION_SPEC(s);
}

static void change_add(struct edit *e, const char *path, const char *kind, const char *name,
	const char *old, const char *new, const char *setter)
{
	struct edit_changed *f = e->changed.len ? &e->changed.p[e->changed.len - 1] : NULL;

	if (!f || strcmp(f->path, path) != 0) {
		f = vec_add(&e->changed);
		*f = (struct edit_changed){.path = mem_strdup(path)};
	}
	f->out.changes = mem_array(f->out.changes, f->out.n_changes + 1, sizeof(*f->out.changes));
	f->out.changes[f->out.n_changes++] = (struct setter_change){
		{mem_strdup("apps/v1"), mem_strdup(kind), mem_strdup(name), mem_strdup("")},
		mem_strdup(old), mem_strdup(new), mem_strdup(setter), 1};
}

static const struct row {
	const char *template, *text;
} rows[] = {
	/* TPL-01: the message that users of Flux have; two changes of one object stand together. */
	{"{{ range $resource, $changes := .Changed.Objects -}}\n- {{ $resource.Kind }} "
	 "{{ $resource.Name }}: {{ range $_, $change := $changes }}{{ $change.OldValue }} -> "
	 "{{ $change.NewValue }}{{ end }}\n{{ end -}}",
		"- Deployment web: a -> bc -> d\n- Service web: a -> b\n"},
	{"{{ .AutomationObject }} {{ .AutomationObject.Name }} {{ .AutomationObject.Namespace }}",
		"apps/bot bot apps"},
	/* TPL-02 */
	{"{{ range $file, $objects := .Changed.FileChanges }}{{ $file }}:{{ range $o, $c := "
	 "$objects }} {{ $o.Kind }}{{ len $c }}{{ end }};{{ end }}",
		"web/a.yaml: Deployment2;web/b.yaml: Service1;"},
	{"{{ range .Changed.Changes }}{{ .OldValue }}>{{ .NewValue }} {{ .Setter }};{{ end }}",
		"a>b apps:web;c>d apps:web:tag;"},
	{"{{ range $o, $_ := .Changed.Objects }}{{ $o.APIVersion }}/{{ $o.Namespace }};{{ end }}",
		"apps/v1/;apps/v1/;"},
	/* TPL-03 */
	{"", "Update from image update automation"},
	{"{{ .Values.cluster }} {{ .Values.none }}\n\n", "prod <no value>\n\n"},
	/* TPL-07 */
	{"{{ .Changed }}",
		"{map[web/a.yaml:map[{{{apps/v1 Deployment} {web }}}:[{a b apps:web} {c d "
		"apps:web:tag}]] web/b.yaml:map[{{{apps/v1 Service} {web }}}:[{a b apps:web}]]]}"},
	/* TPL-04 */
	{"{{ .Updated }}",
		"!template uses removed '.Updated' field. Please use '.Changed' instead."},
	{"{{ .Changed.ImageResult }}",
		"!template uses removed '.Changed.ImageResult' field. Please use "
		"'.Changed.FileChanges' or '.Changed.Objects' instead."},
	/* TPL-05 */
	{"{{ .Nothing }}", "?"},
};

START_TEST(test_tpl_01_to_07_message)
{
	const struct row *row = &rows[_i];
	struct automation_spec *s = spec_of(row->template);
	struct edit *e = NEW(struct edit);
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err = {0};
	int rc;

	e->path = mem_strdup("apps");
	change_add(e, "apps/web/a.yaml", "Deployment", "web", "a", "b", "apps:web");
	change_add(e, "apps/web/a.yaml", "Deployment", "web", "c", "d", "apps:web:tag");
	change_add(e, "apps/web/b.yaml", "Service", "web", "a", "b", "apps:web");
	rc = message_write(s, "apps", "bot", e, &out, &err);
	if (*row->text == '!') {
		ck_assert_int_eq(err.code, TMPL_REMOVED);
		ck_assert_msg(strstr(err.msg, row->text + 1) != NULL, "%s", err.msg);
	} else if (*row->text == '?') {
		ck_assert_int_eq(rc, -1);
		ck_assert_msg(!strncmp(err.msg, "failed to update source: failed to run template",
				      strlen("failed to update source: failed to run template")),
			"%s", err.msg);
	} else {
		ck_assert_msg(!rc, "%s", err.msg);
		ck_assert_str_eq(buf_str(&out), row->text);
	}
	edit_free(e);
	spec_unref(&s->spec);
}
END_TEST

Suite *suite_message(void);
Suite *suite_message(void)
{
	Suite *s = suite_create("message");
	TCase *t = tcase_create("message");

	tcase_add_loop_test(t, test_tpl_01_to_07_message, 0, ARRAY_LEN(rows));
	suite_add_tcase(s, t);
	return s;
}
