#include "common/log.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>
#include <thread>
#include <vector>

#include "common/json.h"
#include "support.h"

namespace vbs {
namespace {

using std::string_literals::operator""s;
using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  LogTest() { log::start({.program = "vbs-test", .file = file(), .level = log::Level::info}); }

  std::string file() const { return dir_.path("log"); }

  std::vector<json::Value> lines(const std::string& path) const {
    std::vector<json::Value> values;
    std::istringstream in(test::slurp(path));
    for (std::string line; std::getline(in, line);) {
      auto value = json::parse(line);
      EXPECT_TRUE(value) << line;
      if (value) values.push_back(*std::move(value));
    }
    return values;
  }

  std::string text(const json::Value& line, std::string_view key) const {
    const auto* member = line.find(key);
    const auto* held = member == nullptr ? nullptr : member->as<std::string>();
    return held == nullptr ? "(none)" : *held;
  }

  const test::TempDir dir_;
};

TEST_F(LogTest, OneJsonLineAnEvent) {
  log::info("volume created", {{"volume", "0190"}, {"size_bytes", std::int64_t{1} << 40}});
  const auto all = lines(file());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(text(all[0], "time"),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"));
  EXPECT_EQ(text(all[0], "level"), "info");
  EXPECT_EQ(text(all[0], "program"), "vbs-test");
  EXPECT_EQ(text(all[0], "message"), "volume created");
  EXPECT_EQ(text(all[0], "volume"), "0190");
  EXPECT_EQ(*all[0].find("size_bytes")->as<std::int64_t>(), std::int64_t{1} << 40);
}

TEST_F(LogTest, WhatToolsSaidStaysOnOneLine) {
  const std::string said = "line 1\nline \"2\"\\\x1B[31m\0{}%v%n"s;
  log::error(said, {{"stderr", said}, {"bytes", "\xFF\xFE"}});
  const auto all = lines(file());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(text(all[0], "message"), said);
  EXPECT_EQ(text(all[0], "stderr"), said);
  EXPECT_EQ(text(all[0], "bytes"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_F(LogTest, LevelsBelowTheWantedOneAreDropped) {
  log::debug("no");
  log::info("yes");
  log::warning("yes");
  log::error("yes");
  const auto all = lines(file());
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(text(all[1], "level"), "warning");
  EXPECT_EQ(text(all[2], "level"), "error");

  log::start({.program = "vbs-test", .file = file(), .level = log::Level::debug});
  log::debug("yes");
  EXPECT_EQ(lines(file()).size(), 4U);
}

TEST_F(LogTest, ReopenFollowsARotation) {
  log::info("before");
  std::filesystem::rename(file(), dir_.path("log.1"));
  log::info("still in the old file");
  log::reopen();
  log::info("after");
  EXPECT_EQ(lines(dir_.path("log.1")).size(), 2U);
  const auto fresh = lines(file());
  ASSERT_EQ(fresh.size(), 1U);
  EXPECT_EQ(text(fresh[0], "message"), "after");
}

TEST_F(LogTest, AnExistingFileIsContinued) {
  log::info("one");
  log::start({.program = "vbs-test", .file = file(), .level = log::Level::info});
  log::info("two");
  EXPECT_EQ(lines(file()).size(), 2U);
}

TEST_F(LogTest, ThreadsDoNotMixTheirLines) {
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < 4; ++writer) {
      writers.emplace_back([] {
        for (int i = 0; i < 200; ++i) log::info("event", {{"text", std::string(500, 'x')}});
      });
    }
    for (int i = 0; i < 20; ++i) log::reopen();
  }
  const auto all = lines(file());
  ASSERT_EQ(all.size(), 800U);
  for (const auto& line : all) EXPECT_EQ(text(line, "text").size(), 500U);
}

TEST(Log, AFileThatCannotBeOpenedLeadsToStandardError) {
  testing::internal::CaptureStderr();
  log::start({.program = "vbs-test", .file = "/dev/null/log", .level = log::Level::info});
  log::info("still here");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, testing::HasSubstr("cannot open the log file"));
  EXPECT_THAT(said, testing::HasSubstr("/dev/null/log"));
  EXPECT_THAT(said, testing::HasSubstr("still here"));
}

TEST(Log, WithoutAFileLinesGoToStandardError) {
  testing::internal::CaptureStderr();
  log::start({.program = "vbs-test", .file = "", .level = log::Level::info});
  log::info("hello");
  const std::string said = testing::internal::GetCapturedStderr();
  const auto line = json::parse(said);
  ASSERT_TRUE(line) << said;
  EXPECT_EQ(*line->find("message")->as<std::string>(), "hello");
}

}  // namespace
}  // namespace vbs
