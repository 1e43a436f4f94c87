// SPDX-License-Identifier: Apache-2.0
/*
 * Forks a VM as a launcher does, for tests where there is only a shell.
 *
 *     fork-children QMP-SOCKET CHILDREN COMMAND [ARGUMENT]...
 *
 * has the VM make so many children, and becomes COMMAND, which starts them: what the first needs
 * waits in descriptor 3, what the next needs in 4, and so on. Read main from the top.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3
#define CHILDREN_MAX 9

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_FAILURE, "%s: the path is too long", path);
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(EXIT_FAILURE, "%s", path);
	return fd;
}

/* Returns once the request is answered. @passed goes along with it, unless it is negative. */
static void request(int fd, FILE *answers, const char *text, int passed)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec bytes = { (char *)(uintptr_t)text, strlen(text) };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	char line[4096];

	if (passed >= 0) {
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
	}
	if (sendmsg(fd, &message, 0) != (ssize_t)bytes.iov_len)
		err(EXIT_FAILURE, "%s", text);
	do {
		if (!fgets(line, sizeof(line), answers))
			errx(EXIT_FAILURE, "no answer to %s", text);
		if (strstr(line, "\"error\""))
			errx(EXIT_FAILURE, "%s: %s", text, line);
	} while (!strstr(line, "\"return\""));
}

int main(int argc, char **argv)
{
	int count = argc > 3 ? atoi(argv[2]) : 0;
	char names[CHILDREN_MAX * 16] = "", text[256];
	int kept[CHILDREN_MAX], qmp;
	FILE *answers;

	if (count < 1 || count > CHILDREN_MAX)
		errx(EXIT_FAILURE, "usage: fork-children QMP-SOCKET 1..%d COMMAND [ARGUMENT]...",
		     CHILDREN_MAX);
	qmp = connect_to(argv[1]);
	answers = fdopen(qmp, "r");
	if (!answers)
		err(EXIT_FAILURE, "fdopen");
	request(qmp, answers, "{\"execute\":\"qmp_capabilities\"}\n", -1);
	for (int i = 0; i < count; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
			err(EXIT_FAILURE, "socketpair");
		sprintf(text, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"child%d\"}}\n",
			i);
		request(qmp, answers, text, ends[0]);
		sprintf(names + strlen(names), "%s\"child%d\"", i ? "," : "", i);
		/* Out of the way of the numbers that COMMAND knows. */
		kept[i] = fcntl(ends[1], F_DUPFD_CLOEXEC, FIRST_FD + CHILDREN_MAX);
		if (kept[i] < 0)
			err(EXIT_FAILURE, "F_DUPFD_CLOEXEC");
	}
	sprintf(text, "{\"execute\":\"vm-fork\",\"arguments\":{\"fdnames\":[%s]}}\n", names);
	request(qmp, answers, text, -1);
	/* All others are closed by execvp. */
	for (int i = 0; i < count; i++)
		if (dup2(kept[i], FIRST_FD + i) < 0)
			err(EXIT_FAILURE, "dup2");
	execvp(argv[3], argv + 3);
	err(EXIT_FAILURE, "%s", argv[3]);
}
