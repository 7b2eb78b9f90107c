/* Within lib/hook: how each type is read (hook/read.h). */
#ifndef HOOK_HOW_H
#define HOOK_HOW_H
struct hook_how;

extern const struct hook_how hook_generic, hook_gitlab, hook_harbor; /* token.c */
extern const struct hook_how hook_hmac, hook_github, hook_bitbucket, hook_nexus; /* signed.c */
extern const struct hook_how hook_dockerhub, hook_quay, hook_acr, hook_gcr; /* registry.c */
extern const struct hook_how hook_cdevents; /* cdevents.c */

#endif
