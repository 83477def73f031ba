#include "cli/suggest.h"

#include <gtest/gtest.h>

namespace vbs::cli {
namespace {

const std::vector<std::string> kVerbs{"create-volume", "create-snapshot", "describe-volume",
                                      "describe-volumes", "audit"};

TEST(Suggest, FindsTypingSlips) {
  EXPECT_EQ(suggest("create-volum", kVerbs), "create-volume");
  EXPECT_EQ(suggest("craete-volume", kVerbs), "create-volume");
  EXPECT_EQ(suggest("createvolume", kVerbs), "create-volume");
  EXPECT_EQ(suggest("describe-vlumes", kVerbs), "describe-volumes");
  EXPECT_EQ(suggest("adit", kVerbs), "audit");
}

TEST(Suggest, FindsTheOnlyWordThatBeginsSo) {
  EXPECT_EQ(suggest("create-sn", kVerbs), "create-snapshot");
  EXPECT_EQ(suggest("create-", kVerbs), "") << "two begin so";
}

TEST(Suggest, DoesNotGuessWildly) {
  EXPECT_EQ(suggest("format-disk", kVerbs), "");
  EXPECT_EQ(suggest("x", kVerbs), "");
  EXPECT_EQ(suggest("", kVerbs), "");
  EXPECT_EQ(suggest(std::string(100'000, 'a'), kVerbs), "");
}

}  // namespace
}  // namespace vbs::cli
