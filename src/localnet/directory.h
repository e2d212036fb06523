// Who is in the local network: keys, directory documents, authorities.
//
// Everything follows from one 32-byte seed in the data folder, so that a restart is the same
// network to its clients: same identity keys, same envelope keys, same authorities. Documents are
// made for an epoch when they are asked for and kept while they are of use.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bacap/geometry.h"
#include "bacap/mkem.h"
#include "base/error.h"
#include "base/secret.h"
#include "localnet/knobs.h"
#include "localnet/network_size.h"
#include "localnet/replica_store.h"
#include "wire/pki.h"
#include "wire/replies.h"

namespace taubenpost::localnet {

inline constexpr std::size_t kAuthorities = 3;

// What envelopes are encrypted with: decides how much a box holds (*Max*).
enum class EnvelopeNike : std::uint8_t {
  kHybrid,  // CTIDH1024-X25519, as in the published daemon: 1,549 bytes
  kX25519,  // as in networks without the post-quantum part: 1,677 bytes
};

struct Service {
  Bytes32 identity_hash{};  // of the service node
  std::string queue_id;
};

class Directory {
 public:
  // Reads DATA/network.seed, or makes it (mode 0600). Errors: kStoreBad, kIo.
  static Result<Directory> open(const std::string& data_dir, EnvelopeNike nike,
                                const NetworkSize& size);
  // A network of its own, for tests.
  explicit Directory(SecretArray<32> seed, EnvelopeNike nike = EnvelopeNike::kHybrid,
                     const NetworkSize& size = {});

  const NetworkSize& size() const { return size_; }
  const bacap::Geometry& geometry() const { return geometry_; }
  wire::SphinxGeometry sphinx_geometry() const;
  wire::PigeonholeGeometry pigeonhole_geometry() const;

  bool has_replica(std::size_t id) const { return id < size_.replicas(); }
  // Identity keys by replica id.
  const std::vector<Bytes>& replica_identity_keys() const { return replica_keys_; }
  // The two shards of a box, in ascending hash order.
  std::vector<ReplicaId> shards_of(const BoxId& box) const;
  // Envelope keys of a replica for a replica epoch; the reference holds until the next call.
  const bacap::NikeKeyPair& envelope_keys(ReplicaId replica, std::uint64_t epoch) const;

  // One on each service node, same order.
  const std::vector<Service>& couriers() const { return couriers_; }
  // Positions of the couriers that the document names.
  std::vector<std::size_t> listed_couriers(const Knobs& knobs) const;
  // The name of the service, beside the couriers, that a message would reach there.
  std::optional<std::string> service_at(const Bytes32& node, std::string_view queue_id,
                                        const Knobs& knobs) const;

  // CBOR of the document of a mix epoch, without signatures (thin-protocol 7.1). Its rates are
  // those of the knobs; where these do not wait, those of a usual test network. Couriers that are
  // unlisted and replicas that are down are not in it.
  Bytes document(std::uint64_t mix_epoch, const Knobs& knobs,
                 wire::KeyOrder order = wire::KeyOrder::kCanonical) const;
  // The same with the authorities' signatures (7.5).
  Bytes signed_document(std::uint64_t mix_epoch, const Knobs& knobs) const;
  std::vector<wire::DirectoryAuthority> authorities() const;

 private:
  // Of the service nodes, the first so many.
  std::size_t providing(std::size_t providers) const {
    return std::min(providers, size_.couriers());
  }
  std::vector<wire::PkiService> listed_services(const Knobs& knobs) const;
  SecretArray<32> derive(std::string_view role, std::uint64_t number,
                         std::uint64_t epoch = 0) const;

  SecretArray<32> seed_;
  NetworkSize size_;
  bacap::Geometry geometry_;
  std::vector<Bytes> replica_keys_;
  std::vector<Bytes> service_keys_;
  std::vector<Service> couriers_;
  mutable std::map<std::pair<std::uint64_t, ReplicaId>, bacap::NikeKeyPair> envelope_keys_;
  mutable std::pair<BoxId, std::vector<ReplicaId>> last_shards_;  // all who handle a box ask
};

}  // namespace taubenpost::localnet
