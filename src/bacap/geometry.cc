#include "bacap/geometry.h"

namespace taubenpost::bacap {

std::uint64_t Geometry::destination_boxes(std::uint64_t payload) const {
  TP_CHECK(box_payload_max() > 5);
  return payload / copy_chunk() + (payload % copy_chunk() != 0 ? 1 : 0);
}

std::uint64_t Geometry::temporary_boxes(std::uint64_t destination_boxes) const {
  TP_CHECK(box_payload_max() > 5);
  const std::uint64_t stream = destination_boxes * (courier_envelope() + 4);
  return (stream + stream_chunk() - 1) / stream_chunk();
}

Result<Geometry> make_geometry(std::uint64_t user_forward_payload, std::uint64_t nike_public_key,
                               std::string nike_name) {
  if (user_forward_payload <= 291 + nike_public_key)
    return error(Errc::kInvalid, "the Sphinx payload is too small for an envelope");
  return Geometry{user_forward_payload, nike_public_key, std::move(nike_name)};
}

}  // namespace taubenpost::bacap
