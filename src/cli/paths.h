/* SPDX-License-Identifier: MIT */
/* Paths as the library wants them (absolute), and where bcj2 keeps a reply that has no name. */
#ifndef BCJ2_CLI_PATHS_H
#define BCJ2_CLI_PATHS_H

#include "cli.h"

/* path made absolute by the working directory; links in it stay what they are. malloc'ed; NULL:
   errno says why. */
char *paths_absolute(const char *path);
/* Whether the file can be uploaded; if not it is said why, and EXIT_BAD comes back. */
int paths_check_source(struct cli *cli, const char *path);
/* Likewise whether a reply or a download can go to that absolute path. */
int paths_check_output(struct cli *cli, const char *path);
/* Whether both absolute paths are one name in one folder, however the folder is spelt: then a file put
   at one replaces that at the other. */
bool paths_same_name(const char *one, const char *other);
/* The file in the queue directory that takes the reply of this job when nobody named one: from the
   id, so that a later `complete` knows it again. malloc'ed; NULL: no memory. */
char *paths_unnamed_reply(const struct cli *cli, bcj2_job *job);
/* Whether path is that file, however the queue directory was spelt when the job was made. */
bool paths_is_unnamed_reply(const struct cli *cli, bcj2_job *job, const char *path);

#endif
