// docs/howto.md is true: its programs are those of docs/examples, and its transcripts happen.
//
// Every `console` block is run line by line against one local network, in the order of the page;
// what each command prints is compared with what the page shows.
#include <gtest/gtest.h>

#include <sstream>

#include "support/cli_fixture.h"
#include "support/places.h"

namespace taubenpost {
namespace {

struct Block {
  std::string language, text;
};

// The fenced blocks of the page, in order.
std::vector<Block> blocks_of(const std::string& page) {
  std::vector<Block> blocks;
  std::istringstream lines(page);
  std::string line;
  bool inside = false;
  while (std::getline(lines, line)) {
    if (line.rfind("```", 0) == 0) {
      if (!inside) blocks.push_back({line.substr(3), ""});
      inside = !inside;
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

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

struct Step {
  std::vector<std::string> words;
  std::string expected;
};

// "$ command word..." and what it prints; a word with spaces stands in single quotes.
std::vector<Step> steps_of(const std::string& transcript) {
  std::vector<Step> steps;
  std::istringstream lines(transcript);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind("$ ", 0) != 0) {
      steps.back().expected += line + "\n";
      continue;
    }
    steps.emplace_back();
    std::istringstream words(line.substr(2));
    std::string word;
    while (words >> word) {
      if (word.front() == '\'') {
        std::string rest;
        if (word.back() != '\'') std::getline(words, rest, '\'');
        word = word.substr(1) + rest;
        if (word.back() == '\'') word.pop_back();
      }
      steps.back().words.push_back(word);
    }
  }
  return steps;
}

class HowTo : public CliNetworkTest {
 protected:
  void SetUp() override {
    start_network("network");
    write_file(path("report.txt"), std::string(20'000, 'x'));
    ASSERT_EQ(::mkdir(path("sending").c_str(), 0700), 0);
  }

  Program example(const std::vector<std::string>& words) {
    Program::Options options;
    options.program = in_build("examples/") + words.at(0);
    options.folder = folder_.path();
    return Program(output_.path(), {words.begin() + 1, words.end()}, options);
  }
  void expect_step(const Step& step) {
    SCOPED_TRACE(step.words.at(0));
    const Ended ended = example(step.words).wait();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(ended.out, step.expected);
  }
};

TEST_F(HowTo, Transcripts_Happen) {
  std::size_t ran = 0;
  for (const Block& block : blocks_of(content_of(in_source("docs/howto.md")))) {
    if (block.language != "console") continue;
    for (const Step& step : steps_of(block.text)) {
      expect_step(step);
      ++ran;
    }
  }
  EXPECT_GE(ran, 15U);
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
  expect_step({{"channel", "thinclient.toml", "carol"}, "carol.write and carol.read\n"});
  Program waiting = example({"disconnects", "thinclient.toml", "carol"});
  ASSERT_TRUE(waiting.says("waiting\n"));
  network_->send_signal(SIGKILL);
  network_->wait();
  ASSERT_TRUE(waiting.says("daemon gone\n"));
  start_network("network");
  ASSERT_TRUE(waiting.says("daemon back\n"));
  expect_step({{"write", "thinclient.toml", "carol", "hello again"}, "written\n"});
  const Ended ended = waiting.wait();
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out, "waiting\ndaemon gone\ndaemon back\nhello again\n");
  EXPECT_NE(content_of(in_source("docs/howto.md")).find(ended.out), std::string::npos);
}

}  // namespace
}  // namespace taubenpost
