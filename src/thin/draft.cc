#include "thin/draft.h"

#include <algorithm>

#include "base/random.h"

namespace taubenpost::thin {

QueryId Draft::fresh_query() { return random_array<16>(); }

Result<Draft> Draft::encode(const wire::Request& message, const QueryId& placeholder) {
  Result<SecretBytes> encoded = wire::encode_request(message);
  if (!encoded) return encoded.error();
  const ByteView bytes = encoded->view();
  const auto found =
      std::search(bytes.begin(), bytes.end(), placeholder.begin(), placeholder.end());
  TP_CHECK(found != bytes.end());
  const auto offset = static_cast<std::size_t>(found - bytes.begin());
  return Draft(std::move(*encoded), offset);
}

SecretBytes Draft::frame(const QueryId& query) const {
  SecretBytes copy = encoded_.clone();
  std::copy(query.begin(), query.end(),
            copy.writable().begin() + static_cast<std::ptrdiff_t>(query_offset_));
  return copy;
}

}  // namespace taubenpost::thin
