#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "thin/config.h"

namespace taubenpost::thin {
namespace {

void expect_refused(std::string_view text, std::string_view place, std::string_view mention) {
  const auto parsed = parse_config(text, "thinclient.toml");
  ASSERT_FALSE(parsed) << text;
  EXPECT_EQ(parsed.error().code, Errc::kUsage);
  EXPECT_TRUE(parsed.error().what.starts_with("thinclient.toml:" + std::string(place) + ": "))
      << parsed.error().what;
  EXPECT_NE(parsed.error().what.find(mention), std::string::npos) << parsed.error().what;
}

TEST(ThinConfig, UnixPath_IsRead) {
  const auto parsed = parse_config("[Dial.Unix]\nAddress = \"/run/k/d.sock\"\n", "f");
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(*parsed, DialAddress{UnixPath{"/run/k/d.sock"}});
}

TEST(ThinConfig, AbstractName_LosesItsAt) {
  const auto parsed = parse_config("[Dial.Unix]\nAddress = \"@kpclientd-example\"\n", "f");
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(*parsed, DialAddress{AbstractName{"kpclientd-example"}});
}

TEST(ThinConfig, TcpWithEveryNetwork_IsRead) {
  const std::pair<const char*, TcpFamily> cases[] = {{"", TcpFamily::kAny},
                                                     {"Network = \"\"\n", TcpFamily::kAny},
                                                     {"Network = \"tcp\"\n", TcpFamily::kAny},
                                                     {"Network = \"tcp4\"\n", TcpFamily::kIpv4},
                                                     {"Network = \"tcp6\"\n", TcpFamily::kIpv6}};
  for (const auto& [line, family] : cases) {
    const std::string text = std::string("[Dial.Tcp]\nAddress = \"localhost:64331\"\n") + line;
    const auto parsed = parse_config(text, "f");
    ASSERT_TRUE(parsed) << parsed.error().what;
    EXPECT_EQ(*parsed, (DialAddress{TcpAddress{"localhost", 64331, family}}));
  }
}

TEST(ThinConfig, Ipv6InBrackets_LosesThem) {
  const auto parsed = parse_config("[Dial.Tcp]\nAddress = \"[::1]:64331\"\n", "f");
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(*parsed, (DialAddress{TcpAddress{"::1", 64331, TcpFamily::kAny}}));
}

TEST(ThinConfig, UnknownKeyAnywhere_NamesLineAndKey) {
  expect_refused("[Dial.Unix]\nAddress = \"@a\"\nNetwork = \"unix\"\n", "3", "Dial.Unix.Network");
  expect_refused("[Dial.Tcp]\nAddress = \"a:1\"\nPort = 1\n", "3", "Dial.Tcp.Port");
  expect_refused("[Dial.Ws]\nAddress = \"ws://a\"\n", "1", "Dial.Ws");
  expect_refused("[SphinxGeometry]\nNrHops = 5\n\n[Dial.Unix]\nAddress = \"@a\"\n", "1",
                 "SphinxGeometry");
  expect_refused("Network = \"tcp\"\nAddress = \"a:1\"\n", "1", "Network");
}

TEST(ThinConfig, OtherSpelling_IsRefused) {
  expect_refused("[dial.Unix]\nAddress = \"@a\"\n", "1", "dial");
  expect_refused("[Dial.unix]\nAddress = \"@a\"\n", "1", "Dial.unix");
  expect_refused("[Dial.Unix]\naddress = \"@a\"\n", "2", "Dial.Unix.address");
}

TEST(ThinConfig, MissingOrDoubledTables_AreRefused) {
  expect_refused("", "1", "[Dial]");
  expect_refused("Dial = 3\n", "1", "[Dial]");
  expect_refused("[Dial]\n", "1", "exactly one");
  expect_refused("[Dial.Unix]\nAddress = \"@a\"\n[Dial.Tcp]\nAddress = \"a:1\"\n", "1",
                 "exactly one");
  expect_refused("\n[Dial.Unix]\n", "2", "Dial.Unix.Address");
}

TEST(ThinConfig, BadValues_NameTheirLine) {
  expect_refused("[Dial.Unix]\nAddress = 3\n", "2", "must be a string");
  expect_refused("[Dial.Unix]\nAddress = \"\"\n", "2", "empty");
  expect_refused("[Dial.Unix]\nAddress = \"@\"\n", "2", "empty");
  expect_refused("[Dial.Unix]\nAddress = \"" + std::string(108, 'x') + "\"\n", "2", "longer");
  expect_refused("[Dial.Unix]\nAddress = \"@" + std::string(107, 'x') + "\"\n", "2", "longer");
  expect_refused("[Dial.Tcp]\nAddress = \"localhost\"\n", "2", "host:port");
  expect_refused("[Dial.Tcp]\nAddress = \"localhost:0\"\n", "2", "port");
  expect_refused("[Dial.Tcp]\nAddress = \"localhost:65536\"\n", "2", "port");
  expect_refused("[Dial.Tcp]\nAddress = \"localhost:1x\"\n", "2", "port");
  expect_refused("[Dial.Tcp]\nAddress = \"::1:64331\"\n", "2", "brackets");
  expect_refused("[Dial.Tcp]\nAddress = \"a:1\"\nNetwork = \"udp\"\n", "3", "Dial.Tcp.Network");
  expect_refused("[Dial.Unix]\nAddress = \"@a\n", "2", "");
}

TEST(ThinConfig, MissingFile_IsNotFound) {
  const auto loaded = load_config("/nonexistent/thinclient.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::kNotFound);
}

TEST(ThinConfig, HugeFile_IsRefused) {
  std::string name = (std::filesystem::temp_directory_path() / "thin-config-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::string path = name + "/thinclient.toml";
  std::ofstream(path) << std::string(70'000, '#');
  const auto loaded = load_config(path);
  std::filesystem::remove_all(name);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::kUsage);
}

TEST(ThinAddress, TextForms_RoundTrip) {
  for (const char* text :
       {"unix:/run/d.sock", "unix:@name", "tcp:localhost:1", "tcp:[::1]:64331"}) {
    const auto parsed = parse_address(text);
    ASSERT_TRUE(parsed) << parsed.error().what;
    EXPECT_EQ(to_string(*parsed), text);
  }
  for (const char* text : {"", "/run/d.sock", "tcp:localhost", "unix:", "ws://a"})
    EXPECT_FALSE(parse_address(text)) << text;
}

}  // namespace
}  // namespace taubenpost::thin
