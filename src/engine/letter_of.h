// The letter of a send job: the same bytes for every recipient.
#pragma once

#include "base/bytes.h"
#include "model/rows.h"

namespace taubenpost {

// `sent` and `until` of the row are part of the letter.
Bytes letter_of(const SendJobRow& row);

}  // namespace taubenpost
