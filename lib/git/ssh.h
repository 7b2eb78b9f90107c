/*
 * Git over ssh: link.h's moves as a conversation with one process of OpenSSH's client (ev/proc.h).
 * open starts `ssh -l user -p port -- host git-upload-pack 'path'`; talk writes to it.
 *
 * The client reads no configuration, asks nobody, uses no agent, forwards nothing, and logs in with
 * the private key of the credentials and nothing else. What the key's passphrase hides is opened
 * here, on a worker; key and known hosts are files in memory (base/sys.h). A host whose key
 * known_hosts does not have is refused. Proxies of objects and of the environment do not count: no
 * Git client of Flux's has them for ssh either. The client resolves names itself.
 *
 * User, host and path come from strangers: each is one argument, none can be an option, and the
 * path is quoted for the shell at the other end. Loop thread.
 */
#ifndef GIT_SSH_H
#define GIT_SSH_H
#include "git/link.h"

struct gitc_link *gitc_ssh_link_new(struct gitc_client *c, const struct gitc_link_req *req);

#endif
