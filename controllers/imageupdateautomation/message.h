/* The message of a commit: the template of an automation, run over what has changed. The data is
   what Flux's image-automation-controller gives to its templates, in names, types and order. A
   worker's side. */
#ifndef IMAGEUPDATEAUTOMATION_MESSAGE_H
#define IMAGEUPDATEAUTOMATION_MESSAGE_H
#include "base/buf.h"
#include "base/err.h"

struct automation_spec;
struct edit;

/* Appends it; ns and name are the automation's. -1: code TMPL_REMOVED (template/template.h) for a
   field that Flux has had once. */
int message_write(const struct automation_spec *s, const char *ns, const char *name,
	const struct edit *e, struct buf *out, struct err *err) must_check;

#endif
