#include "cmd/ocictl/show.h"

#include "base/mem.h"
#include "cmd/ocictl/args.h"

#include <stdio.h>

void ocictl_show_begin(
	struct js_w *w, const struct args *a, const char *tag, const struct digest *digest)
{
	char repo[OCI_REPO_TEXT_MAX], ref[OCI_REF_TEXT_MAX], hex[DIGEST_TEXT_MAX];
	auto_free char *url =
		mem_printf("oci://%s", oci_ref_format(&a->ref.repo, NULL, digest, ref));

	js_begin(w, '{');
	js_kstr(w, "url", url);
	js_kstr(w, "repository", oci_repo_format(&a->ref.repo, repo));
	js_kstr(w, "tag", tag);
	js_kstr(w, "digest", digest_format(digest, hex));
}

void ocictl_show_end(struct js_w *w)
{
	js_end(w, '}');
	puts(buf_str(w->b));
}

void ocictl_show(const struct args *a, const char *tag, const struct digest *digest)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct js_w w = JS_W(&b);
	char text[OCI_REF_TEXT_MAX];

	if (!a->json) {
		puts(oci_ref_format(&a->ref.repo, tag, digest, text));
		return;
	}
	ocictl_show_begin(&w, a, tag, digest);
	ocictl_show_end(&w);
}
