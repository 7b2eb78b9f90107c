/*
 * The commands of ocictl, each in the file of its name: they print the result to stdout, everything
 * else to stderr, and return the exit status. Main thread.
 */
#ifndef OCICTL_COMMANDS_H
#define OCICTL_COMMANDS_H

struct args;

int command_push(struct args *a);
int command_tag(struct args *a);
int command_resolve(struct args *a);
int command_pull(struct args *a);
int command_list(struct args *a);
int command_diff(struct args *a);
int command_verify(struct args *a);
int command_policy(struct args *a);

#endif
