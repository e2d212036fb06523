// docs/howto.md is true: its programs are those of docs/examples, and its transcripts happen.
//
// Every `console` block is run line by line against one local network, in the order of the page;
// what each command prints is compared with what the page shows.
#include <gtest/gtest.h>

#include <sstream>

#include "support/cli_fixture.h"
#include "support/places.h"
#include "support/transcript.h"

namespace taubenpost {
namespace {

// Without indentation: the page shows parts of functions.
std::string flat(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin != std::string::npos) out += line.substr(begin) + "\n";
  }
  return out;
}

class HowTo : public CliNetworkTest {
 protected:
  void SetUp() override {
    start_network("network");
    write_file(path("report.txt"), std::string(20'000, 'x'));
    ASSERT_EQ(::mkdir(path("sending").c_str(), 0700), 0);
  }

  std::unique_ptr<Program> example(const Step& step) {
    Program::Options options;
    options.program = in_build("examples/") + step.words.at(0);
    options.folder = folder_.path();
    const std::vector<std::string> arguments(step.words.begin() + 1, step.words.end());
    return std::make_unique<Program>(output_.path(), arguments, options);
  }
  StartProgram start() {
    return [this](const Step& step) { return example(step); };
  }
};

TEST_F(HowTo, Transcripts_Happen) {
  EXPECT_GE(expect_transcripts(content_of(in_source("docs/howto.md")), start()), 15U);
}

TEST_F(HowTo, Code_IsThatOfTheExamples) {
  std::string sources;
  std::size_t programs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(in_source("docs/examples"))) {
    sources += flat(content_of(entry.path()));
    programs += entry.path().extension() == ".cc";
  }
  std::size_t shown = 0;
  for (const Block& block : blocks_of(content_of(in_source("docs/howto.md")))) {
    if (block.language != "cpp") continue;
    EXPECT_NE(sources.find(flat(block.text)), std::string::npos) << block.text;
    ++shown;
  }
  EXPECT_EQ(shown, programs);
}

// The section about disconnects: the network is killed under a program that waits for a message.
TEST_F(HowTo, Disconnects_AreNotNoticedByTheReader) {
  const Step make = steps_of("$ channel thinclient.toml carol\ncarol.write and carol.read\n").at(0);
  expect_step(make, start());
  const auto waiting = example(step_of("disconnects thinclient.toml carol"));
  ASSERT_TRUE(waiting->says("waiting\n"));
  network_->send_signal(SIGKILL);
  network_->wait();
  ASSERT_TRUE(waiting->says("daemon gone\n"));
  start_network("network");
  ASSERT_TRUE(waiting->says("daemon back\n"));
  const Step write = steps_of("$ write thinclient.toml carol 'hello again'\nwritten\n").at(0);
  expect_step(write, start());
  const Ended ended = waiting->wait();
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out, "waiting\ndaemon gone\ndaemon back\nhello again\n");
  EXPECT_NE(content_of(in_source("docs/howto.md")).find(ended.out), std::string::npos);
}

}  // namespace
}  // namespace taubenpost
