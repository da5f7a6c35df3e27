/* SPDX-License-Identifier: MIT */
/* The program bcj2: its commands, their help, and the queue that they work on. It is made of the
   public API only; whatever it can do, another program can do with libbcj2. */
#include "cli.h"
#include "explain.h"
#include "interrupt.h"
#include "out.h"
#include "property.h"
#include "since.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* One that ends now is followed by the next within that time. */
#define ELECTION_MS 50u

static const struct command commands[] = {
    {"upload-reply", "FILE URL", "upload a file, wait, and fetch the server's reply",
     "Uploads FILE to URL, waits while the server application works on it, and fetches its\n"
     "reply to standard output, or to the file named with -o.\n"
     "\n"
     "  -o, --output REPLY              where the reply goes\n"
     "      --detach                    leave it in the queue for \"bcj2 run\", print its id\n"
     "\n"
     "Ctrl-C leaves the job in the queue: it can go on later where it stood. The priority is\n"
     "foreground if none is given, with --detach normal. Options for the job:\n"
     "\n",
     2, 2, TAKES_OUTPUT | TAKES_DETACH | TAKES_PROPERTIES, cmd_upload_reply},
    {"upload", "FILE URL", "upload a file",
     "Uploads FILE to URL and waits for the end.\n"
     "\n"
     "      --detach                    leave it in the queue for \"bcj2 run\", print its id\n"
     "\n"
     "Ctrl-C leaves the job in the queue: it can go on later where it stood. The priority is\n"
     "foreground if none is given, with --detach normal. Options for the job:\n"
     "\n",
     2, 2, TAKES_DETACH | TAKES_PROPERTIES, cmd_upload},
    {"download", "URL FILE", "download a file, or many",
     "Downloads URL, which may also be the name of a file on this machine, into FILE, or all that\n"
     "a list says, as one job. The files appear when all are there, and replace what is there.\n"
     "\n"
     "      --list LIST                 lines of a URL, a space or tab, and a file; -: from\n"
     "                                  standard input\n"
     "      --range A-B,C-              only these bytes, counted from 0, one after another\n"
     "      --detach                    leave it in the queue for \"bcj2 run\", print its id\n"
     "\n"
     "Ctrl-C leaves the job in the queue: it can go on later where it stood. The priority is\n"
     "foreground if none is given, with --detach normal. Options for the job:\n"
     "\n",
     0, 2, TAKES_DETACH | TAKES_PROPERTIES | TAKES_LIST | TAKES_RANGE, cmd_download},
    {"set", "ID NAME VALUE...", "set properties of a job",
     "Sets properties of a job: all of them, or none if a value cannot be read. An empty VALUE\n"
     "takes a file, a pin or all headers away; \"Name:\" takes that header away. FILE may be -, "
     "for\n"
     "standard input, where it holds headers or a password. The properties:\n"
     "\n",
     3, -1, 0, cmd_set},
    {"list", "", "list the jobs of the queue",
     "Lists the jobs of the queue, oldest first: id, state, how much is done, type and name.\n", 0,
     0, 0, cmd_list},
    {"watch", "", "show the jobs of the queue as they change",
     "Shows the jobs of the queue, live, until it gets SIGINT or SIGTERM: on a terminal as a "
     "table,\n"
     "elsewhere as a line for each job that changed. With --json such a line is the job's JSON\n"
     "object. It moves nothing, and does nothing while nothing changes.\n",
     0, 0, 0, cmd_watch},
    {"show", "ID", "show all about a job",
     "Shows all about one job: what is not as in a new job, but no secrets.\n"
     "\n"
     "  -v, --verbose          the heads of the server's answers, too\n"
     "      --headers          the headers that the job sends, too, unless they are write-only\n",
     1, 1, TAKES_SHOW, cmd_show},
    {"suspend", "ID...", "stop jobs; what was transferred is kept",
     "Stops jobs. What was transferred is kept, \"bcj2 resume\" lets them go on from there.\n", 1,
     -1, 0, cmd_suspend},
    {"resume", "ID...", "let suspended or failed jobs go on",
     "Puts suspended and failed jobs back into the queue, where the program that runs the queue\n"
     "moves them; a job that waits for its next attempt is due at once.\n",
     1, -1, 0, cmd_resume},
    {"cancel", "ID...", "drop jobs for good",
     "Drops jobs for good. The server is told by the program that runs the queue; if there is\n"
     "none, at once if no other job waits to be moved, else by the next one.\n",
     1, -1, 0, cmd_cancel},
    {"complete", "ID...", "take a transferred job out of the queue, and what it brought",
     "Takes jobs that are TRANSFERRED out of the queue. A download can be completed in any state:\n"
     "the files that are whole are kept, the others dropped; the exit status is 3 then. A reply "
     "that was given no name with -o\n"
     "goes to standard output (with --json it stays in the queue directory, the document says\n"
     "where).\n",
     1, -1, 0, cmd_complete},
    {"run", "", "move the jobs of the queue",
     "Moves the jobs of the queue until it gets SIGINT or SIGTERM, and tells each change of\n"
     "state. While another program moves them it only watches, and goes on when that one ends.\n"
     "\n"
     "      --until-idle       end when no job is left to move, whoever moves them, and\n"
     "                         no program to be started for one; the exit\n"
     "                         status is 1 if one of them failed\n",
     0, 0, TAKES_UNTIL_IDLE, cmd_run},
    {NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};

static void print_usage(FILE *to)
{
    (void)fputs("usage: bcj2 [--queue DIR] [--json] COMMAND ...\n\n"
                "Background transfers that survive crashes, reboots and bad networks.\n\n",
                to);
    for (const struct command *command = commands; command->name != NULL; command++) {
        (void)fprintf(to, "  %-12s  %-16s  %s\n", command->name, command->arguments,
                      command->summary);
    }
    (void)fputs(
        "\n"
        "  --queue DIR   the queue directory; $BCJ2_QUEUE or the user's own if not given\n"
        "  --json        print one JSON document; 64-bit numbers are strings\n"
        "  --help        this, or with a command its help\n"
        "  --version\n\n"
        "ID is a job's id or a beginning of it that no other job has. Exit status: 0 done,\n"
        "1 a job or a call failed, 2 usage or an argument that cannot be used, 3 a download was\n"
        "completed without some of its files.\n",
        to);
}

static void print_help(const struct command *command)
{
    if (command == NULL) {
        print_usage(stdout);
        return;
    }
    (void)printf("usage: bcj2 [--queue DIR] [--json] %s%s%s%s\n\n%s", command->name,
                 command->takes != 0 ? " [OPTION...]" : "",
                 command->arguments[0] != '\0' ? " " : "", command->arguments, command->help);
    if ((command->takes & TAKES_PROPERTIES) != 0) {
        property_print_options(stdout);
    } else if (command->run == cmd_set) {
        property_print_all(stdout);
    }
}

int cli_open(struct cli *cli, uint32_t flags)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = flags;
    const char *named = cli->queue != NULL ? cli->queue : cli->options.queue;
    bcj2_status status = bcj2_manager_open(named, &options, &cli->manager);
    if (BCJ2_FAILED(status)) {
        return out_failed(cli, status, "cannot open the queue%s%s", named == NULL ? "" : " ",
                          named == NULL ? "" : named);
    }
    if (cli->queue == NULL) {
        status = bcj2_manager_get_directory(cli->manager, &cli->queue);
    }
    return BCJ2_FAILED(status) ? out_failed(cli, status, "cannot use the queue") : EXIT_DONE;
}

int64_t cli_runner(struct cli *cli)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    uint64_t change = 0, until_ms = since_now_ms() + ELECTION_MS, now_ms;
    if (cli->manager == NULL) {
        return 0;
    }
    while (BCJ2_SUCCEEDED(bcj2_manager_get_info(cli->manager, &info)) && info.runner_pid == 0 &&
           (now_ms = since_now_ms()) < until_ms) {
        if (BCJ2_FAILED(bcj2_manager_wait(cli->manager, &change, (int64_t)(until_ms - now_ms)))) {
            break;
        }
    }
    return info.runner_pid;
}

void cli_close(struct cli *cli)
{
    cli->manager = bcj2_manager_close(cli->manager);
}

static int run_command(struct cli *cli)
{
    int result = cli->options.command->run(cli);
    cli_close(cli);
    if (!out_json_end(cli) && result == EXIT_DONE) {
        result = out_failed_errno(cli, "cannot write to standard output");
    }
    bcj2_free(cli->queue);
    interrupt_stop();
    if (cli->signal != 0) {
        interrupt_die(cli->signal);
    }
    return result;
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    /* a reader that went away is an error of write, not the end: the reply is kept then */
    (void)signal(SIGPIPE, SIG_IGN);
    if (!options_parse(&cli.options, argc, argv, commands)) {
        int result = out_bad(&cli, "%s", cli.options.problem);
        out_say("\"bcj2 --help\" tells more");
        (void)out_json_end(&cli);
        return result;
    }
    if (cli.options.help) {
        print_help(cli.options.command);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    if (cli.options.version) {
        (void)printf("bcj2 %s (libbcj2 %s)\n", BCJ2_VERSION, bcj2_version());
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    return run_command(&cli);
}
