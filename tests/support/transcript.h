// Transcripts of a page of the documentation: what stands in its fenced blocks, and that it
// happens.
//
//   $ command word 'two words'     runs with these words
//   $ echo TEXT | command …        with TEXT and the end of its line as standard input
//   $ command … &                  goes on beside the others once it has printed what is shown; a
//                                  later command of the page ends it
//
// What follows, up to the next command, is what the command prints: its output, then its errors. …
// stands for any text. A command fails exactly where an error of taubenpost is shown.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/program.h"

namespace taubenpost {

struct Block {
  std::string language, text;
};

// The fenced blocks of the page, in order.
inline std::vector<Block> blocks_of(const std::string& page) {
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

struct Step {
  std::vector<std::string> words;
  std::string input;
  bool is_beside = false;
  std::string expected;
};

inline Step step_of(const std::string& command) {
  Step step;
  std::istringstream words(command);
  std::string word;
  while (words >> word) {
    if (word.front() == '\'') {
      std::string rest;
      if (word.back() != '\'') std::getline(words, rest, '\'');
      word = word.substr(1) + rest;
      if (word.back() == '\'') word.pop_back();
    }
    if (word == "|") {  // what came before is the input
      for (std::size_t i = 1; i < step.words.size(); ++i)
        step.input += (i == 1 ? "" : " ") + step.words[i];
      step.input += "\n";
      step.words.clear();
    } else if (word == "&") {
      step.is_beside = true;
    } else {
      step.words.push_back(word);
    }
  }
  return step;
}

inline std::vector<Step> steps_of(const std::string& transcript) {
  std::vector<Step> steps;
  std::istringstream lines(transcript);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind("$ ", 0) == 0)
      steps.push_back(step_of(line.substr(2)));
    else
      steps.back().expected += line + "\n";
  }
  return steps;
}

inline bool is_shown(const std::string& expected, const std::string& printed) {
  static const std::string kAnything = "…";
  std::size_t at = 0;
  std::size_t from = 0;
  for (std::size_t gap = expected.find(kAnything); gap != std::string::npos;
       gap = expected.find(kAnything, from)) {
    const std::string part = expected.substr(from, gap - from);
    const std::size_t found = printed.find(part, at);
    if (found == std::string::npos || (from == 0 && found != 0)) return false;
    at = found + part.size();
    from = gap + kAnything.size();
  }
  const std::string last = expected.substr(from);
  if (from == 0) return printed == last;
  return printed.size() >= at + last.size() && printed.ends_with(last);
}

using StartProgram = std::function<std::unique_ptr<Program>(const Step& step)>;

inline void expect_step(const Step& step, const StartProgram& start) {
  const Ended ended = start(step)->wait();
  const std::string printed = ended.out + ended.err;
  EXPECT_TRUE(is_shown(step.expected, printed)) << step.expected << "--- but:\n" << printed;
  const bool fails = step.expected.find("taubenpost: ") != std::string::npos;
  EXPECT_EQ(ended.status != 0, fails) << "status " << ended.status << "\n" << printed;
}

// Runs the `console` blocks of a page in order; how many commands there were.
inline std::size_t expect_transcripts(const std::string& page, const StartProgram& start) {
  std::size_t ran = 0;
  std::vector<std::unique_ptr<Program>> beside;
  for (const Block& block : blocks_of(page)) {
    if (block.language != "console") continue;
    for (const Step& step : steps_of(block.text)) {
      std::string command;
      for (const std::string& word : step.words) command += word + " ";
      SCOPED_TRACE(command);
      ++ran;
      if (!step.is_beside) {
        expect_step(step, start);
      } else {
        beside.push_back(start(step));
        EXPECT_TRUE(beside.back()->says(step.expected)) << beside.back()->out();
      }
    }
  }
  for (const auto& program : beside) EXPECT_EQ(program->wait().status, 0);
  return ran;
}

}  // namespace taubenpost
