#include "common/private_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/common/support.h"

namespace vbs {
namespace {

TEST(PrivateFolder, IsMadeForItsOwnerAlone) {
  const test::TempDir dir;
  ASSERT_TRUE(make_private_folder(dir.path("new")));
  EXPECT_EQ(test::mode_of(dir.path("new")), 0700U);
  EXPECT_TRUE(make_private_folder(dir.path("new"))) << "again is harmless";
  EXPECT_FALSE(make_private_folder(dir.path("no/parent")));
}

TEST(PrivateFolder, OneThatWasOpenToOthersIsClosed) {
  const test::TempDir dir;
  std::filesystem::create_directory(dir.path("old"));
  ASSERT_EQ(::chmod(dir.path("old").c_str(), 0755), 0);
  ASSERT_TRUE(make_private_folder(dir.path("old")));
  EXPECT_EQ(test::mode_of(dir.path("old")), 0700U);
}

TEST(PrivateFolder, AFileInItsPlaceIsAnError) {
  const test::TempDir dir;
  std::ofstream(dir.path("file")) << "text";
  const auto made = make_private_folder(dir.path("file"));
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find(dir.path("file")), std::string::npos);
}

TEST(PrivateFolder, FilesThatACrashCutShortAreRemoved) {
  const test::TempDir dir;
  std::ofstream(dir.path("one.json")) << "whole";
  std::ofstream(dir.path("two.json.tmp")) << "half";
  ASSERT_TRUE(remove_temporary_files(dir.path()));
  EXPECT_TRUE(std::filesystem::exists(dir.path("one.json")));
  EXPECT_FALSE(std::filesystem::exists(dir.path("two.json.tmp")));
  EXPECT_FALSE(remove_temporary_files(dir.path("missing")));
}

}  // namespace
}  // namespace vbs
