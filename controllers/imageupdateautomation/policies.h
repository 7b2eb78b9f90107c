/* Whose choices an automation writes: the ImagePolicies of its own namespace that its selector
   takes and that have chosen something. Loop thread. */
#ifndef IMAGEUPDATEAUTOMATION_POLICIES_H
#define IMAGEUPDATEAUTOMATION_POLICIES_H
#include <jansson.h>

struct automation_spec;
struct edit;
struct image_choices;

/* As status.observedPolicies has them; a new reference. */
json_t *policies_now(
	const struct image_choices *cs, const char *ns, const struct automation_spec *s);
/* The others of the namespace, for their markers are known all the same: name → whether the
   selector takes it, and it has chosen nothing yet. A new reference. */
json_t *policies_others(
	const struct image_choices *cs, const char *ns, const struct automation_spec *s);
/* Gives both to an edit; others NULL: none. */
void policies_edit(const json_t *policies, const json_t *others, const char *ns, struct edit *e);

#endif
