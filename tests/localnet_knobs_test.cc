// Knobs by name: what is accepted, what is refused and why, and that nothing is changed by half.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "localnet/knob_names.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace taubenpost::localnet {
namespace {

nlohmann::json shown(const Knobs& knobs) { return nlohmann::json::parse(knobs_json(knobs)); }

void expect_refused(const std::string& word, const std::string& what) {
  Knobs knobs;
  const std::string before = knobs_json(knobs);
  const Status set = set_knobs(knobs, {"copy_poll=1", word});
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
    const std::string text = value.is_array()    ? "none"
                             : value.is_string() ? value.get<std::string>()
                                                 : value.dump();
    const Status set = set_knobs(knobs, {std::string(knob.name) + "=" + text});
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
    const std::string text = value.is_array()    ? "none"
                             : value.is_string() ? value.get<std::string>()
                                                 : value.dump();
    const std::string row = "| `" + std::string(knob.name) + "` | " + text + " | ";
    EXPECT_NE(page.find(row), std::string::npos) << row;
  }
}

TEST(LocalnetKnobs, Values_AreOfEveryKind) {
  Knobs knobs;
  ASSERT_TRUE(set_knobs(knobs, {"copy_poll=20", "request_loss=0.25", "replica_down=0,4",
                                "temp_cleanup=real", "proxied_reply_key=matching_epoch"}));
  EXPECT_EQ(knobs.copy_poll, Milliseconds(20));
  EXPECT_EQ(knobs.request_loss, 0.25);
  EXPECT_EQ(knobs.replica_down, (std::set<std::uint8_t>{0, 4}));
  EXPECT_EQ(knobs.temp_cleanup, TempCleanup::kReal);
  EXPECT_EQ(knobs.proxied_reply_key, ProxiedReplyKey::kMatchingEpoch);
  ASSERT_TRUE(set_knobs(knobs, {"replica_down=none"}));
  EXPECT_TRUE(knobs.replica_down.empty());
}

TEST(LocalnetKnobs, WrongWords_AreRefusedWithWhatIsAllowed) {
  expect_refused("copy_poll", "NAME=VALUE");
  expect_refused("no_such=1", "there is no knob no_such");
  expect_refused("copy_poll=", "milliseconds");
  expect_refused("copy_poll=-1", "milliseconds");
  expect_refused("copy_poll=1h", "milliseconds");
  expect_refused("copy_poll=1e300", "milliseconds");
  expect_refused("request_loss=1.5", "a number from 0 to 1");
  expect_refused("request_loss=nan", "a number from 0 to 1");
  expect_refused("replica_down=5", "numbers below 5");
  expect_refused("courier_down=0,,1", "numbers below 3");
  expect_refused("courier_down=0.5", "numbers below 3");
  expect_refused("temp_cleanup=maybe", "pseudo or real or none");
}

TEST(LocalnetKnobs, File_IsReadStrictly) {
  TempFolder folder;
  const std::string path = folder / "knobs.toml";
  write_file(path,
             "copy_poll = 20\nreply_loss = 0.5\nreplica_down = [1, 2]\ntemp_cleanup = \"none\"\n");
  Knobs knobs;
  ASSERT_TRUE(load_knobs(knobs, path));
  EXPECT_EQ(knobs.copy_poll, Milliseconds(20));
  EXPECT_EQ(knobs.reply_loss, 0.5);
  EXPECT_EQ(knobs.replica_down, (std::set<std::uint8_t>{1, 2}));
  EXPECT_EQ(knobs.temp_cleanup, TempCleanup::kNone);
  const std::pair<const char*, const char*> wrong[] = {
      {"copy_poll = 20\nno_such = 1\n", "line 2: there is no knob"},
      {"copy_poll = true\n", "line 1: knob copy_poll"},
      {"copy_poll = \n", "line 1"},
      {"[copy_poll]\n", "line 1: knob copy_poll"}};
  for (const auto& [text, what] : wrong) {
    write_file(path, text);
    const std::string before = knobs_json(knobs);
    const Status loaded = load_knobs(knobs, path);
    ASSERT_FALSE(loaded) << text;
    EXPECT_NE(loaded.error().what.find(what), std::string::npos) << loaded.error().what;
    EXPECT_EQ(knobs_json(knobs), before);
  }
  EXPECT_EQ(load_knobs(knobs, folder / "missing").error().code, Errc::kNotFound);
  write_file(path, std::string(70'000, '#'));
  EXPECT_EQ(load_knobs(knobs, path).error().code, Errc::kIo);
}

}  // namespace
}  // namespace taubenpost::localnet
