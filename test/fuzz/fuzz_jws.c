/* Envelopes of the Notary Project, and their protected headers: what was read is put into an
   envelope as its header, too, with a certificate that is one. Nothing is a signature of that
   certificate's key then, and what is refused says why on one line. */
#include "verify/jws.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/limits.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* P-256; nobody has its key. */
#define CERT \
	"MIIBwjCCAWigAwIBAgIBZDAKBggqhkjOPQQDAjBOMQswCQYDVQQGEwJVUzELMAkGA1UECBMCV0Ex" \
	"EDAOBgNVBAcTB1NlYXR0bGUxDzANBgNVBAoTBk5vdGFyeTEPMA0GA1UEAxMGc2lnbmVyMCAXDTI2" \
	"MDEwMTAwMDAwMFoYDzIwNTYwMTAxMDAwMDAwWjBOMQswCQYDVQQGEwJVUzELMAkGA1UECBMCV0Ex" \
	"EDAOBgNVBAcTB1NlYXR0bGUxDzANBgNVBAoTBk5vdGFyeTEPMA0GA1UEAxMGc2lnbmVyMFkwEwYH" \
	"KoZIzj0CAQYIKoZIzj0DAQcDQgAEOxcLvTOWWtFlZUZxCcyWutfdzXVmj9sDP7k4T9ru4MAhYeXe" \
	"9mB3RfSHZMDW3k3QAaxJgKjss0xb8zvAmZKAVKM1MDMwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQM" \
	"MAoGCCsGAQUFBwMDMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIgbfFxytOPRRkYeuyu" \
	"z8uK94vNmRIbRe9nhmw8/K6tRcUCIQDeNooM1aJEPvP+//4hJj11MkgJnMeLOXrQxg4kNzCQpA=="

/* r = 1, s = 1 */
#define SIG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ"

/* The corpus has one that is good. */
static void open_one(const char *text, size_t n, bool maybe)
{
	struct verify_envelope e = {0};
	struct err err = {0};

	if (verify_jws_open(&e, text, n, &err))
		BUG_IF(err.kind != ERR_RETRY || !*err.msg || strpbrk(err.msg, "\r\n"));
	else
		BUG_IF(!maybe || !e.chain.len || !e.payload.len || e.signed_ms <= 0);
	verify_envelope_clear(&e);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT(4 * LIMIT_ENVELOPE);

	open_one((const char *)data, size, true);
	buf_adds(&text,
		"{\"payload\":\"e30\",\"signature\":\"" SIG "\",\"header\":{\"x5c\":[\"" CERT
		"\"]},\"protected\":\"");
	if (base64_encode(&text, data, size, BASE64_URL) || buf_adds(&text, "\"}"))
		return 0;
	open_one(buf_str(&text), text.len, false);
	return 0;
}
