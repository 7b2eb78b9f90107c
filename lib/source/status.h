/*
 * What the status and the Events of an object with an artifact say: for the hooks of a kind. Loop
 * thread.
 */
#ifndef SOURCE_STATUS_H
#define SOURCE_STATUS_H
#include "source/artifact.h"

/* Of an object that is too large to be kept: which artifact it has. */
void artifact_status_kept(const json_t *status, json_t *kept);
/* status.artifact, if there is a new one; url; ArtifactInStorage. */
void artifact_succeeded(struct run *r, json_t *status);
/* A failure leaves the artifact as it is, but what is said of it has to be true. */
void artifact_failed(struct run *r, json_t *status);
/* The revision stays what it is. Where somebody else had packed it, its bytes are ours now. */
void artifact_restored(struct run *r, json_t *status);
/* A URL that answers 404 is not well, suspended or not. */
void artifact_suspended(struct run *r, json_t *status);
/* The store's promises follow the status. */
void artifact_written(struct run *r);
/* What the reference means is not in the store. */
bool artifact_behind(const struct run *r);
/* The reference means another revision than the status: says so; `where` is for the message, and
   NULL where it is not told. */
void artifact_outdated(struct run *r, const char *where);
/* Is the revision the one that the status names, and its file here? */
bool artifact_is_current(const struct artifact_run *a);

/* An exit row's work: the Event of a failure; true when there was one, when a file is only back, or
   when there is nothing to say. Else the run is news: *is_new when its artifact is. */
bool artifact_told(struct run *r, bool *is_new);
/* For the note `token` of a recovery. notification-controller leaves out what says the same as
   within the last minutes, and a recovery has the text of the artifact that was there before. What
   makes it another one goes into its token, which nobody else reads: the failure that is over.
   Returns out. */
#define ARTIFACT_TOKEN_MAX 17
const char *artifact_token(const struct run *r, char out[ARTIFACT_TOKEN_MAX]);

#endif
