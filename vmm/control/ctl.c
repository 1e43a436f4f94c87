// SPDX-License-Identifier: Apache-2.0
/* A QMP client that sends one command. Start reading at ctl_run. */
#include "vmm/control/ctl.h"

#include "vmm/base/array.h"
#include "vmm/base/buffer.h"
#include "vmm/base/json_text.h"
#include "vmm/base/log.h"
#include "vmm/control/qmp_commands.h"
#include "vmm/control/qmp_types.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define USAGE "ctl: say mvmm ctl [--json] PATH COMMAND [ARGUMENT...]"
#define HELP                                                                                       \
	"usage: mvmm ctl [--json] PATH COMMAND [ARGUMENT]...\n"                                    \
	"Sends one command to the mvmm whose --qmp socket is PATH, and prints the answer.\n\n"     \
	"  mvmm ctl vm.qmp info status               a command of HMP, as --monitor has it\n"      \
	"  mvmm ctl vm.qmp device_add driver=virtio-pmem memdev=m\n"                               \
	"                                            one of QMP, if all its arguments are\n"       \
	"                                            NAME=VALUE\n"                                 \
	"  mvmm ctl vm.qmp help                      lists the commands of HMP\n"                  \
	"  mvmm ctl vm.qmp query-commands            lists those of QMP\n\n"                       \
	"--json prints the answer as it came.\n"                                                   \
	"Exit status: 0 done, 1 refused by mvmm, 35 bad usage, 39 no answer.\n"
#define ANSWER_MAX (64u << 20)
#define PATIENCE_SECONDS 30

struct ctl {
	int fd;
	const char *path;
	bool json;
	bool human; /* the command is a line of HMP, for human-monitor-command */
	struct buffer received;
	size_t line_end; /* the end of the line that was read last, behind its newline */
};

static int connect_to(const char *path)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int send_text(const struct ctl *ctl, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(ctl->fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The next line as JSON, the caller's. -EBADMSG if it is not JSON, -ECONNRESET at the end. */
static int read_line(struct ctl *ctl, json_t **ret_value)
{
	struct buffer *in = &ctl->received;
	const char *end = NULL;
	char bytes[4096];
	struct error err;

	if (ctl->line_end) {
		memmove(in->data, in->data + ctl->line_end, in->len - ctl->line_end);
		in->len -= ctl->line_end;
		ctl->line_end = 0;
	}
	while (!in->len || !(end = memchr(in->data, '\n', in->len))) {
		ssize_t n = recv(ctl->fd, bytes, sizeof(bytes), 0);

		if (n <= 0)
			return n == 0 ? -ECONNRESET : -errno;
		if (buffer_append(in, bytes, (size_t)n) < 0)
			return -EMSGSIZE;
	}
	ctl->line_end = (size_t)(end - in->data) + 1;
	if (json_text_parse(in->data, ctl->line_end - 1, ret_value, &err) < 0)
		return -EBADMSG;
	return 0;
}

/* Reads the next answer, and skips events. */
static int read_answer(struct ctl *ctl, json_t **ret_answer)
{
	for (;;) {
		json_t *value = NULL;
		int ret = read_line(ctl, &value);

		if (ret < 0)
			return ret;
		if (json_object_get(value, "return") || json_object_get(value, "error")) {
			*ret_answer = value;
			return 0;
		}
		json_decref(value);
	}
}

static int send_request(struct ctl *ctl, const char *command, json_t *arguments,
			json_t **ret_answer)
{
	json_t *request = json_pack("{s:s}", "execute", command);
	struct buffer line = { 0 };
	int ret;

	if (arguments)
		json_object_set(request, "arguments", arguments);
	ret = json_text_print(request, &line);
	if (ret == 0)
		ret = send_text(ctl, line.data, line.len);
	if (ret == 0)
		ret = read_answer(ctl, ret_answer);
	buffer_fini(&line);
	json_decref(request);
	return ret;
}

static int negotiate(struct ctl *ctl)
{
	json_t *greeting = NULL, *answer = NULL;
	int ret = read_line(ctl, &greeting);

	if (ret == 0 && !json_object_get(greeting, "QMP"))
		ret = -EBADMSG;
	if (ret == 0)
		ret = send_request(ctl, "qmp_capabilities", NULL, &answer);
	json_decref(greeting);
	json_decref(answer);
	return ret;
}

/* QMP's arguments are name=value. HMP's commands have no '=' or a comma before it. */
static bool is_assignment(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || (len && strchr("-_", text[len]) && text[len]))
		len++;
	return len && text[len] == '=';
}

static bool is_qmp(int argc, char **argv)
{
	if (!qmp_commands_find(argv[0]))
		return false;
	for (int i = 1; i < argc; i++)
		if (!is_assignment(argv[i]))
			return false;
	return true;
}

/* The arguments of a QMP command; NULL with @err set. */
static json_t *qmp_arguments(int argc, char **argv, struct error *err)
{
	const struct qmp_type *type = qmp_types_find(qmp_commands_find(argv[0])->arguments);
	json_t *arguments = json_object();

	for (int i = 1; i < argc; i++) {
		char name[64];
		const char *equals = strchr(argv[i], '=');

		snprintf(name, sizeof(name), "%.*s", (int)(equals - argv[i]), argv[i]);
		if (qmp_types_set(type, arguments, name, equals + 1, err) < 0) {
			json_decref(arguments);
			return NULL;
		}
	}
	return arguments;
}

static json_t *hmp_arguments(int argc, char **argv)
{
	struct buffer line = { 0 };
	json_t *arguments;

	for (int i = 0; i < argc; i++)
		buffer_printf(&line, "%s%s", i ? " " : "", argv[i]);
	arguments = json_pack("{s:o}", "command-line", json_text_string(buffer_text(&line)));
	buffer_fini(&line);
	return arguments;
}

/* HMP reports errors in its text only. */
static bool is_hmp_error(const char *text)
{
	static const char *const starts[] = { "Error: ", "unknown command: " };

	for (unsigned i = 0; i < ARRAY_SIZE(starts); i++)
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			return true;
	return strstr(text, "\r\nTry \"help ") != NULL;
}

static enum ctl_status print_text(const char *text, FILE *out)
{
	bool failed = is_hmp_error(text);

	for (; *text; text++)
		if (*text != '\r')
			fputc(*text, failed ? stderr : out);
	return failed ? CTL_REFUSED : CTL_DONE;
}

static enum ctl_status print_answer(const struct ctl *ctl, const json_t *answer, FILE *out)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *value = json_object_get(answer, "return");
	const char *text = json_string_value(value);

	if (ctl->json) {
		/* As it was received, without the newline. */
		fwrite(ctl->received.data, 1, ctl->line_end - 1, out);
		fputc('\n', out);
		return error || (ctl->human && is_hmp_error(text ? text : "")) ? CTL_REFUSED
									       : CTL_DONE;
	}
	if (error) {
		text = json_string_value(json_object_get(error, "desc"));
		log_error("ctl: %s",
			  text ? text : "mvmm answered with an error that has no description");
		return CTL_REFUSED;
	}
	if (text)
		return print_text(text, out);
	if (!json_is_object(value) || json_object_size(value)) {
		json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
		fputc('\n', out);
	}
	return CTL_DONE;
}

static enum ctl_status no_answer(const struct ctl *ctl, int error)
{
	if (error == -EBADMSG)
		log_error("ctl: %s: the answer is not QMP; give the path of --qmp", ctl->path);
	else if (error == -EAGAIN)
		log_error("ctl: %s: no answer in %d seconds", ctl->path, PATIENCE_SECONDS);
	else
		log_error("ctl: %s: %s", ctl->path,
			  error == -ECONNRESET ? "the other side ended the connection"
					       : strerror(-error));
	return CTL_NO_ANSWER;
}

/* How long a save takes nobody knows; mvmm answers others meanwhile. */
static void be_patient(const struct ctl *ctl, const char *command)
{
	static const char *const jobs[] = { "vm-save", "vm-reset", "save", "vm_reset" };
	const struct timeval forever = { 0 };

	const size_t len = strcspn(command, " ");

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		if (strlen(jobs[i]) == len && strncmp(command, jobs[i], len) == 0)
			setsockopt(ctl->fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
}

/* @word: the command's own name, which for HMP is in the arguments. */
static enum ctl_status send_command(struct ctl *ctl, const char *word, json_t *arguments, FILE *out)
{
	const char *command = ctl->human ? "human-monitor-command" : word;
	enum ctl_status status;
	json_t *answer = NULL;
	int ret = negotiate(ctl);

	be_patient(ctl, word);
	if (ret == 0)
		ret = send_request(ctl, command, arguments, &answer);
	status = ret == 0 ? print_answer(ctl, answer, out) : no_answer(ctl, ret);
	json_decref(answer);
	return status;
}

/* @argv: the path, then the command. */
static enum ctl_status run_command(struct ctl *ctl, int argc, char **argv, FILE *out)
{
	enum ctl_status status;
	struct error err = { 0 };
	json_t *arguments;

	ctl->path = argv[0];
	ctl->human = !is_qmp(argc - 1, argv + 1);
	arguments = ctl->human ? hmp_arguments(argc - 1, argv + 1)
			       : qmp_arguments(argc - 1, argv + 1, &err);
	if (!arguments) {
		log_error("ctl: %s", err.text);
		return CTL_USAGE;
	}
	ctl->fd = connect_to(ctl->path);
	if (ctl->fd >= 0) {
		status = send_command(ctl, argv[1], arguments, out);
		close(ctl->fd);
	} else {
		log_error("ctl: %s: cannot connect: %s", ctl->path, strerror(-ctl->fd));
		status = CTL_NO_ANSWER;
	}
	json_decref(arguments);
	return status;
}

enum ctl_status ctl_run(int argc, char **argv, FILE *out)
{
	struct ctl ctl = { .received.limit = ANSWER_MAX };
	enum ctl_status status;

	if (argc && strcmp(argv[0], "--json") == 0) {
		ctl.json = true;
		argc--;
		argv++;
	}
	if (argc == 1 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		fputs(HELP, out);
		return CTL_DONE;
	}
	if (argc < 2 || argv[0][0] == '-' || !argv[1][0]) {
		log_error(USAGE);
		return CTL_USAGE;
	}
	status = run_command(&ctl, argc, argv, out);
	buffer_fini(&ctl.received);
	if (fflush(out) != 0 && status == CTL_DONE) {
		log_error("ctl: cannot write the answer: %s", strerror(errno));
		status = CTL_NO_ANSWER;
	}
	return status;
}
