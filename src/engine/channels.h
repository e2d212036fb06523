// Making and importing channels, and the invitation that carries one to its recipient.
//
// An invitation is "tp1" and lower-case base32 of version (1 byte), flags (1: the channel is
// inline; 2: receipts are wanted; never both), network id (32, zeros if unknown), read capability
// (136), with flag 2 the write capability of the channel for receipts (168), label length (1) and
// label, and 4 bytes of BLAKE2b-256 of all that (design 6). It is a secret: whoever has it reads
// the channel. Receipts have channels of their own: receipt_channels.h.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/ports.h"

namespace taubenpost {

struct Invitation {
  std::optional<NetworkId> network;
  ReadCapBytes read_cap{};
  std::string label;  // the sender's name of the channel; at most 64 bytes of UTF-8
  Layout layout = Layout::kLetters;
  Bytes receipts;  // write capability of the channel for receipts; empty: none are wanted
};

std::string encode_invitation(const Invitation& invitation);
// kInvalid: damaged (checksum), of a newer version, or not an invitation. White space around it is
// ignored; at most 4,096 bytes are looked at.
Result<Invitation> decode_invitation(std::string_view text);

// What pigeonhole-cp users exchange: lines of base64, one of them the read capability, one the
// index of the first box to read; other lines are ignored, so that genkey's output is one. Returns
// the read capability that begins at that index. kInvalid.
Result<ReadCapBytes> decode_foreign(std::string_view text);
std::string encode_foreign(const ReadCapBytes& read_cap, const IndexBytes& first);

// 1 to 64 bytes of UTF-8, no control, white-space-only or path characters; kUsage.
Status valid_channel_name(std::string_view name);

enum class Receipts : std::uint8_t { kNone, kWanted };

// Both: kStateConflict if the name is taken. An inline channel has no receipts (kUsage).
boost::asio::awaitable<Result<Invitation>> new_channel(EnginePorts ports, std::string name,
                                                       Layout layout = Layout::kLetters,
                                                       Receipts receipts = Receipts::kNone);
// The same invitation once more; kStateConflict once the channel was written to, since a reader
// that starts at the first position is not what its recipient needs then.
Result<Invitation> invitation_of(const ChannelRow& channel);
// Receipts are sent if the invitation has the capability for them. kRefused if it names another
// network than the store's.
boost::asio::awaitable<Status> import_channel(EnginePorts ports, std::string name,
                                              Invitation invitation, ChannelRules rules = {});
// Of an incoming channel, for what its next rounds find; the delivery stays without another one.
// kNotFound, kUsage (it is for sending).
boost::asio::awaitable<Status> set_channel_rules(
    EnginePorts ports, std::string name, ChannelRules rules,
    std::optional<ChannelDelivery> delivery = std::nullopt);
// Not of a channel for receipts, which is known by the one that it belongs to. kNotFound names the
// channel.
Result<ChannelRow> find_channel(const ports::Store& store, std::string_view name);

}  // namespace taubenpost
