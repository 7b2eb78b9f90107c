/* What a process says of itself: the families of client_golang's process collector, and ours. */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void cpu_seconds(void *arg, struct metric_out *out)
{
	struct rusage u;

	(void)arg;
	getrusage(RUSAGE_SELF, &u);
	metric_emit(out,
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

/* Field n (from 0) of /proc/self/statm, in bytes. */
static double statm_field(unsigned n)
{
	auto_buf struct buf b = BUF_INIT(4096);
	struct err err;
	char *at;
	double v = 0;

	if (sys_read_file(AT_FDCWD, "/proc/self/statm", &b, &err))
		return NAN;
	for (at = b.p; at && *at; n--) {
		v = strtod(at, &at);
		if (!n)
			break;
	}
	return v * (double)sysconf(_SC_PAGESIZE);
}

static void resident_size(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, statm_field(1));
}

static void virtual_size(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, statm_field(0));
}

static void virtual_limit(void *arg, struct metric_out *out)
{
	struct rlimit r = {.rlim_cur = RLIM_INFINITY};

	(void)arg;
	getrlimit(RLIMIT_AS, &r);
	metric_emit(out, (double)r.rlim_cur); /* without one 2^64, as client_golang has it */
}

/* The nth word (from 0) of a line, or NULL. */
static const char *line_word(const char *line, unsigned n)
{
	for (; n && line; n--) {
		line = strpbrk(line, " \n");
		line = line && *line == ' ' ? line + 1 : NULL;
	}
	return line;
}

/* proc(5), /proc/net/netstat: a line with the names, and one with their values. */
static double netstat_value(const char *name)
{
	auto_buf struct buf b = BUF_INIT(64 * 1024);
	const char *names, *values, *word;
	size_t len = strlen(name);
	struct err err;
	unsigned n;

	if (sys_read_file(AT_FDCWD, "/proc/self/net/netstat", &b, &err))
		return NAN;
	names = strstr(buf_str(&b), "IpExt: ");
	values = names ? strstr(names, "\nIpExt: ") : NULL;
	for (n = 1; values && (word = line_word(names, n)); n++) {
		if (strncmp(word, name, len) || (word[len] != ' ' && word[len] != '\n'))
			continue;
		word = line_word(values + 1, n);
		return word ? strtod(word, NULL) : NAN;
	}
	return NAN;
}

static void network_received(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, netstat_value("InOctets"));
}

static void network_sent(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, netstat_value("OutOctets"));
}

static unsigned dir_entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (d && sys_readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void open_fds(void *arg, struct metric_out *out)
{
	unsigned n = dir_entries("/proc/self/fd");

	(void)arg;
	metric_emit(out, n ? n - 1 : 0); /* the one that reads the directory */
}

static void open_threads(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, dir_entries("/proc/self/task"));
}

static void max_fds(void *arg, struct metric_out *out)
{
	struct rlimit r = {0};

	(void)arg;
	getrlimit(RLIMIT_NOFILE, &r);
	metric_emit(out, r.rlim_cur == RLIM_INFINITY ? INFINITY : (double)r.rlim_cur);
}

/* proc(5): field 22 of /proc/self/stat is the start in clock ticks since boot, "btime" of
   /proc/stat the boot. */
static double start_time(void)
{
	auto_buf struct buf self = BUF_INIT(4096), all = BUF_INIT(16 * 1024 * 1024);
	struct err err;
	const char *p, *boot;
	int i;

	if (sys_read_file(AT_FDCWD, "/proc/self/stat", &self, &err) ||
		sys_read_file(AT_FDCWD, "/proc/stat", &all, &err))
		return NAN;
	p = strrchr(buf_str(&self), ')');
	boot = strstr(buf_str(&all), "\nbtime ");
	for (i = 2; p && i < 22; i++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p || !boot)
		return NAN;
	return strtod(boot + 7, NULL) + strtod(p, NULL) / (double)sysconf(_SC_CLK_TCK);
}

static void process_started(void *arg, struct metric_out *out)
{
	static double at;

	(void)arg;
	if (at == 0)
		at = start_time();
	metric_emit(out, at);
}

static void disk_syncs(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, (double)sys_syncs());
}

void metrics_add_process(struct metrics *m)
{
	static const struct {
		const char *name, *help;
		bool counter;
		void (*fn)(void *arg, struct metric_out *out);
	} all[] = {
		{"process_cpu_seconds_total", "User and system CPU time spent, in seconds.", true,
			cpu_seconds},
		{"process_resident_memory_bytes", "Resident memory size, in bytes.", false,
			resident_size},
		{"process_virtual_memory_bytes", "Virtual memory size, in bytes.", false,
			virtual_size},
		{"process_virtual_memory_max_bytes", "Largest allowed virtual memory, in bytes.",
			false, virtual_limit},
		{"process_open_fds", "Number of open file descriptors.", false, open_fds},
		{"process_max_fds", "Largest allowed number of open file descriptors.", false,
			max_fds},
		{"process_network_receive_bytes_total",
			"Bytes received over IPv4 in the network namespace.", true,
			network_received},
		{"process_network_transmit_bytes_total",
			"Bytes sent over IPv4 in the network namespace.", true, network_sent},
		{"process_start_time_seconds", "Start of the process, in seconds since 1970.",
			false, process_started},
		{"process_threads", "Number of threads.", false, open_threads},
		{"file_syncs_total", "Calls of fsync and fdatasync by the program's own code.",
			true, disk_syncs},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		metric_family_on_scrape(all[i].counter
				? metrics_counter(m, all[i].name, all[i].help, "")
				: metrics_gauge(m, all[i].name, all[i].help, ""),
			all[i].fn, NULL);
}
