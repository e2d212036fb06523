// Courier envelopes as the daemon builds them (pigeonhole 4.3), and copy streams of them (5.4).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "bacap/capability.h"
#include "bacap/copy_stream.h"
#include "localnet/context.h"

namespace taubenpost::localnet {

struct BuiltEnvelope {
  bacap::CourierEnvelope envelope;
  SecretBytes private_key;  // opens the answer
};

// An envelope around a read, write or tombstone for the box, through two intermediates that the
// directory lists, and that do not keep the box while it lists enough others. Counted in the audit.
BuiltEnvelope build_envelope(const Context& context, const BoxId& box,
                             const bacap::ReplicaInnerMessage& message);
// The box that holds `plaintext` (at most P bytes), or a tombstone if it is empty.
Box make_box(const bacap::Geometry& geometry, const bacap::WriteCap& cap,
             const bacap::MessageBoxIndex& index, ByteView plaintext);

// One call of create_courier_envelopes_from_*: many envelopes, made a few at a time, so that the
// daemon stays responsive.
class StreamBuilder {
 public:
  struct Destination {
    bacap::WriteCap cap;
    bacap::MessageBoxIndex index;  // of the next box
    Bytes payload;
    std::uint64_t tombstones = 0;  // instead of a payload
  };
  enum class End : std::uint8_t {
    kKeepBuffer,  // the call is not the last and hands its residue to the next
    kFlush,       // not the last, and nothing carries over
    kFinal,       // the last
  };
  enum class Progress : std::uint8_t { kMore, kDone, kFailed };

  StreamBuilder(const Context& context, std::vector<Destination> destinations, ByteView buffer,
                bool is_start, End end);

  // Boxes that the whole call makes; before the first step.
  std::uint64_t boxes() const;
  End end() const { return end_; }
  // Makes up to `count` envelopes. kFailed: an index has no successor.
  Progress step(std::size_t count);

  // After kDone: the elements, the residue, and the next index of each destination.
  std::vector<Bytes> take_elements() { return std::move(elements_); }
  const Bytes& buffer() const { return encoder_.buffer(); }
  std::vector<bacap::MessageBoxIndex> next_indices() const;

 private:
  bool make_next(Destination& destination);
  void keep(std::vector<Bytes> elements);

  const Context& context_;
  std::vector<Destination> destinations_;
  const End end_;
  bacap::CopyStreamEncoder encoder_;
  std::vector<Bytes> elements_;
  std::size_t current_ = 0;  // destination
  std::size_t offset_ = 0;   // in its payload, or tombstones made
};

}  // namespace taubenpost::localnet
