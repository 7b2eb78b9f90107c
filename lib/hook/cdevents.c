/*
 * CDEvents 0.4.1 (https://cdevents.dev/docs): what its schemas ask of each event, as far as the
 * SDK for Go, which Flux uses, holds events to them. It reads members that it does not know without
 * a word, takes any text as the version of the specification, and needs no timestamp; it wants the
 * version of an event's own type exactly.
 *
 * Two mistakes of the SDK are not ours: a link without `tags` and an event without the `artifactId`
 * that its schema leaves free are good here.
 */
#include "base/ascii.h"
#include "base/mem.h"
#include "hook/how.h"
#include "hook/read.h"
#include "hook/shape.h"

#include <string.h>

#define NEEDED .needed = true
#define REFERENCE HOOK_OBJECT, reference
#define OUTCOMES " pass fail cancel error "
#define SEVERITIES " low medium high critical "
#define TRIGGERS " manual pipeline event schedule other "
#define CASES " performance functional unit security compliance integration e2e other "
#define OUTPUTS " report video image log other "

/* ---- what is in a subject's content ---------------------------------------------------------- */

static const struct hook_shape reference[] = {
	{"id", HOOK_TEXT, NEEDED}, {"source", HOOK_URI}, {NULL}};
static const struct hook_shape nothing[] = {{NULL}};
static const struct hook_shape with_user[] = {{"user", HOOK_TEXT}, {NULL}};
static const struct hook_shape sbom[] = {{"uri", HOOK_TEXT, NEEDED}, {NULL}};
static const struct hook_shape packaged[] = {
	{"change", REFERENCE, NEEDED}, {"sbom", HOOK_OBJECT, sbom}, {NULL}};
static const struct hook_shape published[] = {
	{"sbom", HOOK_OBJECT, sbom}, {"user", HOOK_TEXT}, {NULL}};
static const struct hook_shape artifact_signed[] = {{"signature", HOOK_TEXT, NEEDED}, {NULL}};
static const struct hook_shape of_repository[] = {{"repository", REFERENCE}, {NULL}};
static const struct hook_shape build_finished[] = {{"artifactId", HOOK_PURL}, {NULL}};
static const struct hook_shape change_created[] = {
	{"description", HOOK_TEXT}, {"repository", REFERENCE}, {NULL}};
static const struct hook_shape environment[] = {{"name", HOOK_TEXT}, {"url", HOOK_TEXT}, {NULL}};
static const struct hook_shape incident[] = {{"description", HOOK_TEXT},
	{"environment", REFERENCE, NEEDED}, {"service", REFERENCE}, {"artifactId", HOOK_PURL},
	{NULL}};
static const struct hook_shape incident_reported[] = {{"description", HOOK_TEXT},
	{"environment", REFERENCE, NEEDED}, {"ticketURI", HOOK_TEXT, NEEDED},
	{"service", REFERENCE}, {"artifactId", HOOK_PURL}, {NULL}};
static const struct hook_shape pipeline_run[] = {{"pipelineName", HOOK_TEXT}, {"url", HOOK_TEXT},
	{"outcome", HOOK_TEXT}, {"errors", HOOK_TEXT}, {NULL}};
static const struct hook_shape repository_created[] = {{"name", HOOK_TEXT, NEEDED},
	{"owner", HOOK_TEXT}, {"url", HOOK_TEXT, NEEDED}, {"viewUrl", HOOK_TEXT}, {NULL}};
static const struct hook_shape repository[] = {{"name", HOOK_TEXT}, {"owner", HOOK_TEXT},
	{"url", HOOK_TEXT}, {"viewUrl", HOOK_TEXT}, {NULL}};
static const struct hook_shape deployed[] = {
	{"environment", REFERENCE, NEEDED}, {"artifactId", HOOK_PURL, NEEDED}, {NULL}};
static const struct hook_shape in_environment[] = {{"environment", REFERENCE}, {NULL}};
static const struct hook_shape task_run[] = {{"taskName", HOOK_TEXT}, {"url", HOOK_TEXT},
	{"pipelineRun", REFERENCE}, {"outcome", HOOK_TEXT}, {"errors", HOOK_TEXT}, {NULL}};
static const struct hook_shape trigger[] = {
	{"type", HOOK_TEXT, .words = TRIGGERS}, {"uri", HOOK_TEXT}, {NULL}};
static const struct hook_shape test_case[] = {{"id", HOOK_TEXT, NEEDED}, {"version", HOOK_TEXT},
	{"name", HOOK_TEXT}, {"type", HOOK_TEXT, .words = CASES}, {"uri", HOOK_TEXT}, {NULL}};
static const struct hook_shape test_suite[] = {{"id", HOOK_TEXT, NEEDED}, {"version", HOOK_TEXT},
	{"name", HOOK_TEXT}, {"uri", HOOK_TEXT}, {"url", HOOK_TEXT}, {NULL}};
static const struct hook_shape case_finished[] = {{"outcome", HOOK_TEXT, NEEDED, .words = OUTCOMES},
	{"severity", HOOK_TEXT, .words = SEVERITIES}, {"reason", HOOK_TEXT},
	{"environment", REFERENCE, NEEDED}, {"testSuiteRun", REFERENCE},
	{"testCase", HOOK_OBJECT, test_case}, {NULL}};
static const struct hook_shape case_begun[] = {{"trigger", HOOK_OBJECT, trigger},
	{"environment", REFERENCE, NEEDED}, {"testSuiteRun", REFERENCE},
	{"testCase", HOOK_OBJECT, test_case}, {NULL}};
static const struct hook_shape case_skipped[] = {{"reason", HOOK_TEXT}, {"environment", REFERENCE},
	{"testSuiteRun", REFERENCE}, {"testCase", HOOK_OBJECT, test_case}, {NULL}};
static const struct hook_shape test_output[] = {{"outputType", HOOK_TEXT, NEEDED, .words = OUTPUTS},
	{"format", HOOK_TEXT}, {"uri", HOOK_TEXT}, {"testCaseRun", REFERENCE}, {NULL}};
static const struct hook_shape suite_finished[] = {
	{"outcome", HOOK_TEXT, NEEDED, .words = OUTCOMES},
	{"severity", HOOK_TEXT, .words = SEVERITIES}, {"reason", HOOK_TEXT},
	{"environment", REFERENCE, NEEDED}, {"testSuite", HOOK_OBJECT, test_suite}, {NULL}};
static const struct hook_shape suite_begun[] = {{"trigger", HOOK_OBJECT, trigger},
	{"environment", REFERENCE, NEEDED}, {"testSuite", HOOK_OBJECT, test_suite}, {NULL}};

#define TICKET \
	{"summary", HOOK_TEXT}, {"ticketType", HOOK_TEXT}, {"group", HOOK_TEXT}, \
		{"assignees", HOOK_TEXTS}, {"priority", HOOK_TEXT}, {"labels", HOOK_TEXTS}, \
		{"milestone", HOOK_TEXT}, {"updatedBy", HOOK_TEXT}, \
	{ \
		"uri", HOOK_TEXT, NEEDED \
	}
static const struct hook_shape ticket_closed[] = {
	TICKET, {"creator", HOOK_TEXT}, {"resolution", HOOK_TEXT, NEEDED}, {NULL}};
static const struct hook_shape ticket_created[] = {TICKET, {"creator", HOOK_TEXT, NEEDED}, {NULL}};
static const struct hook_shape ticket_updated[] = {TICKET, {"creator", HOOK_TEXT}, {NULL}};

/* ---- the events ------------------------------------------------------------------------------ */

#define ROOT "dev.cdevents."
#define CUSTOM_ROOT "dev.cdeventsx."

struct event {
	const char *type; /* behind ROOT */
	const char *subject;
	const struct hook_shape *content;
};

static const struct event events[] = {
	{"artifact.deleted.0.1.0", "artifact", with_user},
	{"artifact.downloaded.0.1.0", "artifact", with_user},
	{"artifact.packaged.0.2.0", "artifact", packaged},
	{"artifact.published.0.2.0", "artifact", published},
	{"artifact.signed.0.2.0", "artifact", artifact_signed},
	{"branch.created.0.2.0", "branch", of_repository},
	{"branch.deleted.0.2.0", "branch", of_repository},
	{"build.finished.0.2.0", "build", build_finished},
	{"build.queued.0.2.0", "build", nothing},
	{"build.started.0.2.0", "build", nothing},
	{"change.abandoned.0.2.0", "change", of_repository},
	{"change.created.0.3.0", "change", change_created},
	{"change.merged.0.2.0", "change", of_repository},
	{"change.reviewed.0.2.0", "change", of_repository},
	{"change.updated.0.2.0", "change", of_repository},
	{"environment.created.0.2.0", "environment", environment},
	{"environment.deleted.0.2.0", "environment", environment},
	{"environment.modified.0.2.0", "environment", environment},
	{"incident.detected.0.2.0", "incident", incident},
	{"incident.reported.0.2.0", "incident", incident_reported},
	{"incident.resolved.0.2.0", "incident", incident},
	{"pipelinerun.finished.0.2.0", "pipelineRun", pipeline_run},
	{"pipelinerun.queued.0.2.0", "pipelineRun", pipeline_run},
	{"pipelinerun.started.0.2.0", "pipelineRun", pipeline_run},
	{"repository.created.0.2.0", "repository", repository_created},
	{"repository.deleted.0.2.0", "repository", repository},
	{"repository.modified.0.2.0", "repository", repository},
	{"service.deployed.0.2.0", "service", deployed},
	{"service.published.0.2.0", "service", in_environment},
	{"service.removed.0.2.0", "service", in_environment},
	{"service.rolledback.0.2.0", "service", deployed},
	{"service.upgraded.0.2.0", "service", deployed},
	{"taskrun.finished.0.2.0", "taskRun", task_run},
	{"taskrun.started.0.2.0", "taskRun", task_run},
	{"testcaserun.finished.0.2.0", "testCaseRun", case_finished},
	{"testcaserun.queued.0.2.0", "testCaseRun", case_begun},
	{"testcaserun.skipped.0.1.0", "testCaseRun", case_skipped},
	{"testcaserun.started.0.2.0", "testCaseRun", case_begun},
	{"testoutput.published.0.2.0", "testOutput", test_output},
	{"testsuiterun.finished.0.2.0", "testSuiteRun", suite_finished},
	{"testsuiterun.queued.0.2.0", "testSuiteRun", suite_begun},
	{"testsuiterun.started.0.2.0", "testSuiteRun", suite_begun},
	{"ticket.closed.0.1.0", "ticket", ticket_closed},
	{"ticket.created.0.1.0", "ticket", ticket_created},
	{"ticket.updated.0.1.0", "ticket", ticket_updated},
};

static const struct event *event_find(const char *type)
{
	size_t n = strlen(ROOT), i;

	for (i = 0; i < ARRAY_LEN(events) && !strncmp(type, ROOT, n); i++)
		if (!strcmp(events[i].type, type + n))
			return &events[i];
	return NULL;
}

/* ---- an event of somebody's own tool --------------------------------------------------------- */

static const char *lower_skip(const char *p)
{
	while (ascii_is_lower(*p))
		p++;
	return p;
}

/* A word of lower case and then this character; NULL: it is not so. */
static const char *word_skip(const char *p, char end)
{
	const char *to = lower_skip(p);

	return to > p && *to == end ? to + 1 : NULL;
}

/* dev.cdeventsx.TOOL-SUBJECT.PREDICATE.N.N.N */
static bool is_custom(const char *type)
{
	const char *p = type + strlen(CUSTOM_ROOT);

	if (strncmp(type, CUSTOM_ROOT, strlen(CUSTOM_ROOT)) != 0)
		return false;
	return (p = word_skip(p, '-')) && (p = word_skip(p, '.')) && (p = word_skip(p, '.')) &&
		strlen(p) == 5 && ascii_is_digit(p[0]) && p[1] == '.' && ascii_is_digit(p[2]) &&
		p[3] == '.' && ascii_is_digit(p[4]);
}

/* TOOL-SUBJECT, and it need not be that of the event's type. */
static bool custom_subject_fits(const char *type)
{
	const char *p = type;

	while (ascii_is_alnum(*p))
		p++;
	if (p == type || *p++ != '-' || !ascii_is_alpha(*p))
		return false;
	while (ascii_is_alpha(*p))
		p++;
	return !*p;
}

static bool subject_fits(const json_t *subject, const char *event_type)
{
	const struct event *e = event_find(event_type);
	const json_t *content = hook_member(subject, "content");
	const char *type = hook_text(subject, "type");

	if (e)
		return !strcmp(type, e->subject) && hook_shape_fits(content, e->content);
	return is_custom(event_type) && custom_subject_fits(type) && json_is_object(content);
}

/* ---- what all have --------------------------------------------------------------------------- */

static bool link_fits(const json_t *link)
{
	static const struct hook_shape from[] = {{"contextId", HOOK_TEXT, NEEDED}, {NULL}};
	static const struct hook_shape path[] = {
		{"from", HOOK_OBJECT, from, NEEDED}, {"tags", HOOK_OBJECT}, {NULL}};
	static const struct hook_shape end[] = {
		{"from", HOOK_OBJECT, from}, {"tags", HOOK_OBJECT}, {NULL}};
	static const struct hook_shape relation[] = {{"linkKind", HOOK_TEXT, NEEDED},
		{"target", HOOK_OBJECT, from, NEEDED}, {"tags", HOOK_OBJECT}, {NULL}};
	const char *type = hook_text(link, "linkType");

	if (!strcmp(type, "PATH"))
		return hook_shape_fits(link, path);
	if (!strcmp(type, "END"))
		return hook_shape_fits(link, end);
	return !strcmp(type, "RELATION") && hook_shape_fits(link, relation);
}

static bool links_fit(const json_t *links)
{
	size_t i;

	for (i = 0; i < json_array_size(links); i++)
		if (!link_fits(json_array_get(links, i)))
			return false;
	return !links || json_is_array(links);
}

static bool event_fits(const json_t *event)
{
	static const struct hook_shape context[] = {{"version", HOOK_TEXT, NEEDED},
		{"id", HOOK_TEXT, NEEDED}, {"source", HOOK_URI, NEEDED},
		{"type", HOOK_TEXT, NEEDED}, {"timestamp", HOOK_TIME}, {"schemaUri", HOOK_TEXT},
		{"chainId", HOOK_TEXT}, {NULL}};
	static const struct hook_shape subject[] = {{"id", HOOK_TEXT, NEEDED}, {"source", HOOK_URI},
		{"type", HOOK_TEXT, NEEDED}, {NULL}};
	static const struct hook_shape body[] = {{"context", HOOK_OBJECT, context, NEEDED},
		{"subject", HOOK_OBJECT, subject, NEEDED}, {"customDataContentType", HOOK_TEXT},
		{NULL}};
	const json_t *c = hook_member(event, "context"), *data = hook_member(event, "customData");

	return hook_shape_fits(event, body) && links_fit(hook_member(c, "links")) &&
		/* schemas of one's own would have to be known here */
		!*hook_text(c, "schemaUri") &&
		(!data || json_is_object(data) || json_is_string(data)) &&
		subject_fits(hook_member(event, "subject"), hook_text(c, "type"));
}

static void cdevents_read(struct hook_in *in, struct hook_verdict *v)
{
	const json_t *event = hook_json(in);

	if (!event || in->junk || !event_fits(event))
		hook_say(v, HOOK_BAD, "the body is no CDEvent of the specification 0.4");
	else
		hook_event_ok(in, HOOK_CE_TYPE, v);
}

const struct hook_how hook_cdevents = {cdevents_read};
