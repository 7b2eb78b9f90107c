/* RS256 against the example of RFC 7515, appendix A.2: there is one right signature. */
#include "crypto/rsa.h"

#include "base/base64.h"
#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_rsa(void);

/* The JWK of the appendix, as PEM. It is published: it protects nothing. */
#define KEY_PKCS8 \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n" \
	"jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n" \
	"aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n" \
	"juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n" \
	"ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n" \
	"toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n" \
	"VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n" \
	"PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n" \
	"O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n" \
	"kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n" \
	"XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n" \
	"4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n" \
	"pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n" \
	"0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n" \
	"lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n" \
	"kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n" \
	"rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n" \
	"kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n" \
	"5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n" \
	"9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n" \
	"evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n" \
	"yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n" \
	"OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n" \
	"tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n" \
	"ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n" \
	"03k2+ZQwVK0JKSHuLFkuQ3U=\n" \
	"-----END PRIVATE KEY-----\n"

#define KEY_PKCS1 \
	"-----BEGIN RSA PRIVATE KEY-----\n" \
	"MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0\n" \
	"l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pC\n" \
	"gNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSX\n" \
	"ndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD\n" \
	"Zlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8\n" \
	"q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35S\n" \
	"bEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cf\n" \
	"UhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1O\n" \
	"n95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKK\n" \
	"Vf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f\n" \
	"40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU\n" \
	"bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnE\n" \
	"tfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPG\n" \
	"BY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPE\n" \
	"fgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYs\n" \
	"p1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnD\n" \
	"zQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7\n" \
	"DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4\n" \
	"U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm\n" \
	"27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN\n" \
	"54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCC\n" \
	"Mx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S\n" \
	"0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1Z\n" \
	"NqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE\n" \
	"6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1\n" \
	"-----END RSA PRIVATE KEY-----\n"

#define INPUT \
	"eyJhbGciOiJSUzI1NiJ9" \
	".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt" \
	"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

#define SIGNATURE \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF" \
	"5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK" \
	"5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt" \
	"FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB" \
	"p0igcN_IoypGlUPQGe77Rw"

static char *run(const char *cmd)
{
	FILE *f = popen(cmd, "r");
	char text[16384];
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	ck_assert_int_eq(pclose(f), 0);
	text[n] = '\0';
	return mem_strdup(text);
}

static void sign_rfc(const char *pem)
{
	auto_buf struct buf sig = BUF_INIT(1024), text = BUF_INIT(1024);
	struct err err = {0};

	ck_assert_msg(!rsa_sign_sha256(&sig, pem, strlen(pem), INPUT, strlen(INPUT), &err), "%s",
		err.msg);
	ck_assert_int_eq(sig.len, 256);
	ck_assert_int_eq(base64_encode(&text, sig.p, sig.len, BASE64_URL), 0);
	ck_assert_str_eq(buf_str(&text), SIGNATURE);
}

START_TEST(test_vector)
{
	sign_rfc(KEY_PKCS8);
	sign_rfc(KEY_PKCS1);
	sign_rfc("what stands before\n" KEY_PKCS8 "and after\n");
}
END_TEST

/* What is there stays, and a limit is one. */
START_TEST(test_appends)
{
	auto_buf struct buf out = BUF_INIT(300), small = BUF_INIT(255);
	struct err err = {0};

	buf_adds(&out, "head.");
	ck_assert_int_eq(rsa_sign_sha256(&out, KEY_PKCS8, strlen(KEY_PKCS8), "x", 1, &err), 0);
	ck_assert_int_eq(out.len, 5 + 256);
	ck_assert(!memcmp(out.p, "head.", 5));
	ck_assert_int_eq(rsa_sign_sha256(&small, KEY_PKCS8, strlen(KEY_PKCS8), "x", 1, &err), -1);
	ck_assert_int_eq(small.len, 0);
}
END_TEST

static void refused(const char *what, const char *pem, const char *says)
{
	auto_buf struct buf out = BUF_INIT(4096);
	struct err err = {0};

	ck_assert_msg(
		rsa_sign_sha256(&out, pem, strlen(pem), "x", 1, &err) == -1, "%s: signed", what);
	ck_assert_msg(err.kind == ERR_RETRY && strstr(err.msg, says), "%s: '%s'", what, err.msg);
	ck_assert_int_eq(out.len, 0);
}

START_TEST(test_refused)
{
	auto_free char *weak = run("openssl genrsa 1024 2>/dev/null");
	auto_free char *ec = run(
		"openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 2>/dev/null");
	auto_free char *locked =
		run("openssl genrsa -aes256 -passout pass:hunter2 2048 2>/dev/null");
	auto_free char *public =
		run("openssl genrsa 2048 2>/dev/null | openssl rsa -pubout 2>/dev/null");
	auto_free char *cut = mem_strndup(KEY_PKCS8, strlen(KEY_PKCS8) / 2);

	refused("nothing", "", "no private key");
	refused("words", "hunter2", "no private key");
	refused("1024 bits", weak, "1024 bits");
	refused("elliptic", ec, "no RSA key");
	refused("a passphrase", locked, "passphrase");
	refused("a public key", public, "no private key");
	refused("cut", cut, "no private key");
}
END_TEST

Suite *suite_rsa(void)
{
	Suite *s = suite_create("rsa");
	TCase *tc = tcase_create("rsa");

	tcase_add_test(tc, test_vector);
	tcase_add_test(tc, test_appends);
	tcase_add_test(tc, test_refused);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return s;
}
