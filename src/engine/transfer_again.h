// A transfer that is announced more than once: its sender had it sent anew, because nobody could
// say whether the first letter had arrived.
//
// One letter stands for a transfer in the inbox (holds_transfer), every other one is its duplicate.
// That is the first one that was found; when its job fails, another one takes its place. A round
// that finds a letter and a job that fails both change the revision of the channel, so that neither
// overlooks the other. Headers of streams are taken again, but not looked for when a job fails: the
// channel has gone on behind their content.
#pragma once

#include "engine/ports.h"

namespace taubenpost {

// Whether the letter that stands for a transfer gives its place to the next one that is found.
Result<bool> gives_way(const ports::Store& store, const InboxRow& letter);

// Adds to `step`: `letter` stands for its transfer no more.
void step_aside(InboxRow letter, ports::Transaction& step);

// Adds to `step`, which has `job` fail: the newest letter of its transfer that no job has tried
// stands for it now, and a later round makes a job of it as the rules of the channel say.
Status hand_over(const ports::Store& store, const ReceiveJobRow& job, ports::Transaction& step);

}  // namespace taubenpost
