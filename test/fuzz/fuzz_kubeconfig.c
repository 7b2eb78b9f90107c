/* A kubeconfig of any content: refused with a message of one line that holds no secret's text, or a
   config that can be used. */
#include "kube/config.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	static char path[64];
	struct err err = {0};
	struct kube_config *c;
	size_t len;

	if (fd < 0) {
		fd = memfd_create("kubeconfig", MFD_CLOEXEC);
		BUG_IF(fd < 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	BUG_IF(ftruncate(fd, 0) || pwrite(fd, data, n, 0) != (ssize_t)n);
	c = kube_config_load(&(struct kube_config_opts){.kubeconfig = path}, &err);
	if (!c) {
		BUG_IF(err.kind == ERR_NONE || !*err.msg);
		return 0;
	}
	BUG_IF(err.kind != ERR_NONE);
	BUG_IF(strncmp(c->server, "http://", 7) != 0 && strncmp(c->server, "https://", 8) != 0);
	len = strlen(c->server);
	BUG_IF(c->server[len - 1] == '/' || strpbrk(c->server, " ?#\r\n"));
	BUG_IF(!strrchr(c->host, ':') || strpbrk(c->host, "/@?# \r\n"));
	BUG_IF(!c->ns);
	BUG_IF(!c->trust.cert_pem.len != !c->trust.key_pem.len && c->trust.key_pem.len);
	BUG_IF(c->trust.insecure && c->trust.ca_only);
	kube_config_free(c);
	return 0;
}
