#include "source/shown.h"

#include "base/history.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "page/page.h"
#include "serve/urls.h"
#include "source/artifact.h"
#include "source/env.h"
#include "source/item.h"

#include <string.h>

/* The Event of the choice says more than the condition, while it is remembered. */
static void why_read(struct page_row *row)
{
	const struct page_cond *stored = page_cond_of(row, COND_IN_STORAGE);
	struct history_entry e;
	size_t at = 0;

	if (stored)
		row->why = stored->message;
	while (*row->revision && history_next(row->events, &at, &e))
		if (!strcmp(e.what, "NewArtifact") && strstr(e.text, row->revision))
			row->why = e.text;
}

void artifact_row(const struct item *i, const json_t *status, struct page_row *row)
{
	const struct artifact_item *a = CONTAINER_OF(i, const struct artifact_item, item);
	const struct source_env *env = SOURCE_ENV(i->c);
	const json_t *artifact = obj_get(status, "artifact");
	const json_t *meta = obj_get(artifact, "metadata");

	row->updated_ms = a->since_ms;
	row->revisions = a->revisions;
	why_read(row);
	row->digest = obj_str_or("", artifact, "digest");
	row->artifact_url =
		env->urls && serve_urls_secret(env->urls) ? "" : obj_str_or("", artifact, "url");
	row->size = obj_int(0, artifact, "size");
	row->source = obj_str_or("", meta, "org.opencontainers.image.source");
	row->source_revision = obj_str_or("", meta, "org.opencontainers.image.revision");
	row->created = obj_str_or("", meta, "org.opencontainers.image.created");
}
