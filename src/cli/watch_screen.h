/* SPDX-License-Identifier: MIT */
/* The picture that bcj2 watch draws on a terminal: a title, a head, and as many jobs as there is room
   for. It uses the terminal's other screen, so that everything is as it was when it ends; the terminal's
   settings are not touched. */
#ifndef BCJ2_CLI_WATCH_SCREEN_H
#define BCJ2_CLI_WATCH_SCREEN_H

#include "roster.h"

/* Whether stdout is a terminal that can be drawn on. */
bool watch_screen_possible(void);
void watch_screen_enter(void);
void watch_screen_leave(void);
/* *ret_rates: a rate is in the picture, and will be wrong when nothing moves any more. false: stdout
   did not take it. */
bool watch_screen_draw(const struct cli *cli, struct roster *roster, const bcj2_manager_info *info,
                       bool *ret_rates);

#endif
