#include "localnet/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bacap/epochs.h"
#include "bacap/sharding.h"
#include "base/random.h"
#include "crypto/curve.h"
#include "crypto/hash.h"
#include "wire/cbor_writer.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

constexpr std::uint64_t kUserPayload = 2000;
constexpr std::size_t kMixLayers = 3;
constexpr std::uint64_t kExpirationEpochs = 5;
constexpr std::size_t kSeedSize = 32;
constexpr const char* kSignatureScheme = "Ed25519";

Bytes32 public_key_of(const SecretArray<32>& seed) {
  return to_array<32>(crypto::ed25519_from_seed(seed.view()).view().subspan(32));
}

// A plain Ed25519 signature: a blinded one whose factor is one.
Bytes sign(const SecretArray<32>& seed, ByteView message) {
  Bytes one(32);
  one[0] = 1;
  const auto scalar = crypto::blind_private_key(seed.view(), SecretArray<32>(ByteView(one)));
  return to_bytes(crypto::sign_blinded(scalar, public_key_of(seed), message));
}

std::string pem(const std::string& type, ByteView key) {
  return "-----BEGIN " + type + "-----\n" + to_base64(key) + "\n-----END " + type + "-----\n";
}

// Canonical CBOR of a flat map: shorter keys first, then bytewise.
struct CanonicalMap {
  std::vector<std::pair<std::string, Bytes>> entries;

  void operator()(std::string_view key, std::int64_t value) { add(key, number(value)); }
  void operator()(std::string_view key, const std::string& value) {
    add(key, wire::CborWriter().text(value).take());
  }
  void add(std::string_view key, Bytes value) { entries.emplace_back(key, std::move(value)); }
  static Bytes number(std::int64_t value) { return wire::CborWriter().signed_number(value).take(); }

  Bytes encode() {
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first.size(), a.first) < std::pair(b.first.size(), b.first);
    });
    wire::CborWriter out;
    out.map(entries.size());
    for (const auto& [key, value] : entries) out.text(key).raw(value);
    return out.take();
  }
};

std::string queue_of(const std::string& service) { return "+" + service; }

Error seed_error(Errc code, const std::string& path) {
  return error(code, "localnet.network: " + path + ": " + std::strerror(errno));
}

// A file of exactly 32 bytes.
Result<SecretArray<kSeedSize>> read_seed(int fd, const std::string& path) {
  SecretBytes seed(Bytes(kSeedSize + 1));
  const ssize_t size = ::read(fd, seed.writable().data(), seed.size());
  if (size < 0) return seed_error(Errc::kIo, path);
  if (size != static_cast<ssize_t>(kSeedSize))
    return error(Errc::kStoreBad, "localnet.network: " + path + ": not a network seed");
  return SecretArray<kSeedSize>(seed.view().first(kSeedSize));
}

Status write_seed(ByteView seed, const std::string& path) {
  const std::string draft = path + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return seed_error(Errc::kIo, draft);
  const bool written = ::write(fd, seed.data(), seed.size()) == static_cast<ssize_t>(seed.size());
  const bool synced = written && ::fsync(fd) == 0;
  ::close(fd);
  // Renamed only when complete: half a seed would be another network.
  if (!synced || ::rename(draft.c_str(), path.c_str()) != 0) return seed_error(Errc::kIo, draft);
  return ok();
}

bacap::Geometry geometry_of(EnvelopeNike nike) {
  switch (nike) {
    case EnvelopeNike::kHybrid:
      return bacap::make_geometry(kUserPayload).value();
    case EnvelopeNike::kX25519:
      break;
  }
  return bacap::make_geometry(kUserPayload, bacap::kX25519KeySize, bacap::kX25519Name).value();
}

}  // namespace

Result<Directory> Directory::open(const std::string& data_dir, EnvelopeNike nike,
                                  const NetworkSize& size) {
  const std::string path = data_dir + "/network.seed";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    auto seed = read_seed(fd, path);
    ::close(fd);
    if (!seed) return seed.error();
    return Directory(std::move(seed).value(), nike, size);
  }
  if (errno != ENOENT) return seed_error(Errc::kIo, path);
  SecretArray<kSeedSize> seed(random_array<kSeedSize>());
  TP_TRY(write_seed(seed.view(), path));
  return Directory(std::move(seed), nike, size);
}

Directory::Directory(SecretArray<32> seed, EnvelopeNike nike, const NetworkSize& size)
    : seed_(std::move(seed)), size_(size), geometry_(geometry_of(nike)) {
  for (std::size_t i = 0; i < size_.replicas(); ++i)
    replica_keys_.push_back(to_bytes(public_key_of(derive("replica identity", i))));
  for (std::size_t i = 0; i < size_.couriers(); ++i) {
    service_keys_.push_back(to_bytes(public_key_of(derive("service identity", i))));
    couriers_.push_back({crypto::blake2b_256(service_keys_.back()), "courier"});
  }
}

SecretArray<32> Directory::derive(std::string_view role, std::uint64_t number,
                                  std::uint64_t epoch) const {
  Bytes info = to_bytes(as_bytes(role));
  append_be(info, number);
  append_be(info, epoch);
  SecretArray<32> out;
  crypto::hkdf_blake2b(seed_.view(), {}, info, out.writable());
  return out;
}

wire::SphinxGeometry Directory::sphinx_geometry() const {
  wire::SphinxGeometry out;
  out.packet_length = 3082;
  out.nr_hops = 5;
  out.header_length = 476;
  out.routing_info_length = 410;
  out.per_hop_routing_info_length = 82;
  out.surb_length = 572;
  out.sphinx_plaintext_header_length = 2;
  out.payload_tag_length = 32;
  out.forward_payload_length = 2574;
  out.user_forward_payload_length = kUserPayload;
  out.next_node_hop_length = 65;
  out.sprp_key_material_length = 64;
  out.nike_name = "x25519";
  return out;
}

wire::PigeonholeGeometry Directory::pigeonhole_geometry() const {
  const auto query = static_cast<std::int64_t>(geometry_.courier_query());
  const auto reply = static_cast<std::int64_t>(geometry_.reported_query_reply());
  return {static_cast<std::int64_t>(geometry_.box_payload_max()),
          query,
          query,
          reply,
          reply,
          geometry_.nike_name,
          kSignatureScheme};
}

std::vector<ReplicaId> Directory::shards_of(const BoxId& box) const {
  auto& [last_box, shards] = last_shards_;
  if (shards.empty() || last_box != box) {
    last_box = box;
    shards.clear();
    for (const std::size_t id : bacap::shards(replica_keys_, box))
      shards.push_back(static_cast<ReplicaId>(id));
  }
  return shards;
}

const bacap::NikeKeyPair& Directory::envelope_keys(ReplicaId replica, std::uint64_t epoch) const {
  const auto key = std::pair(epoch, replica);
  const auto found = envelope_keys_.find(key);
  if (found != envelope_keys_.end()) return found->second;
  // Only a handful of epochs is ever in use; a clock that runs through many is not to pile up keys.
  if (envelope_keys_.size() >= 8 * size_.replicas()) envelope_keys_.erase(envelope_keys_.begin());
  const auto seed = derive("replica envelope", replica, epoch);
  auto pair = bacap::nike_key_pair_from(seed.view(), geometry_.nike_public_key);
  return envelope_keys_.emplace(key, std::move(pair)).first->second;
}

std::vector<std::size_t> Directory::listed_couriers(const Knobs& knobs) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < size_.couriers(); ++i)
    if (!knobs.courier_unlisted.contains(static_cast<std::uint8_t>(i))) out.push_back(i);
  return out;
}

std::optional<std::string> Directory::service_at(const Bytes32& node, std::string_view queue_id,
                                                 const Knobs& knobs) const {
  for (const auto& [name, providers] : knobs.services)
    for (std::size_t i = 0; i < providing(providers); ++i)
      if (couriers_[i].identity_hash == node && queue_of(name) == queue_id) return name;
  return std::nullopt;
}

std::vector<wire::PkiService> Directory::listed_services(const Knobs& knobs) const {
  std::vector<wire::PkiService> out;
  const auto add = [&](const std::string& name, const std::string& queue_id, std::size_t node) {
    out.push_back({name, queue_id, "servicenode" + std::to_string(node + 1), service_keys_[node]});
  };
  for (const std::size_t i : listed_couriers(knobs)) add("courier", couriers_[i].queue_id, i);
  for (const auto& [name, providers] : knobs.services)
    for (std::size_t i = 0; i < providing(providers); ++i) add(name, queue_of(name), i);
  return out;
}

Bytes Directory::document(std::uint64_t mix_epoch, const Knobs& knobs, wire::KeyOrder order) const {
  wire::PkiDocument out;
  out.epoch = mix_epoch;
  out.genesis_epoch = 1;
  out.mu = knobs.hop_rate > 0 ? knobs.hop_rate : 0.005;
  out.lambda_p = out.lambda_l = knobs.slot_rate > 0 ? knobs.slot_rate : 0.001;
  out.lambda_m = out.lambda_g = 0.001;
  out.lambda_r = knobs.link_rate > 0 ? knobs.link_rate : 0.005;
  out.mix_layers = kMixLayers;
  out.version = "v1";
  out.services = listed_services(knobs);
  const std::uint64_t current = bacap::replica_epoch_of_mix(mix_epoch);
  for (std::size_t i = 0; i < size_.replicas(); ++i) {
    const auto id = static_cast<ReplicaId>(i);
    out.configured_replica_ids.push_back(id);
    if (knobs.replica_down.contains(id)) continue;
    wire::PkiReplica replica{"replica" + std::to_string(i + 1), id, replica_keys_[i], {}};
    for (const std::uint64_t epoch : {current - 1, current, current + 1})
      replica.envelope_keys[epoch] = envelope_keys(id, epoch).public_key;
    out.replicas.push_back(std::move(replica));
  }
  out.configured_replica_keys = replica_keys_;
  CanonicalMap geometry;
  const auto sphinx = sphinx_geometry();
  wire::SphinxGeometry::fields(sphinx, geometry);
  out.sphinx_geometry_hash = to_bytes(crypto::blake2b_256(geometry.encode()));
  return wire::encode_pki_document(out, order);
}

Bytes Directory::signed_document(std::uint64_t mix_epoch, const Knobs& knobs) const {
  const Bytes certified = document(mix_epoch, knobs);
  const std::uint64_t expiration = mix_epoch + kExpirationEpochs;
  Bytes message;
  append_le(message, std::uint32_t{0});
  append_le(message, expiration);
  append(message, as_bytes(kSignatureScheme));
  append(message, certified);
  std::vector<wire::PkiSignature> signatures;
  for (std::size_t i = 0; i < kAuthorities; ++i) {
    const auto seed = derive("authority identity", i);
    signatures.push_back({crypto::blake2b_256(public_key_of(seed)), sign(seed, message)});
  }
  return wire::encode_signed_document(certified, expiration, kSignatureScheme, signatures);
}

std::vector<wire::DirectoryAuthority> Directory::authorities() const {
  std::vector<wire::DirectoryAuthority> out;
  for (std::size_t i = 0; i < kAuthorities; ++i) {
    const Bytes32 identity = public_key_of(derive("authority identity", i));
    const auto link = derive("authority link", i);
    wire::DirectoryAuthority authority;
    authority.identifier = "auth" + std::to_string(i + 1);
    authority.pki_signature_scheme = kSignatureScheme;
    authority.wire_kem_scheme = "x25519";
    authority.addresses = std::vector<std::string>{"tcp://127.0.0.1:" + std::to_string(30001 + i)};
    authority.identity_public_key_pem = pem("ED25519 PUBLIC KEY", identity);
    authority.link_public_key_pem = pem("X25519 PUBLIC KEY", crypto::x25519_base(link.view()));
    authority.identity_key_hash = crypto::blake2b_256(identity);
    out.push_back(std::move(authority));
  }
  return out;
}

}  // namespace taubenpost::localnet
