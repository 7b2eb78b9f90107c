/*
 * What a payload says was pushed: repository and tags, as each registry writes them. What does not
 * parse, and what is no push of an image, says nothing. Any thread.
 */
#ifndef HOOK_PUSH_H
#define HOOK_PUSH_H
#include "hook/hook.h"

/* json is the body; each appends to v->pushes. */
void hook_push_dockerhub(struct hook_verdict *v, const json_t *json);
void hook_push_quay(struct hook_verdict *v, const json_t *json);
void hook_push_acr(struct hook_verdict *v, const json_t *json);
void hook_push_gcr(struct hook_verdict *v, const json_t *json); /* what is in message.data */
void hook_push_harbor(struct hook_verdict *v, const json_t *json);
void hook_push_nexus(struct hook_verdict *v, const json_t *json);
void hook_push_github(struct hook_verdict *v, const json_t *json);

#endif
