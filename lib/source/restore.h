/*
 * A file that a status names is gone from the store. The object's own run comes first: what its
 * reference means now is either the same, and the run brings the file back, or something newer
 * takes its place. Where that run fails, and for a suspended object, a restore fetches the file by
 * what the status says, with the rules that made it. Requests for it wait meanwhile.
 *
 * It is given up when the registry says itself, several times over a while, that it does not have
 * it: one refusal may be a proxy's, or somebody's who is setting up permissions. Loop thread.
 */
#ifndef SOURCE_RESTORE_H
#define SOURCE_RESTORE_H
#include "ev/task.h"

#include <stdbool.h>

struct artifact_run;

/* A row of kind.restore, before what asks the source: another replica may have the file, and needs
   neither a valid spec nor credentials for it. Goes on to the row "publish" when it has. */
#define RESTORE_FROM_PEERS {"peers", restore_peers_start, restore_peers_resume}
enum step_ret restore_peers_start(struct task *t);
enum step_ret restore_peers_resume(struct task *t);

/* The file was found missing: is it to be brought back? */
bool restore_begin(struct artifact_run *a);
/* Was the file that the status names given up? */
bool restore_given_up(const struct artifact_run *a);
/* The source was asked for what the status names, and says itself that it does not have it. */
void restore_refused(struct artifact_run *a);
/* A restore that ended well, and the file is missing still: it failed, and waits as one. */
void restore_check(struct artifact_run *a);
/* The run could not bring it back: for good, or for now. */
void restore_failed(struct artifact_run *a);

#endif
