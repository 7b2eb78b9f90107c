/* Keys and signatures of ssh, held to ssh-keygen in both directions. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/sys.h"
#include "crypto/bcrypt_pbkdf.h"
#include "crypto/ssh_key.h"
#include "crypto/ssh_sig.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_ssh(void);

#define DATA "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nmessage\n"

static char dir[] = "/tmp/test-ssh-XXXXXX";

/* `sh -c` with the folder of the test as $D. */
static int sh(const char *script)
{
	auto_free char *all = mem_printf("D=%s; cd $D && { %s; } >/dev/null 2>&1", dir, script);

	return system(all); /* NOLINT: of the test's own */
}

static void setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	ck_assert_int_eq(sh("rm -rf \"$D\""), 0);
}

static void file_read(const char *name, struct buf *b)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);
	struct err err = {0};

	buf_init(b, 1 << 20);
	ck_assert_msg(!sys_read_file(AT_FDCWD, path, b, &err), "%s", err.msg);
}

static void file_write(const char *name, const void *p, size_t n)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);
	struct err err = {0};

	ck_assert(!sys_write_file(AT_FDCWD, path, p, n, 0600, false, &err));
}

static int key_read(struct ssh_key **key, const char *name, const char *pass, struct err *err)
{
	auto_secret struct secret s = {0};
	struct buf b;
	int rc;

	if (pass)
		secret_set(&s, pass, strlen(pass));
	file_read(name, &b);
	rc = ssh_key_parse(key, b.p, b.len, &s, NULL, err);
	buf_clear(&b);
	return rc;
}

/* ---- bcrypt_pbkdf ---------------------------------------------------------------------------- */

/* A vector that other implementations have among their tests. */
START_TEST(test_bcrypt)
{
	static const unsigned char want[32] = {0x5b, 0xbf, 0x0c, 0xc2, 0x93, 0x58, 0x7f, 0x1c, 0x36,
		0x35, 0x55, 0x5c, 0x27, 0x79, 0x65, 0x98, 0xd4, 0x7e, 0x57, 0x90, 0x71, 0xbf, 0x42,
		0x7e, 0x9d, 0x8f, 0xbe, 0x84, 0x2a, 0xba, 0x34, 0xd9};
	atomic_bool stop = true;
	unsigned char got[32];

	ck_assert_int_eq(bcrypt_pbkdf("password", 8, "salt", 4, 4, got, 32, NULL), 0);
	ck_assert_mem_eq(got, want, 32);
	ck_assert_int_eq(bcrypt_pbkdf("password", 8, "salt", 4, 4, got, 32, &stop), -1);
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */

static const struct {
	const char *make; /* the file k, and k.pub */
	const char *pass;
} KEYS[] = {
	{"ssh-keygen -q -t ed25519 -N '' -f k", NULL},
	{"ssh-keygen -q -t ecdsa -b 256 -N '' -f k", NULL},
	{"ssh-keygen -q -t ecdsa -b 384 -N '' -f k", NULL},
	{"ssh-keygen -q -t ecdsa -b 521 -N '' -f k", NULL},
	{"ssh-keygen -q -t rsa -b 2048 -N '' -f k", NULL},
	{"ssh-keygen -q -t ed25519 -a 2 -N 'some words' -f k", "some words"},
	{"ssh-keygen -q -t ed25519 -a 2 -Z aes256-cbc -N 'some words' -f k", "some words"},
	{"ssh-keygen -q -t ed25519 -a 2 -Z aes256-gcm@openssh.com -N 'some words' -f k",
		"some words"},
	{"ssh-keygen -q -t rsa -b 2048 -a 2 -N 'some words' -f k", "some words"},
	{"ssh-keygen -q -t rsa -b 2048 -m PEM -N 'some words' -f k", "some words"},
	{"ssh-keygen -q -t ecdsa -m PEM -N '' -f k", NULL},
	{"ssh-keygen -q -t ecdsa -m PKCS8 -N 'some words' -f k", "some words"},
	{"openssl ecparam -genkey -name prime256v1 -out k && ssh-keygen -y -f k >k.pub", NULL},
	{"openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -aes256 -pass pass:w -out k"
	 " && openssl rsa -in k -passin pass:w -traditional -out p && ssh-keygen -y -f p >k.pub",
		"w"},
	{"openssl ecparam -genkey -name prime256v1 -conv_form compressed -noout -out k"
	 " && openssl ec -in k -conv_form uncompressed -out p && ssh-keygen -y -f p >k.pub",
		NULL},
};

/* Without its passphrase, and with another one (GR-16). */
static void wrong_passphrases(void)
{
	struct ssh_key *key = NULL;
	struct err err = {0};

	ck_assert_int_eq(key_read(&key, "k", NULL, &err), -1);
	ck_assert_int_eq(err.code, SSH_KEY_NO_PASSPHRASE);
	ck_assert_str_eq(err.msg, "the private key is encrypted and there is no passphrase");
	ck_assert_int_eq(key_read(&key, "k", "other words", &err), -1);
	ck_assert_int_eq(err.code, SSH_KEY_WRONG_PASSPHRASE);
	ck_assert_str_eq(err.msg, "the passphrase of the private key is wrong");
	ck_assert_ptr_null(key);
}

/* A signature of ours is good for ssh-keygen, and one of ssh-keygen's for us (IU-17, GR-11); and
   what we write of a key, without its passphrase, is the same key for ssh. */
START_TEST(test_sign_and_verify)
{
	struct ssh_signers *who = ssh_signers_new();
	char fingerprint[SSH_FINGERPRINT_MAX];
	auto_buf struct buf sig = BUF_INIT(1 << 16), plain = BUF_INIT(1 << 16);
	struct buf pub, theirs;
	struct ssh_key *key;
	struct err err = {0};

	file_write("data", DATA, strlen(DATA));
	ck_assert_int_eq(sh(KEYS[_i].make), 0);
	if (KEYS[_i].pass)
		wrong_passphrases();
	ck_assert_msg(!key_read(&key, "k", KEYS[_i].pass, &err), "%s", err.msg);
	ck_assert(!ssh_sig_sign(&sig, key, "git", DATA, strlen(DATA), &err));
	ck_assert(ssh_sig_is(sig.p, sig.len));
	file_write("sig", sig.p, sig.len);
	file_read("k.pub", &pub);
	ck_assert(!ssh_signers_add(who, pub.p, pub.len, &err));
	ck_assert(
		!ssh_sig_verify(who, sig.p, sig.len, "git", DATA, strlen(DATA), fingerprint, &err));
	ck_assert(!ssh_key_write(key, &plain));
	file_write("plain", plain.p, plain.len);
	file_write("fp", fingerprint, strlen(fingerprint));
	ck_assert_int_eq(sh("echo \"me $(cut -d ' ' -f 1,2 k.pub)\" >allowed && ssh-keygen -Y "
			    "verify -f allowed -I me -n git -s sig <data && ssh-keygen -Y sign -f "
			    "plain -n git data && ssh-keygen -l -f k.pub | grep -qF \" $(cat fp) "
			    "\""),
		0);
	file_read("data.sig", &theirs);
	ck_assert(!ssh_sig_verify(
		who, theirs.p, theirs.len, "git", DATA, strlen(DATA), fingerprint, &err));
	ssh_key_free(key);
	ssh_signers_free(who);
	buf_clear(&pub);
	buf_clear(&theirs);
}
END_TEST

/* What nobody needs is not looked at. */
START_TEST(test_passphrase_of_none)
{
	struct ssh_key *key;
	struct err err = {0};

	ck_assert_int_eq(sh(KEYS[0].make), 0);
	ck_assert_int_eq(key_read(&key, "k", "words", &err), 0);
	ssh_key_free(key);
}
END_TEST

static const struct {
	const char *make, *why;
} REFUSED[] = {
	{"echo nothing >k", "it is no private key in PEM, or it is broken"},
	{": >k", "it is empty"},
	{"ssh-keygen -q -t ed25519 -N '' -f o && cp o.pub k",
		"it is no private key in PEM, or it is broken"},
	{"ssh-keygen -q -t ed25519 -N '' -f o && head -n 3 o >k", "the private key is broken"},
	{"ssh-keygen -q -t ed25519 -N '' -f o && sed '3s/^..../AAAA/' o >k",
		"the private key is broken"},
	{"openssl ecparam -genkey -name secp256k1 -noout -out k",
		"the private key is of a kind or size that is not taken: Ed25519, ECDSA on P-256, "
		"P-384 and P-521, and RSA of 1024 to 8192 bits are"},
	{"openssl genpkey -algorithm x25519 -out k",
		"the private key is of a kind or size that is not taken: Ed25519, ECDSA on P-256, "
		"P-384 and P-521, and RSA of 1024 to 8192 bits are"},
	{"openssl req -x509 -newkey rsa:2048 -nodes -keyout o -out k -subj /CN=x",
		"it is a PEM block 'CERTIFICATE', and no private key of a form that is taken"},
	{"openssl genpkey -algorithm ed25519 | openssl pkcs8 -topk8 -iter 2000000 -passout pass:w "
	 "-out k",
		"the private key is encrypted in a way that is not taken, or that takes too long"},
};

static void refused_row(int row)
{
	struct ssh_key *key = NULL;
	struct err err = {0};

	ck_assert_int_eq(sh("rm -f *"), 0);
	ck_assert_int_eq(sh(REFUSED[row].make), 0);
	ck_assert_int_eq(key_read(&key, "k", "w", &err), -1);
	ck_assert_int_eq(err.code, SSH_KEY_BROKEN);
	ck_assert_str_eq(err.msg, REFUSED[row].why);
}

START_TEST(test_refused)
{
	int i;

	for (i = 0; i < (int)ARRAY_LEN(REFUSED); i++)
		refused_row(i);
}
END_TEST

/* More rounds than anybody would wait for: an hour, here. */
START_TEST(test_too_many_rounds)
{
	struct ssh_key *key = NULL;
	struct err err = {0};

	/* The number stands behind the salt: openssh-key-v1, cipher, kdf, options. */
	ck_assert_int_eq(sh("ssh-keygen -q -t ed25519 -a 2 -N w -f o && { head -n 1 o; sed "
			    "'1d;$d' o | base64 -d | python3 -c 'import sys; d = "
			    "sys.stdin.buffer.read(); i = d.index(b\"bcrypt\") + 6 + 4 + 4 + 16; "
			    "sys.stdout.buffer.write(d[:i] + bytes([0, 15, 0, 0]) + d[i + 4:])' | "
			    "base64; tail -n 1 o; } >k"),
		0);
	ck_assert_int_eq(key_read(&key, "k", "w", &err), -1);
	ck_assert_str_eq(
		err.msg, "the private key is encrypted with 983040 rounds, more than 1024");
}
END_TEST

/* IU-17: an RSA key of 1024 bits logs in, and does not sign. */
START_TEST(test_iu_17_rsa_1024)
{
	auto_buf struct buf sig = BUF_INIT(1 << 16);
	struct ssh_key *key = NULL;
	struct err err = {0};

	ck_assert_int_eq(sh("ssh-keygen -q -t rsa -b 1024 -N '' -f k"), 0);
	ck_assert_msg(!key_read(&key, "k", NULL, &err), "%s", err.msg);
	ck_assert_int_eq(ssh_sig_sign(&sig, key, "git", "x", 1, &err), -1);
	ck_assert_str_eq(err.msg, "it is an RSA key of 1024 bits; signing takes 2048 and more");
	ck_assert_uint_eq(sig.len, 0);
	ssh_key_free(key);
}
END_TEST

/* ---- signatures ------------------------------------------------------------------------------ */

static void verify_fails(const struct ssh_signers *who, const char *sig, size_t len,
	const char *name_space, const char *data, int code, const char *why)
{
	char fingerprint[SSH_FINGERPRINT_MAX];
	struct err err = {0};

	ck_assert_int_eq(
		ssh_sig_verify(who, sig, len, name_space, data, strlen(data), fingerprint, &err),
		-1);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.msg, why) != NULL, "'%s' has no '%s'", err.msg, why);
}

START_TEST(test_gr_11_ssh)
{
	struct ssh_signers *who = ssh_signers_new(), *others = ssh_signers_new();
	struct buf pub, other, sig, small;
	struct err err = {0};

	ck_assert_int_eq(sh("ssh-keygen -q -t ed25519 -N '' -f k; ssh-keygen -q -t ed25519 -N '' "
			    "-f o; ssh-keygen -q -t rsa -b 1024 -N '' -f small; printf signed "
			    ">data; cp data d2; ssh-keygen -Y sign -f k -n git data && ssh-keygen "
			    "-Y sign -f small -n git d2"),
		0);
	file_read("k.pub", &pub);
	file_read("o.pub", &other);
	file_read("data.sig", &sig);
	file_read("d2.sig", &small);
	ck_assert(!ssh_signers_add(who, pub.p, pub.len, &err));
	ck_assert(!ssh_signers_add(others, other.p, other.len, &err));
	verify_fails(others, sig.p, sig.len, "git", "signed", SSH_SIG_STRANGER,
		"which is none of the given ones");
	verify_fails(who, sig.p, sig.len, "git", "other", SSH_SIG_WRONG,
		"it is not a signature of this content by the key 'SHA256:");
	verify_fails(who, sig.p, sig.len, "file", "signed", SSH_SIG_WRONG,
		"it was made for another purpose than 'file'");
	verify_fails(who, sig.p, sig.len - 10, "git", "signed", SSH_SIG_BROKEN, "broken");
	verify_fails(who, small.p, small.len, "git", "signed", SSH_SIG_BROKEN,
		"it is by an RSA key of 1024 bits; 2048 and more are taken");
	verify_fails(who, "", 0, "git", "signed", SSH_SIG_BROKEN, "it is no ssh signature");
	buf_addc(&sig, 'x');
	verify_fails(who, sig.p, sig.len, "git", "signed", SSH_SIG_BROKEN, "broken");
	ssh_signers_free(who);
	ssh_signers_free(others);
	buf_clear(&pub);
	buf_clear(&other);
	buf_clear(&sig);
	buf_clear(&small);
}
END_TEST

/* Each byte of a signature counts: no bit of it may be another one. */
START_TEST(test_each_bit)
{
	struct ssh_signers *who = ssh_signers_new();
	char fingerprint[SSH_FINGERPRINT_MAX];
	struct buf pub, sig;
	struct err err = {0};
	size_t i, body;

	ck_assert_int_eq(sh("ssh-keygen -q -t ed25519 -N '' -f k; printf signed >data; "
			    "ssh-keygen -Y sign -f k -n git data"),
		0);
	file_read("k.pub", &pub);
	file_read("data.sig", &sig);
	ck_assert(!ssh_signers_add(who, pub.p, pub.len, &err));
	body = (size_t)(strchr(sig.p, '\n') - sig.p);
	for (i = body; i < sig.len - 30; i++) {
		char was = sig.p[i];

		if (was == '\n' || was == '=')
			continue;
		sig.p[i] = was == 'A' ? 'B' : 'A';
		ck_assert_int_eq(
			ssh_sig_verify(who, sig.p, sig.len, "git", "signed", 6, fingerprint, &err),
			-1);
		sig.p[i] = was;
	}
	ck_assert_int_eq(
		ssh_sig_verify(who, sig.p, sig.len, "git", "signed", 6, fingerprint, &err), 0);
	ssh_signers_free(who);
	buf_clear(&pub);
	buf_clear(&sig);
}
END_TEST

/* Lines of authorized_keys. The key is that of PROTOCOL.sshsig's smallest example: any will do. */
#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIJxQF2E1Zz0bq3Jr1f3Ot4Vm2vY3j3Y3l1V0b6GqV0Zl"

static const struct {
	const char *text;
	bool taken;
} LINES[] = {
	{"ssh-ed25519 " KEY, true},
	{"ssh-ed25519 " KEY " somebody@example.com\n", true},
	{"# a comment\n\n  ssh-ed25519\t" KEY " somebody\r\n", true},
	{"no-pty,command=\"echo \\\"a b\\\"\" ssh-ed25519 " KEY, true},
	{"command=\"cert-authority\" ssh-ed25519 " KEY, true},
	{"cert-authority ssh-ed25519 " KEY, false},
	{"no-pty,CERT-AUTHORITY ssh-ed25519 " KEY, false},
	{"ssh-rsa " KEY, false},
	{"ssh-ed25519 " KEY "A", false},
	{"ssh-ed25519", false},
	{"ssh-dss AAAA", false},
	{"ssh-ed25519-cert-v01@openssh.com " KEY, false},
	{"#ssh-ed25519 " KEY, false},
	{"", false},
	{"\n\n", false},
	{"\"ssh-ed25519 " KEY, false},
};

static void lines_row(int row)
{
	struct ssh_signers *who = ssh_signers_new();
	struct err err = {0};
	int rc = ssh_signers_add(who, LINES[row].text, strlen(LINES[row].text), &err);

	ck_assert_msg(rc == (LINES[row].taken ? 0 : -1), "%s", LINES[row].text);
	if (rc)
		ck_assert_str_eq(err.msg,
			"it has no line with a public key of a kind that is taken: Ed25519, ECDSA "
			"and RSA are");
	ssh_signers_free(who);
}

START_TEST(test_lines)
{
	int i;

	for (i = 0; i < (int)ARRAY_LEN(LINES); i++)
		lines_row(i);
}
END_TEST

START_TEST(test_many_lines)
{
	struct ssh_signers *who = ssh_signers_new();
	auto_buf struct buf text = BUF_INIT(1 << 20);
	struct err err = {0};
	unsigned i;

	for (i = 0; i < 1000; i++)
		buf_adds(&text, "ssh-ed25519 " KEY "\n");
	ck_assert_int_eq(ssh_signers_add(who, text.p, text.len, &err), 0);
	ck_assert_int_eq(ssh_signers_add(who, text.p, 100, &err), -1);
	ck_assert_str_eq(err.msg, "there are more than 1000 keys");
	ssh_signers_free(who);
}
END_TEST

Suite *suite_ssh(void)
{
	Suite *s = suite_create("ssh");
	TCase *t = tcase_create("ssh");
	int n = (int)ARRAY_LEN(KEYS);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_sign_and_verify, 0, n);
	tcase_add_test(t, test_passphrase_of_none);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_too_many_rounds);
	tcase_add_test(t, test_iu_17_rsa_1024);
	tcase_add_test(t, test_gr_11_ssh);
	tcase_add_test(t, test_each_bit);
	suite_add_tcase(s, t);
	t = tcase_create("without a program");
	tcase_add_test(t, test_bcrypt);
	tcase_add_test(t, test_lines);
	tcase_add_test(t, test_many_lines);
	suite_add_tcase(s, t);
	return s;
}
