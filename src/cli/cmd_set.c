/* SPDX-License-Identifier: MIT */
/* bcj2 set: properties of a job that is there. */
#include "cli.h"
#include "explain.h"
#include "find.h"
#include "out.h"
#include "property.h"

/* The words behind the ID, two by two. */
static int gather(struct cli *cli, struct given *given, size_t *ret_count)
{
    char **words = cli->options.arguments + 1;
    int count = cli->options.count - 1;
    *ret_count = 0;
    for (int i = 0; i < count; i += 2) {
        const struct property *property = property_named(words[i]);
        if (property == NULL) {
            return out_bad(cli, "there is no property \"%.60s\"; \"bcj2 set --help\" lists them",
                           words[i]);
        }
        if (i + 1 == count) {
            return out_bad(cli, "%s needs a value", words[i]);
        }
        if (*ret_count == OPTIONS_MOST_GIVEN) {
            return out_bad(cli, "there are too many properties");
        }
        given[(*ret_count)++] = (struct given){property, words[i + 1]};
    }
    return EXIT_DONE;
}

/* Those that are set, be it not all. */
static void say_set(bcj2_job *job, const struct property_values *values)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    find_format_job(job, id);
    for (size_t i = 0; i < values->count; i++) {
        if (values->list[i].set) {
            out_say("job %s: %s is set", id, property_name(values->list[i].property));
        }
    }
}

int cmd_set(struct cli *cli)
{
    struct given given[OPTIONS_MOST_GIVEN];
    struct property_values values = {0};
    size_t count = 0;
    bcj2_job *job = NULL;
    int result = gather(cli, given, &count);
    if (result == EXIT_DONE) {
        result = property_read(cli, given, count, &values);
    }
    if (result == EXIT_DONE) {
        result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    }
    if (result == EXIT_DONE) {
        result = find_job(cli, cli->options.arguments[0], &job);
    }
    if (result == EXIT_DONE) {
        result = property_apply(cli, job, &values);
        say_set(job, &values);
    }
    if (result == EXIT_DONE) {
        out_json_job(cli, job);
    }
    (void)bcj2_job_unref(job);
    property_free(&values);
    return result;
}
