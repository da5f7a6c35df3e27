/* SPDX-License-Identifier: MIT */
/* The network as the engine sees it: was it the network that failed, and is it back? It is watched only
   while some job waits because of an error; who waits for the network has no timer. Engine thread only.
   Not here: single hosts (hosts.h). */
#ifndef BCJ2_CORE_NETWORK_H
#define BCJ2_CORE_NETWORK_H

#include "engine_priv.h"

/* What the failure of a transfer is called: NET_NO_NETWORK if its server could not be reached while there
   is no network, and that only. */
enum net_failure bcj2__network_blame(struct engine *e, const struct net_event *event);
/* Each turn: what the watch has heard, and whether it is time to look. */
void bcj2__network_step(struct engine *e);
/* In the transaction: queues again, some a turn, who waited when the network came; begins or ends the
   watch. */
void bcj2__network_jobs(struct engine *e);
void bcj2__network_stop(struct engine *e);

#endif
