/* spec.image: what is accepted is the same repository as in an oci:// URL, and the same again when
   its canonical name is read. What is refused says why, and no password. */
#include "base/mem.h"
#include "image/name.h"
#include "oci/ref.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	auto_free char *url = mem_printf("oci://%s", text);
	char canonical[OCI_REPO_TEXT_MAX];
	struct oci_repo r, again;
	struct err err = {0};

	if (image_name_parse(&r, text, false, &err)) {
		BUG_IF(err.kind != ERR_STALL || !*err.msg);
		BUG_IF(strchr(text, '@') && strchr(strchr(text, '@'), '/') && strchr(err.msg, ':'));
		return 0;
	}
	oci_repo_format(&r, canonical);
	BUG_IF(oci_repo_parse(&again, url, false, &err));
	BUG_IF(strcmp(r.host, again.host) || strcmp(r.name, again.name));
	BUG_IF(image_name_parse(&again, canonical, false, &err));
	BUG_IF(strcmp(r.host, again.host) || strcmp(r.name, again.name));
	return 0;
}
