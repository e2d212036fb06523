// Knobs by name: what is accepted, what is refused and why, and that nothing is changed by half.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "localnet/knob_names.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace taubenpost::localnet {
namespace {

nlohmann::json shown(const Knobs& knobs) { return nlohmann::json::parse(knobs_json(knobs)); }

// As it would stand after NAME=.
std::string text_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const auto& item : value) out += (out.empty() ? "" : ",") + text_of(item);
  return out.empty() ? "none" : out;
}

void expect_refused(const std::string& word, const std::string& what) {
  Knobs knobs;
  const std::string before = knobs_json(knobs);
  const Status set = set_knobs(knobs, {}, {"copy_poll=1", word});
  ASSERT_FALSE(set) << word;
  EXPECT_EQ(set.error().code, Errc::kUsage);
  EXPECT_NE((set.error().what + " " + set.error().hint).find(what), std::string::npos)
      << set.error().what << " " << set.error().hint;
  EXPECT_EQ(knobs_json(knobs), before) << "half of it was done";
}

TEST(LocalnetKnobs, EveryName_IsShownAndCanBeSetToWhatItIs) {
  const auto object = shown(Knobs{});
  EXPECT_EQ(object.size(), knob_names().size());
  Knobs knobs;
  for (const KnobName& knob : knob_names()) {
    ASSERT_TRUE(object.contains(knob.name)) << knob.name;
    const auto& value = object[std::string(knob.name)];
    const std::string text = text_of(value);
    const Status set = set_knobs(knobs, {}, {std::string(knob.name) + "=" + text});
    EXPECT_TRUE(set) << knob.name << "=" << text;
    EXPECT_FALSE(knob.meaning.empty());
  }
  EXPECT_EQ(shown(knobs), object);
}

TEST(LocalnetKnobs, EveryName_HasARowInThePage) {
  const std::string page = content_of(in_source("docs/localnet.md"));
  const auto defaults = shown(Knobs{});
  for (const KnobName& knob : knob_names()) {
    const auto& value = defaults[std::string(knob.name)];
    const std::string text = text_of(value);
    const std::string row = "| `" + std::string(knob.name) + "` | " + text + " | ";
    EXPECT_NE(page.find(row), std::string::npos) << row;
  }
}

TEST(LocalnetKnobs, Values_AreOfEveryKind) {
  Knobs knobs;
  ASSERT_TRUE(set_knobs(knobs, {},
                        {"copy_poll=20", "request_loss=0.25", "replica_down=0,4",
                         "temp_cleanup=real", "proxied_reply_key=matching_epoch"}));
  EXPECT_EQ(knobs.copy_poll, Milliseconds(20));
  EXPECT_EQ(knobs.request_loss, 0.25);
  EXPECT_EQ(knobs.replica_down, (std::set<std::uint8_t>{0, 4}));
  EXPECT_EQ(knobs.temp_cleanup, TempCleanup::kReal);
  EXPECT_EQ(knobs.proxied_reply_key, ProxiedReplyKey::kMatchingEpoch);
  ASSERT_TRUE(set_knobs(knobs, {}, {"replica_down=none", "services=spool:1,echo:3,key_server-2"}));
  EXPECT_EQ(knobs.services, (std::map<std::string, std::uint8_t>{
                                {"echo", kEveryNode}, {"key_server-2", kEveryNode}, {"spool", 1}}));
  EXPECT_EQ(shown(knobs)["services"].dump(), R"(["echo","key_server-2","spool:1"])");
  EXPECT_TRUE(knobs.replica_down.empty());
}

TEST(LocalnetKnobs, WrongWords_AreRefusedWithWhatIsAllowed) {
  expect_refused("copy_poll", "NAME=VALUE");
  expect_refused("no_such=1", "there is no knob no_such");
  expect_refused("copy_poll=", "milliseconds");
  expect_refused("copy_poll=-1", "milliseconds");
  expect_refused("copy_poll=1h", "milliseconds");
  for (const char* value : {"nan", "inf", "-0", "-nan", "1.5", "1e-3", "2592000000.5", "+1", " 1"})
    expect_refused(std::string("copy_poll=") + value, "whole milliseconds");
  for (const char* value : {"nan", "-0.0", "-inf", "inf", "1000.5", "0x1"})
    expect_refused(std::string("hop_rate=") + value, "from 0 to 1000");
  expect_refused("request_loss=-0", "a number from 0 to 1");
  expect_refused("copy_poll=1e300", "milliseconds");
  expect_refused("request_loss=1.5", "a number from 0 to 1");
  expect_refused("request_loss=nan", "a number from 0 to 1");
  expect_refused("replica_down=5", "numbers below 5");
  expect_refused("courier_down=0,,1", "numbers below 3");
  expect_refused("courier_down=0.5", "numbers below 3");
  for (const char* value : {"", "0,", ",", "nan", "-0", "none,0"})
    expect_refused(std::string("replica_down=") + value, "numbers below 5");
  for (const char* value : {"", "echo,", "echo,echo:1", "courier", "spool:0", "spool:4",
                            "spool:1.5", "spool:", ":1", "Spool", "a b", "none,echo"})
    expect_refused(std::string("services=") + value, "different names");
  expect_refused("services=" + std::string(32, 'a'), "different names");
  expect_refused("services=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "up to 16");
  expect_refused("temp_cleanup=maybe", "pseudo or real or none");
}

TEST(LocalnetKnobs, Positions_AreThoseOfTheNetwork) {
  const NetworkSize size = *NetworkSize::make(12, 2);
  Knobs knobs;
  ASSERT_TRUE(set_knobs(knobs, size, {"replica_silent=11", "courier_down=1", "services=spool:2"}));
  EXPECT_EQ(knobs.replica_silent, (std::set<std::uint8_t>{11}));
  EXPECT_EQ(knobs.services, (std::map<std::string, std::uint8_t>{{"spool", kEveryNode}}));
  for (const auto& [word, allowed] :
       {std::pair("replica_silent=12", "below 12"), std::pair("courier_unlisted=2", "below 2"),
        std::pair("services=spool:3", "with :1 to :2 providers")}) {
    const Status set = set_knobs(knobs, size, {word});
    ASSERT_FALSE(set) << word;
    EXPECT_NE(set.error().hint.find(allowed), std::string::npos) << set.error().hint;
  }
}

TEST(LocalnetKnobs, File_IsReadStrictly) {
  TempFolder folder;
  const std::string path = folder / "knobs.toml";
  write_file(path,
             "copy_poll = 20\nreply_loss = 0.5\nreplica_down = [1, 2]\ntemp_cleanup = \"none\"\n"
             "services = [\"echo\", \"spool:2\"]\nlink_rate = 0.12345678901234566\n");
  Knobs knobs;
  ASSERT_TRUE(load_knobs(knobs, {}, path));
  EXPECT_EQ(knobs.copy_poll, Milliseconds(20));
  EXPECT_EQ(knobs.reply_loss, 0.5);
  EXPECT_EQ(knobs.replica_down, (std::set<std::uint8_t>{1, 2}));
  EXPECT_EQ(knobs.temp_cleanup, TempCleanup::kNone);
  EXPECT_EQ(knobs.services,
            (std::map<std::string, std::uint8_t>{{"echo", kEveryNode}, {"spool", 2}}));
  EXPECT_EQ(knobs.link_rate, 0.12345678901234566);
  const std::pair<const char*, const char*> wrong[] = {
      {"copy_poll = 20\nno_such = 1\n", "knobs.toml:2: there is no knob"},
      {"copy_poll = true\n", "knobs.toml:1: knob copy_poll"},
      {"copy_poll = \n", "knobs.toml:1: "},
      {"copy_poll = nan\n", ":1: knob copy_poll: nan"},
      {"copy_poll = 1000000.5\n", ":1: knob copy_poll: 1000000.5"},
      {"[copy_poll]\n", ":1: knob copy_poll"}};
  for (const auto& [text, what] : wrong) {
    write_file(path, text);
    const std::string before = knobs_json(knobs);
    const Status loaded = load_knobs(knobs, {}, path);
    ASSERT_FALSE(loaded) << text;
    EXPECT_NE(loaded.error().what.find(what), std::string::npos) << loaded.error().what;
    EXPECT_EQ(knobs_json(knobs), before);
  }
  EXPECT_EQ(load_knobs(knobs, {}, folder / "missing").error().code, Errc::kNotFound);
  write_file(path, std::string(70'000, '#'));
  EXPECT_EQ(load_knobs(knobs, {}, path).error().code, Errc::kIo);
}

}  // namespace
}  // namespace taubenpost::localnet
