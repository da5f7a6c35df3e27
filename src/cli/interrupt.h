/* SPDX-License-Identifier: MIT */
/* SIGINT, SIGTERM and SIGHUP without a handler: they are blocked before the library makes threads,
   and one thread of ours waits for them. What it then does depends on what the program is in:

   HOLD   remembered until the mode changes (a job is being made: finish that first);
   CLOSE  the manager is closed, which ends every wait on a job with BCJ2_E_CLOSED;
   TELL   bcj2_manager_wait() is ended with BCJ2_E_ABORT, and interrupt_news() says why;
   DIE    the process ends by that signal, as it would without this file (from the start, while
          nothing is waited for).

   The end that the first signal began is not disturbed by a second one (timeout(1), for one, sends
   each twice); with the third somebody insists, and the process ends.

   Who draws on a terminal hears of SIGWINCH and SIGTSTP in the same way.

   A signal that was ignored when the program began (nohup, a job in the background) stays so. */
#ifndef BCJ2_CLI_INTERRUPT_H
#define BCJ2_CLI_INTERRUPT_H

#include "cli.h"

#define INTERRUPT_END     1u /* stays; interrupt_end() says which signal it was */
#define INTERRUPT_RESIZED 2u
#define INTERRUPT_STOP    4u /* Ctrl-Z: the process is to stop itself */

/* Before the queue is opened; once. drawing: SIGWINCH and SIGTSTP, too. false: no thread could be
   made. */
bool interrupt_start(bool drawing);
void interrupt_hold(void);
/* From now on a signal closes cli->manager: only calls on jobs until interrupt_end(). */
void interrupt_close_on_signal(struct cli *cli);
/* Back to DIE. cli->signal is the one that came, cli->manager is NULL then. */
void interrupt_end(struct cli *cli);
/* From now on a signal ends a wait of cli->manager, which stays open until interrupt_end(). */
void interrupt_tell(struct cli *cli);
/* What came since the last call, INTERRUPT_… */
unsigned interrupt_news(void);
/* Sleeps so long, or until there is news. */
void interrupt_rest(unsigned ms);
/* Ends the thread; before the process ends in an orderly way. Nothing if there is none. */
void interrupt_stop(void);
/* Ends the process by the signal, so that a shell sees what happened. */
void interrupt_die(int number);

#endif
