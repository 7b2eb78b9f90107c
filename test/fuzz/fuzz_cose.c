/* Envelopes of the Notary Project in COSE, and their protected headers: what was read is put into
   an envelope as its header, too, with a certificate that is one. Nothing is a signature of that
   certificate's key then, and what is refused says why on one line. */
#include "verify/cose.h"

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

/* The corpus has one that is good. */
static void open_one(const char *data, size_t n, bool maybe)
{
	struct verify_envelope e = {0};
	struct err err = {0};

	if (verify_cose_open(&e, data, n, &err))
		BUG_IF(err.kind != ERR_RETRY || !*err.msg || strpbrk(err.msg, "\r\n"));
	else
		BUG_IF(!maybe || !e.chain.len || !e.payload.len || e.signed_ms <= 0);
	verify_envelope_clear(&e);
}

static void bytes_add(struct buf *out, const void *data, size_t n)
{
	buf_addc(out, 0x59);
	buf_addc(out, (char)(n >> 8));
	buf_addc(out, (char)n);
	buf_add(out, data, n);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_buf struct buf all = BUF_INIT(2 * LIMIT_ENVELOPE), cert = BUF_INIT(1024);
	static const char sig[64] = {[31] = 1, [63] = 1}; /* r = 1, s = 1 */
	struct err err = {0};

	open_one((const char *)data, size, true);
	if (size > UINT16_MAX)
		return 0;
	BUG_IF(base64_decode(&cert, CERT, strlen(CERT), BASE64_STD, &err));
	buf_add(&all, "\xd2\x84", 2);
	bytes_add(&all, data, size);
	buf_add(&all, "\xa1\x18\x21\x81", 4); /* x5chain: a list of one */
	bytes_add(&all, cert.p, cert.len);
	bytes_add(&all, "{}", 2);
	bytes_add(&all, sig, sizeof(sig));
	open_one(buf_str(&all), all.len, false);
	return 0;
}
