/* JSON web tokens whose claims are told in messages, and ACR's password, which is one: no control
   character gets into a message, and a time of life is never negative nonsense. */
#include "cloud/azure.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *jwt = mem_strndup((const char *)data, size);
	struct cloud_secrets got = {.expires_ms = -1};
	struct err err = {0}, told = {0};
	json_t *answer, *claims;
	size_t i, len;

	clock_fake(1769851800000);
	claims = cloud_jwt_claims((const char *)data, size, &err);
	BUG_IF(claims ? !json_is_object(claims) : err.kind != ERR_RETRY);
	cloud_jwt_tell(&told, (const char *)data, size);
	len = strlen(told.msg);
	BUG_IF(!claims && len);
	BUG_IF(len > 8 * 1024 || !utf8_ok(told.msg, len));
	for (i = 0; i < len; i++)
		BUG_IF((unsigned char)told.msg[i] < 0x20 || told.msg[i] == 0x7f);
	json_decref(claims);

	answer = json_pack("{s:s}", "refresh_token", jwt);
	if (!answer) /* no UTF-8 */
		return 0;
	if (azure_exchange_read(answer, &got, &err)) {
		BUG_IF(got.first.len);
	} else {
		BUG_IF(got.expires_ms <= 0 || strlen(got.first.p) != got.first.len);
		BUG_IF(strncmp(got.first.p, AZURE_ACR_USER ":", strlen(AZURE_ACR_USER) + 1) != 0);
	}
	cloud_secrets_clear(&got);
	json_decref(answer);
	return 0;
}
