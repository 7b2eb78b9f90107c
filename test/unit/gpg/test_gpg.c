/* Signatures of OpenPGP, with GnuPG itself on the other side. */
#include "gpg/gpg.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "gpg/armor.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_gpg(void);

#define DATA "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nmessage\n"

static char dir[] = "/tmp/test-gpg-XXXXXX";
static struct loop *loop;

static int sh(const char *script)
{
	auto_free char *all = mem_printf("export D=%s GNUPGHOME=%s/h; cd $D && { %s; } "
					 ">/dev/null 2>&1",
		dir, dir, script);

	return system(all);
}

/*
 * Keys: one, other (also a subkey that signs), locked (passphrase "some words"), old (expired),
 * dead (revoked). Each as NAME.pub, NAME.sec and with a signature of the data, NAME.sig.
 */
static void keys_make(void)
{
	static const char make[] =
		"mkdir -m 700 h home"
		" && gpg() { command gpg --batch --pinentry-mode loopback --passphrase '' \"$@\"; }"
		" && gpg --quick-gen-key 'one <one@x>' ed25519 sign never"
		" && gpg --quick-gen-key 'other <other@x>' rsa2048 sign never"
		" && gpg --quick-add-key $(gpg --with-colons -k other@x | awk -F: '/^fpr/ {print "
		"$10; "
		"exit}') ed25519 sign never"
		" && command gpg --batch --pinentry-mode loopback --passphrase 'some words' "
		"--quick-gen-key 'locked <locked@x>' nistp256 sign never"
		" && gpg --faked-system-time 20200101T000000! --quick-gen-key 'old <old@x>' "
		"ed25519 "
		"sign 1d"
		" && gpg --quick-gen-key 'dead <dead@x>' ed25519 sign never"
		" && printf '%s' \"$DATA\" >data"
		" && for k in one other locked old dead; do p=; [ $k != locked ] || p='some "
		"words'; t=;"
		" [ $k != old ] || t='--faked-system-time 20200101T000001!';"
		" command gpg --batch --pinentry-mode loopback --passphrase \"$p\" --armor -o "
		"$k.sec "
		"--export-secret-keys $k@x && command gpg --batch $t --pinentry-mode loopback "
		"--passphrase \"$p\" -u $k@x --armor -o $k.sig --detach-sign data || exit 1; done"
		" && sed 's/^:---/---/' h/openpgp-revocs.d/$(gpg --with-colons -k dead@x | awk -F: "
		"'/^fpr/ {print $10; exit}').rev | gpg --import"
		" && for k in one other locked old dead; do gpg --armor -o $k.pub --export $k@x; "
		"done"
		" && gpg -u one@x --armor --digest-algo SHA1 -o sha1.sig --detach-sign data"
		" && gpg -u one@x -u other@x --armor -o two.sig --detach-sign data"
		" && gpg -u one@x --armor -o whole.asc --sign data"
		" && cat one.pub other.pub >both.pub && cat one.sec other.sec >both.sec"
		" && gpg --with-colons -k one@x | awk -F: '/^pub/ {print $5}' >one.id"
		" && gpg --with-colons -k other@x | awk -F: '/^pub/ {print $5}' >other.id"
		" && gpgconf --kill all";

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	setenv("DATA", DATA, 1);
	ck_assert_int_eq(sh(make), 0);
}

static void keys_remove(void)
{
	ck_assert_int_eq(sh("rm -rf $D"), 0);
}

static void setup(void)
{
	loop = loop_new();
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* as the first process of a container */
}

static bool no_child_is_left(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static unsigned homes(void)
{
	auto_free char *path = mem_printf("%s/home", dir);
	DIR *d = opendir(path);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void teardown(void)
{
	ck_assert_int_eq(loop_free(loop), 0);
	ck_assert(no_child_is_left());
	ck_assert_uint_eq(homes(), 0);
}

static void file_read(const char *name, struct buf *b)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);
	struct err err = {0};

	buf_init(b, 1 << 20);
	ck_assert_msg(!sys_read_file(AT_FDCWD, path, b, &err), "%s", err.msg);
}

static void wait_for(struct op *op)
{
	while (!op->done)
		loop_turn(loop, true);
}

/* ---- verification: GR-11 --------------------------------------------------------------------- */

static struct op *verify_start(const char *keys, const char *sig, const char *data)
{
	struct gpg_key_text key = {.name = "author.asc"};
	struct buf k, s;
	struct op *op;

	file_read(keys, &k);
	file_read(sig, &s);
	key.p = k.p;
	key.len = k.len;
	op = gpg_verify_start(loop,
		&(struct gpg_verify_req){.keys = &key,
			.n_keys = 1,
			.data = data,
			.data_len = strlen(data),
			.signature = buf_str(&s),
			.signature_len = s.len});
	buf_clear(&k);
	buf_clear(&s);
	return op;
}

static const struct {
	const char *keys, *sig, *data, *id, *why;
} CHECKS[] = {
	{"one.pub", "one.sig", DATA, "one.id", ""},
	{"both.pub", "one.sig", DATA, "one.id", ""},
	/* A subkey has signed: the primary one is told. */
	{"other.pub", "other.sig", DATA, "other.id", ""},
	{"other.pub", "one.sig", DATA, NULL,
		"it is by the key '*', which is none of the given ones"},
	{"one.pub", "one.sig", "other data", NULL,
		"it is not a signature of this content by the key '*'"},
	{"old.pub", "old.sig", DATA, NULL, "its key '*' has expired"},
	{"dead.pub", "dead.sig", DATA, NULL, "its key '*' was revoked"},
	{"one.pub", "sha1.sig", DATA, NULL, "it was made with a hash that is not taken"},
	{"both.pub", "two.sig", DATA, NULL, "it holds more than one packet"},
	{"one.pub", "whole.asc", DATA, NULL, "it is no OpenPGP signature, or it is broken"},
	{"one.pub", "data", DATA, NULL, "it is no OpenPGP signature, or it is broken"},
};

static void gr_11_pgp_row(int row)
{
	struct op *op = verify_start(CHECKS[row].keys, CHECKS[row].sig, CHECKS[row].data);
	const struct gpg_verify_result *r = gpg_verify_result(op);
	const char *star = strchr(CHECKS[row].why, '*');
	struct buf id;

	wait_for(op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	if (star) { /* an id of 16 digits */
		ck_assert_msg(strlen(r->why) == strlen(CHECKS[row].why) + 15, "%s", r->why);
		ck_assert_int_eq(
			strncmp(r->why, CHECKS[row].why, (size_t)(star - CHECKS[row].why)), 0);
		ck_assert_str_eq(r->why + (star - CHECKS[row].why) + 16, star + 1);
	} else {
		ck_assert_str_eq(r->why, CHECKS[row].why);
	}
	ck_assert_int_eq(r->good, CHECKS[row].id != NULL);
	if (CHECKS[row].id) {
		file_read(CHECKS[row].id, &id);
		ck_assert_int_eq(strncmp(r->key_id, id.p, 16), 0);
		buf_clear(&id);
	}
	ck_assert_uint_eq(strlen(r->key_id), r->good ? 16 : 0);
	op_free(op);
}

START_TEST(test_gr_11_pgp)
{
	int i;

	for (i = 0; i < (int)ARRAY_LEN(CHECKS); i++)
		gr_11_pgp_row(i);
}
END_TEST

static const struct {
	const char *keys, *why;
} BAD_KEYS[] = {
	{"data", "the key 'author.asc': it is no PGP PUBLIC KEY BLOCK"},
	{"one.sec", "the key 'author.asc': it holds another block than a PGP PUBLIC KEY BLOCK"},
};

static void bad_keys_row(int row)
{
	struct op *op = verify_start(BAD_KEYS[row].keys, "one.sig", DATA);

	wait_for(op);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_int_eq(op->err.code, GPG_BAD_KEY);
	ck_assert_str_eq(op->err.msg, BAD_KEYS[row].why);
	op_free(op);
}

START_TEST(test_bad_keys)
{
	int i;

	for (i = 0; i < (int)ARRAY_LEN(BAD_KEYS); i++)
		bad_keys_row(i);
}
END_TEST

START_TEST(test_no_key)
{
	struct op *op;
	struct buf s;

	file_read("one.sig", &s);
	op = gpg_verify_start(loop,
		&(struct gpg_verify_req){
			.data = "x", .data_len = 1, .signature = s.p, .signature_len = s.len});
	wait_for(op);
	ck_assert(!gpg_verify_result(op)->good);
	ck_assert_str_eq(gpg_verify_result(op)->why, "there is no key to check it with");
	op_free(op);
	buf_clear(&s);
}
END_TEST

START_TEST(test_verify_cancel)
{
	struct op *op = verify_start("one.pub", "one.sig", DATA);

	op_cancel(op);
	wait_for(op);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	ck_assert(!gpg_verify_result(op)->good);
	op_free(op);
}
END_TEST

/* ---- signing: IU-16 -------------------------------------------------------------------------- */

static struct op *sign_start(const char *key, const char *passphrase)
{
	auto_free char *folder = mem_printf("%s/home", dir);
	auto_secret struct secret pass = {0};
	struct op *op;
	struct buf k;

	file_read(key, &k);
	if (passphrase)
		secret_set(&pass, passphrase, strlen(passphrase));
	op = gpg_sign_start(loop,
		&(struct gpg_sign_req){.folder = folder,
			.key = k.p,
			.key_len = k.len,
			.passphrase = &pass,
			.data = DATA,
			.data_len = strlen(DATA)});
	buf_clear(&k);
	return op;
}

static const struct {
	const char *key, *pass, *pub;
	int code;
	const char *why;
} SIGNS[] = {
	{"one.sec", NULL, "one.pub", 0, NULL},
	{"one.sec", "not needed", "one.pub", 0, NULL},
	{"locked.sec", "some words", "locked.pub", 0, NULL},
	{"other.sec", NULL, "other.pub", 0, NULL},
	{"locked.sec", NULL, NULL, GPG_NO_PASSPHRASE,
		"the signing key has a passphrase and none is given"},
	{"locked.sec", "other words", NULL, GPG_WRONG_PASSPHRASE,
		"the passphrase of the signing key is wrong"},
	{"both.sec", NULL, NULL, GPG_BAD_KEY,
		"the signing key: it holds 2 keys; one secret key is taken"},
	{"one.pub", NULL, NULL, GPG_BAD_KEY,
		"the signing key: it holds another block than a PGP PRIVATE KEY BLOCK"},
	{"data", NULL, NULL, GPG_BAD_KEY, "the signing key: it is no PGP PRIVATE KEY BLOCK"},
};

static void iu_16_row(int row)
{
	struct op *op = sign_start(SIGNS[row].key, SIGNS[row].pass), *check;
	auto_free char *name = mem_printf("%s/ours.sig", dir);
	struct err err = {0};

	wait_for(op);
	if (SIGNS[row].why) {
		ck_assert_int_eq(op->err.kind, ERR_RETRY);
		ck_assert_str_eq(op->err.msg, SIGNS[row].why);
		ck_assert_int_eq(op->err.code, SIGNS[row].code);
		op_free(op);
		return;
	}
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	ck_assert(!sys_write_file(AT_FDCWD, name, gpg_sign_result(op)->p, gpg_sign_result(op)->len,
		0600, false, &err));
	op_free(op);
	check = verify_start(SIGNS[row].pub, "ours.sig", DATA);
	wait_for(check);
	ck_assert_str_eq(gpg_verify_result(check)->why, "");
	ck_assert(gpg_verify_result(check)->good);
	op_free(check);
	ck_assert_int_eq(sh("gpg --batch --verify ours.sig data"), 0);
}

START_TEST(test_iu_16)
{
	int i;

	for (i = 0; i < (int)ARRAY_LEN(SIGNS); i++)
		iu_16_row(i);
}
END_TEST

START_TEST(test_expired_key_does_not_sign)
{
	struct op *op = sign_start("old.sec", NULL);

	wait_for(op);
	ck_assert_int_eq(op->err.code, GPG_BAD_KEY);
	ck_assert_ptr_nonnull(strstr(op->err.msg, "gpg cannot sign with the key: "));
	op_free(op);
}
END_TEST

/* After so many turns of the loop: in each step, and while gpg runs. */
START_TEST(test_sign_cancel)
{
	struct op *op = sign_start("locked.sec", "some words");
	int i;

	for (i = 0; i < _i && !op->done; i++)
		loop_turn(loop, true);
	op_cancel(op);
	wait_for(op);
	op_free(op);
}
END_TEST

START_TEST(test_sign_deadline)
{
	struct op *op;

	clock_fake(1000000);
	op = sign_start("one.sec", NULL);
	loop_turn(loop, true);
	loop_test_advance(loop, 3600000);
	while (!op->done) {
		loop_turn(loop, true);
		loop_test_advance(loop, 3600000);
	}
	ck_assert_int_eq(op->err.code, GPG_NOT_RUN);
	op_free(op);
}
END_TEST

START_TEST(test_path_too_long)
{
	auto_free char *folder = mem_printf("%s/home/%080d", dir, 1);
	struct op *op;
	struct buf k;

	file_read("one.sec", &k);
	op = gpg_sign_start(
		loop, &(struct gpg_sign_req){.folder = folder, .key = k.p, .key_len = k.len});
	wait_for(op);
	ck_assert_ptr_nonnull(strstr(op->err.msg, "is too long: the sockets in it have room for"));
	op_free(op);
	buf_clear(&k);
}
END_TEST

START_TEST(test_sweep)
{
	auto_free char *folder = mem_printf("%s/home", dir), *none = mem_printf("%s/none", dir);
	auto_free char *kept = mem_printf("%s/home/kept", dir);

	ck_assert_int_eq(sh("mkdir -p home/gpg-1/private-keys-v1.d home/gpg-2 home/kept && echo x "
			    ">home/gpg-1/private-keys-v1.d/k && ln -s /etc home/gpg-2/link"),
		0);
	gpg_sweep(folder);
	gpg_sweep(none);
	ck_assert_uint_eq(homes(), 1);
	ck_assert_int_eq(rmdir(kept), 0);
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0);
}
END_TEST

/* ---- armor ----------------------------------------------------------------------------------- */

static const struct {
	const char *text, *bytes; /* NULL: refused */
} ARMORS[] = {
	{"-----BEGIN PGP SIGNATURE-----\n\nYWJj\n-----END PGP SIGNATURE-----\n", "abc"},
	{"-----BEGIN PGP SIGNATURE-----\r\n\r\nYWJj\r\n-----END PGP SIGNATURE-----", "abc"},
	{"-----BEGIN PGP SIGNATURE-----\nVersion: 1\nComment: x\n \nYW\nJj\n=AAAA\n-----END PGP "
	 "SIGNATURE-----\n",
		"abc"},
	{"text\n-----BEGIN PGP SIGNATURE-----\n\nYWJj\n-----END PGP "
	 "SIGNATURE-----\ntext\n-----BEGIN "
	 "PGP SIGNATURE-----\n\nYWJj\n-----END PGP SIGNATURE-----\n",
		"abcabc"},
	{"-----BEGIN PGP SIGNATURE-----\nYWJj\n-----END PGP SIGNATURE-----\n", NULL},
	{"-----BEGIN PGP SIGNATURE-----\n\nYWJj\n", NULL},
	{"-----BEGIN PGP SIGNATURE-----\n\nYWJj\n\n-----END PGP SIGNATURE-----\n", NULL},
	{"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", NULL},
	{"-----BEGIN PGP SIGNATURE-----\n\nYWJ\n-----END PGP SIGNATURE-----\n", NULL},
	{"-----BEGIN PGP SIGNATURE-----\n\n=AAAA\nYWJj\n-----END PGP SIGNATURE-----\n", NULL},
	{"-----BEGIN PGP SIGNATURE-----\n\nYWJj\n-----END PGP MESSAGE-----\n", NULL},
	{"-----BEGIN PGP MESSAGE-----\n\nYWJj\n-----END PGP MESSAGE-----\n", NULL},
	{" -----BEGIN PGP SIGNATURE-----\n\nYWJj\n-----END PGP SIGNATURE-----\n", NULL},
	{"-----BEGIN PGP SIGNATURE-----", NULL},
	{"", NULL},
};

static void armor_row(int row)
{
	auto_buf struct buf b = BUF_INIT(100);
	struct err err = {0};
	int rc = gpg_dearmor(&b, ARMORS[row].text, strlen(ARMORS[row].text), GPG_SIGNATURE, &err);

	ck_assert_int_eq(rc, ARMORS[row].bytes ? 0 : -1);
	if (!rc)
		ck_assert_str_eq(buf_str(&b), ARMORS[row].bytes);
	else
		ck_assert_ptr_nonnull(strstr(err.msg, "PGP SIGNATURE"));
}

START_TEST(test_armor)
{
	int i;

	for (i = 0; i < (int)ARRAY_LEN(ARMORS); i++)
		armor_row(i);
}
END_TEST

static const struct {
	const char *bytes;
	size_t n;
	unsigned packets, first;
} PACKETS[] = {
	{"\x88\x01x", 3, 1, 2}, /* old form, one octet of length */
	{"\x89\x00\x01x\x98\x00", 6, 2, 2},
	{"\x8a\x00\x00\x00\x01x", 6, 1, 2},
	{"\xc6\x01x", 3, 1, 6}, /* new form */
	{"\xc5\xff\x00\x00\x00\x01x", 7, 1, 5},
	{"\xc5\xe0x", 3, 0, 0}, /* a part of a length that is not told */
	{"\x8bx", 2, 0, 0},
	{"\x88\x02x", 3, 0, 0},
	{"\x88", 1, 0, 0},
	{"\xc5\xff\x00\x00", 4, 0, 0},
	{"\xc5\xff\xff\xff\xff\xff", 6, 0, 0},
	{"\x08\x01x", 3, 0, 0},
};

static void packets_row(int row)
{
	struct gpg_packets count;
	struct err err = {0};
	int rc = gpg_packets_count(PACKETS[row].bytes, PACKETS[row].n, &count, &err);

	ck_assert_int_eq(rc, PACKETS[row].packets ? 0 : -1);
	if (!rc) {
		ck_assert_uint_eq(count.n, PACKETS[row].packets);
		ck_assert_uint_eq(count.first, PACKETS[row].first);
	}
}

START_TEST(test_packets)
{
	int i;

	for (i = 0; i < (int)ARRAY_LEN(PACKETS); i++)
		packets_row(i);
}
END_TEST

Suite *suite_gpg(void)
{
	Suite *s = suite_create("gpg");
	TCase *t = tcase_create("with programs");

	tcase_add_unchecked_fixture(t, keys_make, keys_remove);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_gr_11_pgp);
	tcase_add_test(t, test_bad_keys);
	tcase_add_test(t, test_no_key);
	tcase_add_test(t, test_verify_cancel);
	tcase_add_test(t, test_iu_16);
	tcase_add_test(t, test_expired_key_does_not_sign);
	tcase_add_loop_test(t, test_sign_cancel, 0, 8);
	tcase_add_test(t, test_sign_deadline);
	tcase_add_test(t, test_path_too_long);
	tcase_add_test(t, test_sweep);
	suite_add_tcase(s, t);
	t = tcase_create("armor");
	tcase_add_test(t, test_armor);
	tcase_add_test(t, test_packets);
	suite_add_tcase(s, t);
	return s;
}
