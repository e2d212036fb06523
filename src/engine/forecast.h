// When queued bodies will have been uploaded, by the measured rate of uploads, and whether that
// leaves their recipients time to fetch them.
//
// An estimate, and said to be one: it takes the jobs ahead for granted, letters and receive jobs
// for nothing, and the rate for what it was.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ports/store.h"

namespace taubenpost {

// A recipient needs time to notice and to fetch what was sent last.
inline constexpr std::uint64_t kRecipientSlackS = 86'400;
// What a daemon of the usual configuration sends at most.
inline constexpr std::uint64_t kUsualRate = 1'000;  // packets in 1000 s

// Whether the content was read, so that it is known what will be sent.
bool is_taken_in(const SendJobRow& row);
// Bytes that are sent of it; until that is known: its size.
std::uint64_t size_to_send(const SendJobRow& row);
// Chunks of the body that were read back.
Result<std::uint64_t> boxes_done(const ports::Store& store, const SendJobRow& row);

// Unix seconds at which the last packet of each unfinished body will be out. Nothing of jobs that
// are paused, of letters (minutes), and of all while no rate was measured.
Result<std::map<JobId, std::uint64_t>> forecast(const ports::Store& store,
                                                const std::vector<SendJobRow>& rows,
                                                std::uint64_t now);

// Whether a job that is about to be queued can be uploaded before its first boxes age out. kRefused
// says what would fit. Ok while no rate was measured: the network may be fast.
Status fits_in_time(const ports::Store& store, const SendJobRow& row, std::uint64_t now);
// Whether it would at the usual rate with nothing ahead.
bool is_usually_too_large(std::uint64_t size);

}  // namespace taubenpost
